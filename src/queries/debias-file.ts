/** A reference set from a file: features (the authors' layouts, read with the head in force), a reference set as numbers, or scores. */
import { create } from 'zustand';
import type { ScoredSet } from '@/core/scored-set.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { ActiveHead } from './active-head.ts';
import { openScoredSet } from './open-scored-set.ts';
import { chooseDebias } from '@/state/debias-store.ts';

/** What was read. */
export interface OpenedReference {
  readonly name: string;
  /** Package id of the model whose head read it. */
  readonly modelId: string;
  readonly objectives: readonly string[];
  /** Raw r `[n, k]`. */
  readonly rewards: Float64Array;
  /** With a gate, where the file has prompts. */
  readonly scored: ScoredSet | undefined;
}

interface OpenedState {
  /** Changes with every file. */
  readonly id: number;
  readonly reading: boolean;
  /** Why the file was not opened, in words. */
  readonly problem: string | undefined;
}

export const useOpenedReference = create<OpenedState>(() => ({ id: 0, reading: false, problem: undefined }));

let opened: { readonly id: number; readonly reference: OpenedReference } | undefined;

export function openedReference(id: number): OpenedReference | undefined {
  return opened?.id === id ? opened.reference : undefined;
}

/** Opens a file, whichever kind it is. A file of scores becomes the open set, as it does in Steer and Evaluate. */
export async function openReferenceFile(file: File, active: ActiveHead): Promise<void> {
  if (!/\.safetensors$/i.test(file.name)) {
    chooseDebias({ source: 'open-set' });
    await openScoredSet(file, active.owner);
    return;
  }
  const id = useOpenedReference.getState().id + 1;
  chooseDebias({ source: 'file' });
  useOpenedReference.setState({ id, reading: true, problem: undefined });
  await trackWork(
    read(file, active).then(
      (reference) => {
        if (useOpenedReference.getState().id !== id) return;
        opened = { id, reference };
        useOpenedReference.setState({ reading: false });
      },
      (cause: unknown) => {
        if (useOpenedReference.getState().id !== id) return;
        const message = cause instanceof Error ? cause.message : String(cause);
        useOpenedReference.setState({ reading: false, problem: `${file.name} was not opened: ${message}` });
      },
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
