/** A reference set from a file: features (the authors' layouts, read with the head in force), a reference set as numbers, or scores. */
import type { HeadReplacement } from '@/core/head-replacement.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import type { DebiasJobs } from '@/jobs/api/debias.ts';
import { chooseDebias } from '@/state/debias-store.ts';
import { headVariant } from '@/state/head-variants.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import {
  openedReference,
  referenceReading,
  useOpenedReference,
  type OpenedReference,
} from '@/state/opened-reference.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { ActiveHead } from './active-head.ts';
import { openScoredSet } from './open-scored-set.ts';
import { openChosenPackage, readPackageHead } from './package-head.ts';

/** Opens a file, whichever kind it is. A file of scores becomes the open set, as it does in Steer and Evaluate. */
export async function openReferenceFile(file: File, active: ActiveHead, jobs: DebiasJobs): Promise<void> {
  if (!/\.safetensors$/i.test(file.name)) {
    chooseDebias({ source: 'open-set' });
    await openScoredSet(file, active.owner);
    return;
  }
  chooseDebias({ source: 'file' });
  await readReference(file, active, jobs);
}

/** Reads the features that are open with the head in force, where they were read with another regression or gate. */
export async function rereadFeatures(active: ActiveHead, jobs: DebiasJobs): Promise<void> {
  const opened = openedReference(useOpenedReference.getState().id);
  if (opened?.features === undefined || opened.modelId !== active.owner.manifest.id) return;
  const { file, parts } = opened.features;
  const now = partsOf(active);
  if (parts.regression !== now.regression || parts.gate !== now.gate) await readReference(file, active, jobs);
}

function partsOf({ variant }: ActiveHead): HeadReplacement {
  return (variant === undefined ? undefined : headVariant(variant.id)?.replacement) ?? {};
}

async function readReference(file: File, active: ActiveHead, jobs: DebiasJobs): Promise<void> {
  const { keep, refuse } = referenceReading();
  await trackWork(
    read(file, active, jobs).then(keep, (cause: unknown) =>
      refuse(`${file.name} was not opened: ${cause instanceof Error ? cause.message : String(cause)}`),
    ),
  );
}

/** Features are read with the head in force, whose regression their rewards come from. */
async function read(file: File, active: ActiveHead, jobs: DebiasJobs): Promise<OpenedReference> {
  const { manifest } = active.owner;
  const [{ blobSource }, { isReferenceFile, readReferenceFile }] = await Promise.all([
    import('@/formats/blob-source.ts'),
    import('@/formats/reference-file.ts'),
  ]);
  const objectives = manifest.objectives.map(({ name }) => name);
  const common = { name: file.name, modelId: manifest.id, objectives };
  const source = blobSource(file.name, file);
  if (await isReferenceFile(source)) {
    const head = { transform: active.owner.transform };
    const scored = await readReferenceFile(source, { objectives, modelId: manifest.id, head });
    return { ...common, rewards: scored.rewards, scored };
  }
  const own = await readModelHead(manifest.id);
  const parts = partsOf(active);
  const files = [{ name: file.name, blob: file }];
  return {
    ...common,
    features: { file, parts },
    ...(await jobs.run('features', { files, head: { ...own, ...parts }, objectives, modelId: manifest.id })),
  };
}

/** The head of the chosen package. @throws Error where the package is not the model in use. */
async function readModelHead(modelId: string): Promise<RewardHead> {
  const { choice } = useModelChoice.getState();
  const { manifest } = await openChosenPackage(choice);
  if (manifest.id !== modelId)
    throw new Error(`The scores shown are of ${modelId}, and the package chosen is ${manifest.id}.`);
  return readPackageHead(choice, manifest);
}
