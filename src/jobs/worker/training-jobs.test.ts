/** `TrainingJobs`: one suite on the host in the thread and on the client over messages to one (real cloning). */
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { startNodeHelper } from '@/cli/node-trainer.ts';
import { evaluateHead } from '@/core/reward-head.ts';
import { trainingDefaults } from '@/core/training-options.ts';
import { blobSource } from '@/formats/blob-source.ts';
import { openStage2Features } from '@/formats/feature-files.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import type { DataFile, TrainingEvent, TrainingJobs, TrainingRequest, TrainingStep } from '@/jobs/api/training.ts';
import { memoryFileStore } from '@/formats/file-store.ts';
import { CheckpointStore } from '@/jobs/host/checkpoint-store.ts';
import { headsFile, labelledFile, pairsFile } from '@/jobs/host/test-training-files.ts';
import { openExactTrainer, openFastTrainer } from '@/jobs/host/trainer-factory.ts';
import { TrainingJobsHost } from '@/jobs/host/training-jobs-host.ts';
import { createWorkerTrainingJobs, type TrainingWorker } from './training-client.ts';
import type { TrainingWorkerReply, TrainingWorkerRequest } from './training-protocol.ts';
import { serveTraining } from './training-server.ts';

const breathe = () => new Promise<void>((resolve) => void setImmediate(resolve));

function host(): TrainingJobsHost {
  let clock = 0;
  return new TrainingJobsHost({
    async openFile(file) {
      if (file.kind !== 'blob') throw new JobError({ code: 'bad-input', message: `${file.name} is no Blob.` });
      return blobSource(file.name, file.blob);
    },
    factory: {
      rowBytes: async () => 1e6,
      open: async (request, prepared, state) =>
        request.backend === 'wasm-f32'
          ? openFastTrainer(prepared, state, { threads: 2, startHelper: startNodeHelper })
          : openExactTrainer(prepared, state),
    },
    checkpoints: new CheckpointStore(memoryFileStore(), () => ++clock),
    probeBytes: 1e6,
    now: () => performance.now(),
    breathe,
  });
}

/** A worker's two ends in one thread. Messages are structured clones and arrive later, as with a real one. */
function threadWorker(jobs: TrainingJobs): TrainingWorker {
  const { port1, port2 } = new MessageChannel();
  serveTraining(jobs, {
    postMessage: (message) => port2.postMessage(message),
    addEventListener: (_type, listener) =>
      port2.on('message', (data: TrainingWorkerRequest) => listener(new MessageEvent('message', { data }))),
  });
  const listen = (type: string, listener: (event: MessageEvent<TrainingWorkerReply>) => void): void => {
    if (type === 'message')
      port1.on('message', (data: TrainingWorkerReply) => listener(new MessageEvent('message', { data })));
  };
  return {
    postMessage: (message) => port1.postMessage(message),
    addEventListener: listen as TrainingWorker['addEventListener'],
    terminate() {
      port1.close();
      void jobs.dispose();
    },
  };
}

const request = (runId: string, changes: Partial<TrainingRequest> = {}, steps = 60): TrainingRequest => ({
  runId,
  features: [pairsFile(200)],
  head: { kind: 'files', files: [headsFile()] },
  options: {
    ...trainingDefaults('paper'),
    steps,
    batchSize: 32,
    hidden: 16,
    hiddenLayers: 1,
    learningRate: 1e-2,
    temperature: 1,
    initialBeta: 1,
    validationSplit: 0.25,
    evaluateEvery: 20,
  },
  checkpointEvery: 0,
  ...changes,
});

function fileBlob(file: DataFile): Blob {
  if (file.kind !== 'blob') throw new Error(`${file.name} is no Blob`);
  return file.blob;
}

/** Runs to the end. @param on called with every event and the run. */
async function train(
  jobs: TrainingJobs,
  asked: TrainingRequest,
  on: (event: TrainingEvent, run: ReturnType<TrainingJobs['train']>) => void = () => undefined,
) {
  const events: TrainingEvent[] = [];
  const run: ReturnType<TrainingJobs['train']> = jobs.train(asked, (event) => {
    events.push(event);
    on(event, run);
  });
  const ended = await run.ended;
  const steps = events.flatMap((event): readonly TrainingStep[] => (event.kind === 'step' ? event.steps : []));
  return { events, ended, steps, kinds: [...new Set(events.map(({ kind }) => kind))] };
}

const resultOf = ({ ended }: { ended: Extract<TrainingEvent, { kind: 'done' | 'failed' }> }) => {
  if (ended.kind === 'failed') throw new JobError(ended.error);
  return ended.result;
};

describe.each([
  ['host in the thread', () => host()],
  ['client over messages', () => createWorkerTrainingJobs(() => threadWorker(host()))],
] as const)('%s', (_name, create: () => TrainingJobs) => {
  test('a run: events in order, a gate that learned which objective decides', async () => {
    const jobs = create();
    const { kinds, steps, events, ended } = await train(jobs, request('a', {}, 300));
    expect(kinds).toEqual(['prepare', 'started', 'step', 'eval', 'done']);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    const evaluations = events.flatMap((event) => (event.kind === 'eval' ? [event.evaluation] : []));
    expect(evaluations.map(({ step }) => step)).toEqual(Array.from({ length: 15 }, (_, i) => 20 * (i + 1)));
    const last = evaluations.at(-1)!;
    expect(last).toMatchObject({ on: 'held-out', pairs: 50 });
    expect(last.accuracy).toBeGreaterThan(0.85);
    expect(last.accuracy).toBeGreaterThan(evaluations[0]!.accuracy - 0.05);
    expect(last.meanGate[0]! + last.meanGate[1]!).toBeGreaterThan(0.7);
    expect(last.meanGate.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 10);
    const { head, reason, step } = resultOf({ ended });
    expect({ reason, step }).toEqual({ reason: 'finished', step: 300 });
    expect(head.gate.layers.map(({ outputSize }) => outputSize)).toEqual([16, 6]);
    await jobs.dispose();
  });

  test('another gate is judged on the pairs that judge a run', async () => {
    const jobs = create();
    const asked = request('a', { backend: 'wasm-f32' }, 100);
    const result = resultOf(await train(jobs, asked));
    const { seed } = asked.options;
    const { gate } = result.head;
    const common = { features: asked.features, head: asked.head, gate, beta: result.beta, seed };
    const own = await jobs.evaluateGate({ ...common, validationSplit: asked.options.validationSplit });
    const { evaluation } = result;
    expect(own).toMatchObject({ on: 'held-out', pairs: 50 });
    expect(own.accuracy).toBeCloseTo(evaluation!.accuracy, 10);
    expect(own.loss).toBeCloseTo(evaluation!.loss, 5);
    // By the definition, response by response.
    const file = await openStage2Features(blobSource('pairs', fileBlob(asked.features[0]!)));
    const { pairs } = file;
    const d = result.head.featureSize;
    const [rows, prompts] = [await file.readEmbeddings(0, pairs), await file.readPromptEmbeddings(0, pairs)];
    let [right, loss] = [0, 0];
    for (let pair = 0; pair < pairs; pair++) {
      const prompt = prompts.subarray(pair * d, (pair + 1) * d);
      const [chosen, rejected] = [0, 1].map((side) => {
        const row = (2 * pair + side) * d;
        return evaluateHead(result.head, rows.subarray(row, row + d), prompt).score;
      });
      right += chosen! > rejected! ? 1 : 0;
      loss += Math.log1p(Math.exp(-result.beta * (chosen! - rejected!)));
    }
    const all = await jobs.evaluateGate({ ...common, validationSplit: 0 });
    expect(all).toMatchObject({ on: 'training', pairs: 200 });
    expect(all.accuracy).toBeCloseTo(right / pairs, 10);
    expect(all.loss).toBeCloseTo(loss / pairs, 10);
    await expect(jobs.evaluateGate({ ...common, features: [headsFile()], validationSplit: 0 })).rejects.toThrow(
      /embeddings/,
    );
    await jobs.dispose();
  });

  test.each(['cpu-f64', 'wasm-f32'] as const)(
    '%s: stored, stopped and resumed it is the run that never stopped',
    async (backend) => {
      const jobs = create();
      // Long enough that a request from outside arrives before the end.
      const asked = request('b', { backend }, 1500);
      const options = { ...asked.options, dropout: 0.2 };
      const whole = await train(jobs, { ...asked, options });
      let stored = 0;
      const first = await train(jobs, { ...asked, options, runId: 'c' }, (event, run) => {
        if (event.kind !== 'step' || event.steps.at(-1)!.step < 25 || stored > 0) return;
        stored = 1;
        void run.checkpoint().then(({ step }) => {
          stored = step;
          return run.stop();
        });
      });
      expect(resultOf(first).reason).toBe('stopped');
      expect(stored).toBeGreaterThanOrEqual(25);
      expect((await jobs.checkpoints())[0]).toMatchObject({ runId: 'c', step: stored, steps: 1500, backend });
      // The backend is not named: a stored run goes on where it ran.
      const second = await train(jobs, { ...request('c', { resume: true }), options });
      expect(second.events).toContainEqual(expect.objectContaining({ kind: 'started', backend, fromStep: stored }));
      expect(second.steps).toEqual(whole.steps.slice(stored));
      expect(resultOf(second).head).toEqual(resultOf(whole).head);
      await jobs.removeCheckpoint('c');
      expect(await jobs.checkpoints()).toEqual([]);
      await jobs.dispose();
    },
  );

  test('pause stands still until resume', async () => {
    const jobs = create();
    const seen: string[] = [];
    const { steps } = await train(jobs, request('d', {}, 1500), (event, run) => {
      if (event.kind === 'step' && !seen.includes('paused') && event.steps.at(-1)!.step >= 5) {
        seen.push('asked');
        if (seen.filter((word) => word === 'asked').length === 1) void run.pause();
      }
      if (event.kind === 'paused' || event.kind === 'resumed') seen.push(event.kind);
      if (event.kind === 'paused') setTimeout(() => void run.resume(), 50);
    });
    expect(seen.filter((word) => word !== 'asked')).toEqual(['paused', 'resumed']);
    expect(steps).toHaveLength(1500);
    await jobs.dispose();
  });

  test('early stop gives the best gate', async () => {
    const jobs = create();
    const asked = request('e', {}, 400);
    // A rate at which the held-out loss soon gets worse.
    const options = {
      ...asked.options,
      earlyStop: 2,
      evaluateEvery: 5,
      learningRate: 1,
      temperature: 0.1,
      weightDecay: 0,
    };
    const run = await train(jobs, { ...asked, options });
    const evaluations = run.events.flatMap((event) => (event.kind === 'eval' ? [event.evaluation] : []));
    const best = evaluations.reduce((a, b) => (b.loss < a.loss ? b : a));
    expect(resultOf(run)).toMatchObject({ reason: 'early-stop', step: best.step });
    expect(evaluations.at(-1)!.step).toBe(best.step + 10);
    await jobs.dispose();
  });

  test('stop before the first step, a second run, a run after disposal: each ends in words', async () => {
    const jobs = create();
    const first = jobs.train(request('f', {}, 5000), () => undefined);
    const second = await train(jobs, request('g'));
    expect(second.ended).toMatchObject({ kind: 'failed', error: { message: /The run f is still going/ } });
    await first.stop();
    const { kind } = await first.ended;
    expect(['done', 'failed']).toContain(kind);
    expect((await train(jobs, request('h'))).ended.kind).toBe('done');
    await jobs.dispose();
  });

  test('bad input and divergence are typed', async () => {
    const jobs = create();
    const failure = async (asked: TrainingRequest) => (await train(jobs, asked)).ended;
    const asked = request('i');
    expect(await failure({ ...asked, features: [headsFile()] })).toMatchObject({
      error: { code: 'bad-input', message: expect.stringContaining('heads.safetensors: has no tensor "embeddings"') },
    });
    expect(await failure({ ...asked, features: [labelledFile(20)] })).toMatchObject({
      error: { code: 'bad-input', message: expect.stringContaining('The gate learns from pairs') },
    });
    expect(await failure({ ...asked, options: { ...asked.options, temperature: 0 } })).toMatchObject({
      error: { code: 'bad-input', message: 'Gate temperature: must be above 0, not 0' },
    });
    // Every step multiplies the weights by −9.
    const wild = { ...asked.options, learningRate: 1, weightDecay: 10, steps: 600, scheduleSteps: 1e7 };
    expect(await failure({ ...asked, options: wild })).toMatchObject({ error: { code: 'diverged' } });
    await jobs.dispose();
  });

  test('features described, heads read, probes fitted', async () => {
    const jobs = create();
    expect(await jobs.describeFeatures([pairsFile(40, 'b'), pairsFile(30, 'a')])).toMatchObject({
      layout: 'stage-2',
      rows: 70,
      featureSize: 12,
      promptRows: 1,
      dtype: 'F32',
      shards: [
        { name: 'a', rows: 30 },
        { name: 'b', rows: 40 },
      ],
      warnings: [{ code: 'few-rows' }],
    });
    const labelled = labelledFile(300);
    const summary = await jobs.describeFeatures([labelled]);
    expect(summary).toMatchObject({
      layout: 'stage-1',
      objectives: 6,
      labelled: [300, 300, 300, 300, 300, 0],
      warnings: [],
    });
    expect(await jobs.readHeads([headsFile()])).toMatchObject({ objectives: 6, featureSize: 12 });
    const stages = new Set<string>();
    const result = await jobs.probe({ features: [labelled] }, { onProgress: ({ stage }) => void stages.add(stage) });
    expect([...stages]).toEqual(['read', 'solve', 'reference', 'penalties']);
    expect(result.probes.map((found) => found?.path.length)).toEqual([9, 9, 9, 9, 9, undefined]);
    expect(result.warnings.map(({ code }) => code)).toEqual(['unlabelled-objective']);
    expect(result.penalties?.dimension).toBe(4);
    // Every label holds 0.3 of the verbosity feature.
    expect(result.penalties?.penalties[0]).toBeGreaterThan(0.1);
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const cancelled = jobs.probe({ features: [labelled] }, { signal: controller.signal, onProgress });
    await expect(cancelled).rejects.toMatchObject({ name: 'JobError', code: 'aborted' });
    await expect(jobs.readHeads([labelled])).rejects.toMatchObject({ name: 'JobError', code: 'bad-input' });
    await jobs.dispose();
  });
});

test('a worker that ends fails its run and every call in flight; the next call starts another', async () => {
  const listeners: ((event: Event) => void)[] = [];
  let made = 0;
  const silent: TrainingWorker = {
    postMessage: () => undefined,
    addEventListener: (type: string, listener: unknown) => {
      if (type === 'error') listeners.push(listener as (event: Event) => void);
    },
    terminate: () => undefined,
  };
  const jobs = createWorkerTrainingJobs(() => (++made === 1 ? silent : threadWorker(host())));
  const run = jobs.train(request('a'), () => undefined);
  const call = jobs.checkpoints().catch((error: unknown) => error);
  for (const listener of listeners) listener(new Event('error', { cancelable: true }));
  expect(await run.ended).toMatchObject({ kind: 'failed', error: { code: 'internal' } });
  expect(await call).toBeInstanceOf(JobError);
  expect(await jobs.checkpoints()).toEqual([]);
  await jobs.dispose();
});
