/**
 * What is trained on: feature files of stage 1 and stage 2, and heads, as the person chose them, told apart by what is in them. The
 * store describes them; the files lie beside it.
 *
 * The files of one drop belong together (shards, or a regression and a gate); a later drop replaces the files of its kinds.
 */
import { create } from 'zustand';
import { blobSource } from '@/formats/blob-source.ts';
import { FormatError } from '@/formats/errors.ts';
import { featureLayout } from '@/formats/feature-shards.ts';
import { isTorchFile } from '@/formats/torch-file.ts';
import type { DataFile } from '@/jobs/api/training.ts';
import { trackWork } from './pending-work.ts';

export type DataRole = 'stage-1' | 'stage-2' | 'heads';

export interface ChosenFiles {
  /** Changes with every choice. */
  readonly id: number;
  readonly names: readonly string[];
  readonly bytes: number;
  /** The page's own sample, which can be fetched again. */
  readonly sample: boolean;
}

export interface TrainingDataState {
  readonly chosen: Readonly<Partial<Record<DataRole, ChosenFiles>>>;
  /** Why files chosen last cannot be used, in words; what was chosen before stays. */
  readonly problems: readonly string[];
  readonly reading: boolean;
}

export const useTrainingData = create<TrainingDataState>(() => ({ chosen: {}, problems: [], reading: false }));

const kept = new Map<number, readonly DataFile[]>();
let choices = 0;

export function resetTrainingData(): void {
  kept.clear();
  useTrainingData.setState({ chosen: {}, problems: [], reading: false }, true);
}

/** The files a choice describes. */
export function filesOf(chosen: ChosenFiles | undefined): readonly DataFile[] {
  return chosen === undefined ? [] : (kept.get(chosen.id) ?? []);
}

export interface NamedBlob {
  readonly name: string;
  readonly blob: Blob;
}

/** Sorts files by what is in them and makes them the ones to train on. Those that are neither are named, with the reason. */
export async function addTrainingFiles(files: readonly NamedBlob[]): Promise<void> {
  if (files.length === 0) return;
  useTrainingData.setState({ reading: true, problems: [] });
  const found: Partial<Record<DataRole, NamedBlob[]>> = {};
  const problems: string[] = [];
  await trackWork(
    (async () => {
      for (const file of files) {
        const role = await roleOf(file).catch((cause: unknown) => {
          problems.push(cause instanceof FormatError ? cause.message : `${file.name}: ${String(cause)}`);
          return undefined;
        });
        if (role !== undefined) (found[role] ??= []).push(file);
      }
    })(),
  );
  keepFiles(found, false);
  useTrainingData.setState({ reading: false, problems });
}

/** Where the sample is, relative to the page. */
const sampleFiles: readonly (readonly [DataRole, string])[] = [
  ['stage-1', 'sample/embedded-stage1.safetensors'],
  ['stage-2', 'sample/embedded-stage2.safetensors'],
];

/** Features of the embedded model, shipped with the page. @param baseUrl the page's. */
export async function chooseSample(baseUrl: string): Promise<boolean> {
  useTrainingData.setState({ reading: true, problems: [] });
  try {
    const found = await trackWork(fetchSample(baseUrl));
    keepFiles(found, true);
    useTrainingData.setState({ reading: false });
    return true;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    useTrainingData.setState({ reading: false, problems: [reason] });
    return false;
  }
}

async function fetchSample(baseUrl: string): Promise<Partial<Record<DataRole, NamedBlob[]>>> {
  const found: Partial<Record<DataRole, NamedBlob[]>> = {};
  for (const [role, path] of sampleFiles) {
    let response: Response | undefined;
    try {
      response = await fetch(new URL(path, baseUrl));
    } catch {
      // The server is gone; said below.
    }
    if (response?.ok !== true)
      throw new Error(
        `The sample could not be fetched: ${path} ${response === undefined ? 'did not arrive' : `is not there (${response.status})`}. ` +
          'Check that this page was put up with its folder sample/, or drop your own features.',
      );
    found[role] = [{ name: path.slice(path.lastIndexOf('/') + 1), blob: await response.blob() }];
  }
  return found;
}

export function removeFiles(role: DataRole): void {
  useTrainingData.setState(({ chosen: { [role]: gone, ...chosen } }) => {
    if (gone !== undefined) kept.delete(gone.id);
    return { chosen, problems: [] };
  });
}

export function dismissDataProblems(): void {
  useTrainingData.setState({ problems: [] });
}

function keepFiles(found: Readonly<Partial<Record<DataRole, readonly NamedBlob[]>>>, sample: boolean): void {
  for (const [role, files] of Object.entries(found)) {
    choices += 1;
    const id = choices;
    kept.set(
      id,
      files.map(({ name, blob }) => ({ kind: 'blob', name, blob })),
    );
    const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
    const description: ChosenFiles = { id, names: files.map(({ name }) => name), bytes, sample };
    useTrainingData.setState(({ chosen }) => ({ chosen: { ...chosen, [role]: description } }));
  }
}

/** @throws FormatError for what is neither features nor heads. */
async function roleOf({ name, blob }: NamedBlob): Promise<DataRole> {
  const source = blobSource(name, blob);
  if (/\.(pt|pth|bin)$/i.test(name) || (await isTorchFile(source))) return 'heads';
  try {
    return await featureLayout(source);
  } catch (cause) {
    // A sound file without features: whether it holds heads is said when they are read.
    if (cause instanceof FormatError && cause.code === 'mismatch') return 'heads';
    throw cause;
  }
}
