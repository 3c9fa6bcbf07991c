/**
 * Feature files made in this page from datasets: kept in a folder of this machine until they are removed, so that they outlive the page
 * and a run on them goes on after a reload.
 */
import { create } from 'zustand';
import { localFiles } from './local-files.ts';
import { trackWork } from './pending-work.ts';
import { addTrainingFiles, type NamedBlob } from './training-data.ts';

const FOLDER = 'features';

export interface MadeFile {
  readonly name: string;
  readonly bytes: number;
}

interface MadeFeaturesState {
  readonly files: readonly MadeFile[];
  /** Why they cannot be listed, in words. */
  readonly problem: string | undefined;
}

export const useMadeFeatures = create<MadeFeaturesState>(() => ({ files: [], problem: undefined }));

export function madeFeatureStore() {
  return localFiles(FOLDER);
}

/** Reads what is there. */
export async function listMadeFeatures(): Promise<void> {
  await trackWork(
    (async () => {
      try {
        const store = await madeFeatureStore();
        const files: MadeFile[] = [];
        for (const name of (await store.list()).toSorted()) {
          const source = await store.open(name);
          // An empty file is one whose writing a closed page cut off.
          if (source !== undefined && source.size > 0) files.push({ name, bytes: source.size });
        }
        useMadeFeatures.setState({ files, problem: undefined });
      } catch (cause) {
        useMadeFeatures.setState({ problem: cause instanceof Error ? cause.message : String(cause) });
      }
    })(),
  );
}

/** The file itself, not copied; `undefined` once it has been removed. */
export async function madeFeatureBlob(name: string): Promise<Blob | undefined> {
  return (await (await madeFeatureStore()).open(name))?.blob?.();
}

/** Makes made files the ones to train on. @returns whether all of them are still there. */
export async function trainOnMadeFeatures(names: readonly string[]): Promise<boolean> {
  return trackWork(
    (async () => {
      const found: NamedBlob[] = [];
      for (const name of names) {
        const blob = await madeFeatureBlob(name);
        if (blob !== undefined) found.push({ name, blob });
      }
      if (found.length !== names.length) return false;
      await addTrainingFiles(found);
      return true;
    })(),
  );
}

/** Hidden states are kept elsewhere: the same file can be made again without computing anything. */
export async function removeMadeFeatures(name: string): Promise<void> {
  await trackWork((async () => (await madeFeatureStore()).remove(name))());
  await listMadeFeatures();
}
