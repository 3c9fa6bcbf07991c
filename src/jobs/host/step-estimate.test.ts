import { expect, test } from 'vitest';
import type { GateTrainer } from '@/core/gate-trainer-backend.ts';
import { openCpuGateTrainer } from '@/core/cpu-gate-trainer.ts';
import { trainingDefaults } from '@/core/training-options.ts';
import { blobSource } from '@/formats/blob-source.ts';
import { prepareTraining, type PreparedTraining } from './prepare-training.ts';
import { estimateStepSeconds } from './step-estimate.ts';
import { headsFile, pairsFile } from './test-training-files.ts';

/** Many pairs: a step through a narrow gate is then long enough to be estimated, and the probes' few pairs take no time. */
const features = pairsFile(20_000);

function prepare(change: Partial<ReturnType<typeof trainingDefaults>>): Promise<PreparedTraining> {
  const request = {
    runId: 'r',
    features: [features],
    head: { kind: 'files', files: [headsFile()] },
    options: { ...trainingDefaults('paper'), ...change },
  } as const;
  const openFile = async (file: (typeof request.features)[number]) => {
    if (file.kind !== 'blob') throw new Error('a Blob was expected');
    return blobSource(file.name, file.blob);
  };
  return prepareTraining(request, { openFile, memoryBytes: 1e9 }, () => undefined);
}

/** A clock that only the steps of real trainers move: so much a pair, so much a step. */
function timed(pairMs: number, stepMs: number) {
  let clock = 0;
  let open = 0;
  const opener = async ({ data, layers, initialBeta, settings }: PreparedTraining): Promise<GateTrainer> => {
    const trainer = await openCpuGateTrainer(data, layers, initialBeta, settings);
    open += 1;
    const { batchSize } = settings.batches;
    return {
      ...trainer,
      stepsDone: 0,
      steps: async (count) => {
        clock += stepMs + pairMs * Number(batchSize);
        return await trainer.steps(count);
      },
      dispose: () => {
        open -= 1;
        trainer.dispose();
      },
    };
  };
  return { tools: { open: opener, now: () => clock }, left: () => open };
}

// One step of 20,000 pairs through 12 → 128 → 128 → 6 takes 1.1e9 multiply-adds.
const long = { batchSize: 20_000, hidden: 128, hiddenLayers: 2, validationSplit: 0 } as const;

test('a step costs what its pairs cost and what every step costs', async () => {
  const { tools, left } = timed(3, 500);
  expect(await estimateStepSeconds(await prepare(long), tools)).toBeCloseTo((500 + 20_000 * 3) / 1000, 9);
  expect(left()).toBe(0);
  // All pairs are as many as the file has.
  expect(await estimateStepSeconds(await prepare({ ...long, batchSize: 'all' }), timed(2, 100).tools)).toBeCloseTo(
    40.1,
    9,
  );
  // Noise that makes the larger probe the faster one gives no negative time.
  expect(await estimateStepSeconds(await prepare(long), timed(-1, 500).tools)).toBeGreaterThan(0);
});

test('short steps and small batches are not estimated', async () => {
  const { tools } = timed(3, 500);
  expect(await estimateStepSeconds(await prepare({ ...long, hidden: 100 }), tools)).toBeUndefined();
  expect(await estimateStepSeconds(await prepare({ ...long, batchSize: 40 }), tools)).toBeUndefined();
  expect(tools.now()).toBe(0);
});
