/** A training run's checkpoint in one file on disk. */
import { rm } from 'node:fs/promises';
import { CheckpointStore } from '@/jobs/host/checkpoint-store.ts';
import { diskSource } from './disk-files.ts';
import { writeWhole } from './train-run.ts';

/** A store that knows one file, whatever the run is called. */
export function diskCheckpoints(path: string): CheckpointStore {
  const files = {
    write: (_name: string, bytes: Uint8Array<ArrayBuffer>) => writeWhole(path, bytes),
    open: () => diskSource(path),
    list: async () => [path],
    remove: () => rm(path, { force: true }),
  };
  return new CheckpointStore(files, () => Date.now());
}
