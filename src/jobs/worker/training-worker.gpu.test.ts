/** The real worker in a real browser: wasm threads by default on a software adapter, WebGPU when asked for, checkpoints in OPFS. */
import { afterEach, expect, test } from 'vitest';
import { trainingDefaults } from '@/core/training-options.ts';
import type { TrainingEvent, TrainingRequest, TrainingStep } from '@/jobs/api/training.ts';
import { headsFile, pairsFile } from '@/jobs/host/test-training-files.ts';
import { createWorkerTrainingJobs } from './training-client.ts';

const start = () =>
  createWorkerTrainingJobs(() => new Worker(new URL('./training-worker.ts', import.meta.url), { type: 'module' }));
let jobs = start();
afterEach(async () => {
  await jobs.dispose();
  jobs = start();
});

const request = (runId: string, changes: Partial<TrainingRequest> = {}): TrainingRequest => ({
  runId,
  features: [pairsFile(200)],
  head: { kind: 'files', files: [headsFile()] },
  options: {
    ...trainingDefaults('paper'),
    steps: 60,
    batchSize: 32,
    hidden: 16,
    hiddenLayers: 1,
    dropout: 0.1,
    validationSplit: 0.25,
    evaluateEvery: 30,
  },
  checkpointEvery: 0,
  ...changes,
});

async function train(asked: TrainingRequest) {
  const events: TrainingEvent[] = [];
  const ended = await jobs.train(asked, (event) => events.push(event)).ended;
  if (ended.kind === 'failed') throw new Error(`${ended.error.code}: ${ended.error.message}`);
  const started = events.find((event) => event.kind === 'started');
  const steps = events.flatMap((event): readonly TrainingStep[] => (event.kind === 'step' ? event.steps : []));
  return { started, steps, result: ended.result };
}

test('a software adapter is left for wasm by default, and the person is told why', async () => {
  const { started, steps } = await train(request('a'));
  console.info(`${started?.device}; ${started?.reason}`);
  expect(started).toMatchObject({ backend: 'wasm-f32', reason: expect.stringContaining('(software)') });
  expect(steps).toHaveLength(60);
});

test.each(['wasm-f32', 'webgpu'] as const)(
  '%s: a run whose worker is gone goes on from OPFS, to the bit',
  async (backend) => {
    const runId = `resume ${backend}`;
    const whole = await train(request('whole', { backend }));
    const interrupted = request(runId, { backend, checkpointEvery: 25 });
    await new Promise<void>((resolve) => {
      const run = jobs.train(interrupted, (event) => {
        // The tab is closed as soon as something is stored.
        if (event.kind === 'checkpoint') void jobs.dispose().then(resolve);
      });
      void run.ended;
    });
    jobs = start();
    const [stored] = (await jobs.checkpoints()).filter((info) => info.runId === runId);
    expect(stored).toMatchObject({ backend, steps: 60 });
    expect(stored!.step % 25).toBe(0);
    const resumed = await train({ ...request(runId, { resume: true, checkpointEvery: 25 }) });
    expect(resumed.started).toMatchObject({ backend, fromStep: stored!.step });
    expect(resumed.steps).toEqual(whole.steps.slice(stored!.step));
    expect(resumed.result.head).toEqual(whole.result.head);
    await jobs.removeCheckpoint(runId);
  },
);

test('the two backends give the same curve in f32', async () => {
  const [a, b] = [await train(request('a', { backend: 'webgpu' })), await train(request('b', { backend: 'cpu-f64' }))];
  for (const [i, step] of a.steps.entries()) expect(Math.abs(step.loss - b.steps[i]!.loss)).toBeLessThan(1e-4);
});
