/**
 * The loaded model's package with a trained head in place of its own: as a zip archive, or into a folder. Stages are proven by their hashes
 * on the way and handed on as Blobs; nothing but heads and manifest is made anew.
 */
import { evaluateHead, type RewardHead } from '@/core/reward-head.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import { manifestFiles } from '@/formats/manifest-checks.ts';
import { MANIFEST_FILE, type Canary, type Manifest } from '@/formats/manifest.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { openEntry } from '@/formats/model-package.ts';
import {
  HEADS_FILE,
  manifestText,
  manifestWithHeads,
  sealManifest,
  writeRewardHead,
  type HeadFields,
} from '@/formats/package-heads.ts';
import { provenZipFile, zipBlob, type ProvenFile } from '@/formats/zip-writer.ts';
import type { ModelChoice } from '@/state/model-choice.ts';
import type { TrainingRunRecord } from '@/state/training-run.ts';
import { partsOf } from '@/state/training-store.ts';
import { packageFiles } from './package-head.ts';
import { packageTexts } from './package-text-query.ts';

export interface PackageCall {
  readonly signal?: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

export interface PackageParts {
  readonly manifest: Manifest;
  /** The manifest first. */
  readonly files: readonly ProvenFile[];
}

/** The package of a run's result. @throws as `packageWithHead`; Error where the run has no result that fits the model. */
export async function packageOfRun(
  engine: RewardEngine,
  model: LoadedModel,
  choice: ModelChoice,
  run: TrainingRunRecord,
  call: PackageCall = {},
): Promise<PackageParts> {
  const head = partsOf(run.runId)?.trained;
  if (head === undefined || run.result === undefined) throw new Error(`${run.name} has no result yet.`);
  const { manifest } = model;
  const { step, beta } = run.result;
  const replaced = run.headOrigin !== 'model';
  // Means of the raw rewards and β belong to the heads that made them.
  const { referenceMeans, bradleyTerryBeta: _, ...rest } = manifest;
  const note = `Not known: the regression is that of ${run.headWords}, which replaced the one of ${manifest.name}.`;
  const fields: HeadFields = {
    name: `${manifest.name}, gate of ${run.name.toLowerCase()}`,
    description:
      `${manifest.name} with a gate trained in Armoscope on ${run.started?.trainPairs ?? 'some'} pairs of ` +
      `${run.data.names.join(', ')} for ${step} steps, under ${run.headWords}. ` +
      `Its canaries were computed on ${model.provider}; results of unquantised weights are not known.`,
    ...(beta > 0 && Number.isFinite(beta) ? { bradleyTerryBeta: beta } : {}),
    ...(replaced
      ? { objectives: manifest.objectives.map((each) => ({ ...each, labels: { kind: 'unknown' as const, note } })) }
      : referenceMeans === undefined
        ? {}
        : { referenceMeans }),
  };
  return packageWithHead(engine, { manifest: rest }, packageFiles(choice), head, fields, call);
}

/**
 * @param files the loaded package's own.
 * @param fields what the manifest says of the new head.
 * @throws EngineError of the canaries' scoring, FormatError naming a file that is not what the manifest says.
 */
export async function packageWithHead(
  engine: RewardEngine,
  { manifest }: Pick<LoadedModel, 'manifest'>,
  files: FileSet,
  head: RewardHead,
  fields: HeadFields,
  { signal, onProgress }: PackageCall = {},
): Promise<PackageParts> {
  const heads = await entryOf(HEADS_FILE, writeRewardHead(head));
  const canaries = await canariesUnder(engine, manifest, head, signal);
  const entry = { file: HEADS_FILE, bytes: heads.bytes, sha256: heads.sha256 };
  const sealed = await sealManifest(manifestWithHeads(manifest, head, fields, entry, canaries));
  const text = await entryOf(MANIFEST_FILE, new TextEncoder().encode(manifestText(sealed)));
  const parts = [text, heads];
  const kept = manifestFiles(sealed).filter(({ entry: { file } }) => file !== HEADS_FILE);
  const total = kept.reduce((sum, { entry: { bytes } }) => sum + bytes, 0);
  let done = 0;
  onProgress?.(0, total);
  for (const { entry: each } of kept) {
    parts.push({
      ...(await provenZipFile(await openEntry(files, each, signal), each.sha256, signal)),
      name: each.file,
    });
    done += each.bytes;
    onProgress?.(done, total);
  }
  // Licence and notice go wherever the weights go; a report is about the heads that were replaced.
  for (const name of packageTexts) {
    const source = name === 'README.md' ? undefined : await files.open(name, signal);
    if (source !== undefined) parts.push({ ...(await provenZipFile(source, undefined, signal)), name });
  }
  return { manifest: sealed, files: parts };
}

/** The folder's name inside the archive is the package's. */
export function packageZip({ manifest, files }: PackageParts): { readonly name: string; readonly blob: Blob } {
  const folder = folderName(manifest);
  return { name: `${folder}.zip`, blob: zipBlob(files.map((file) => ({ ...file, name: `${folder}/${file.name}` }))) };
}

/** Writes the package into a new folder of a chosen one; the manifest comes last, so that a half-written package is none. */
export async function writePackageFolder(
  { manifest, files }: PackageParts,
  chosen: FileSystemDirectoryHandle,
): Promise<string> {
  const name = folderName(manifest);
  const folder = await chosen.getDirectoryHandle(name, { create: true });
  for (const file of [...files.slice(1), ...files.slice(0, 1)]) {
    const stream = await (await folder.getFileHandle(file.name, { create: true })).createWritable();
    try {
      await stream.write(file.blob);
    } catch (error) {
      await stream.abort();
      throw error;
    }
    await stream.close();
  }
  return name;
}

function folderName({ id }: Manifest): string {
  return id.replaceAll(/[^A-Za-z0-9._-]+/g, '-');
}

/** The canaries through the loaded backbone, under the new head. The unquantised weights are not here, so their outputs are left out. */
async function canariesUnder(
  engine: RewardEngine,
  manifest: Manifest,
  head: RewardHead,
  signal?: AbortSignal,
): Promise<Canary[]> {
  const canaries: Canary[] = [];
  for (const { messages, tokenIds } of manifest.canaries) {
    const { responses } = await engine.score(
      { messages: messages.slice(0, -1), responses: [messages.at(-1)?.content ?? ''], features: true },
      signal === undefined ? {} : { signal },
    );
    const [scored] = responses;
    if (scored?.feature === undefined || scored.gateFeature === undefined)
      throw new Error('The engine gave no hidden states for a canary.');
    const { rewards, gateWeights, score } = evaluateHead(head, scored.feature, scored.gateFeature);
    canaries.push({ messages, tokenIds, own: { rewards: [...rewards], gateWeights: [...gateWeights], score } });
  }
  return canaries;
}

async function entryOf(name: string, bytes: Uint8Array<ArrayBuffer>) {
  return provenZipFile(memorySource(name, bytes), undefined);
}
