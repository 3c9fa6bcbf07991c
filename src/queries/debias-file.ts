/** A reference set from a file: features (the authors' layouts, read with the head in force), a reference set as numbers, or scores. */
import { chooseDebias } from '@/state/debias-store.ts';
import { referenceReading, type OpenedReference } from '@/state/opened-reference.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { ActiveHead } from './active-head.ts';
import { openScoredSet } from './open-scored-set.ts';

/** Opens a file, whichever kind it is. A file of scores becomes the open set, as it does in Steer and Evaluate. */
export async function openReferenceFile(file: File, active: ActiveHead): Promise<void> {
  if (!/\.safetensors$/i.test(file.name)) {
    chooseDebias({ source: 'open-set' });
    await openScoredSet(file, active.owner);
    return;
  }
  chooseDebias({ source: 'file' });
  const { keep, refuse } = referenceReading();
  await trackWork(
    read(file, active).then(keep, (cause: unknown) =>
      refuse(`${file.name} was not opened: ${cause instanceof Error ? cause.message : String(cause)}`),
    ),
  );
}

async function read(file: File, active: ActiveHead): Promise<OpenedReference> {
  const { manifest } = active.owner;
  const [{ blobSource }, { readReferenceFile }] = await Promise.all([
    import('@/formats/blob-source.ts'),
    import('@/formats/reference-file.ts'),
  ]);
  const objectives = manifest.objectives.map(({ name }) => name);
  const scored = await readReferenceFile(blobSource(file.name, file), {
    objectives,
    modelId: manifest.id,
    head: { transform: active.owner.transform },
  });
  return { name: file.name, modelId: manifest.id, objectives, rewards: scored.rewards, scored };
}
