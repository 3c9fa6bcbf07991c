/** A training run's checkpoint in one file on disk. */
import type { CheckpointStore } from '@/jobs/host/checkpoint-file.ts';
import { readCheckpoint, writeCheckpoint } from '@/jobs/host/checkpoint-file.ts';
import { diskSource } from './disk-files.ts';
import { writeWhole } from './train-run.ts';

export function diskCheckpoints(path: string): CheckpointStore {
  return {
    async save(request, prepared, backend, state, memory) {
      const savedAt = Date.now();
      const bytes = writeCheckpoint(request, prepared, backend, state, memory, savedAt);
      await writeWhole(path, bytes);
      const { step } = state;
      return { runId: request.runId, step, steps: request.options.steps, bytes: bytes.length, backend, savedAt };
    },
    async load(request, prepared) {
      const source = await diskSource(path);
      return source === undefined ? undefined : readCheckpoint(source, request, prepared);
    },
  };
}
