/** The loop on a clock of its own: when a run is stored. */
import { expect, test } from 'vitest';
import { trainingDefaults } from '@/core/training-options.ts';
import { blobSource } from '@/formats/blob-source.ts';
import { memoryFileStore } from '@/formats/file-store.ts';
import type { TrainingEvent, TrainingRequest } from '@/jobs/api/training.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import { startTraining } from './start-training.ts';
import { headsFile, pairsFile } from './test-training-files.ts';
import { openExactTrainer } from './trainer-factory.ts';

/** Steps at which a run of 20 was stored, where a step takes so long. */
async function storedAt(stepMs: number, checkpointEvery: number): Promise<number[]> {
  let clock = 0;
  const request: TrainingRequest = {
    runId: 'r',
    features: [pairsFile(60)],
    head: { kind: 'files', files: [headsFile()] },
    options: { ...trainingDefaults('paper'), steps: 20, batchSize: 8, hidden: 4, hiddenLayers: 1 },
    checkpointEvery,
  };
  const stored: number[] = [];
  const onEvent = (event: TrainingEvent) => {
    if (event.kind === 'checkpoint') stored.push(event.checkpoint.step);
  };
  const run = startTraining(
    request,
    {
      async openFile(file) {
        if (file.kind !== 'blob') throw new Error('a Blob was expected');
        return blobSource(file.name, file.blob);
      },
      factory: {
        rowBytes: async () => 1e6,
        async open(_request, prepared, state) {
          const opened = await openExactTrainer(prepared, state);
          const { trainer } = opened;
          const steps = trainer.steps.bind(trainer);
          trainer.steps = async (count) => {
            clock += count * stepMs;
            return steps(count);
          };
          return opened;
        },
      },
      checkpoints: new CheckpointStore(memoryFileStore(), () => 1),
      now: () => clock,
      breathe: async () => undefined,
    },
    onEvent,
  );
  expect(await run.ended).toMatchObject({ kind: 'done', result: { step: 20 } });
  return stored;
}

test('a run whose steps are slow is stored once a minute, whatever the steps between two checkpoints', async () => {
  expect(await storedAt(13_000, 500)).toEqual([5, 10, 15]);
  expect(await storedAt(70_000, 500)).toEqual(Array.from({ length: 19 }, (_, i) => i + 1));
  // A checkpoint for another reason begins the minute anew.
  expect(await storedAt(13_000, 8)).toEqual([5, 8, 13, 16]);
});

test('fast steps are stored by their number alone, and not at all where nothing is to be stored', async () => {
  expect(await storedAt(1, 8)).toEqual([8, 16]);
  expect(await storedAt(70_000, 0)).toEqual([]);
});
