import { beforeEach, describe, expect, test } from 'vitest';
import { pendingWork } from './pending-work.ts';
import {
  memoryTrainingStorage,
  scriptedJobs,
  testDone,
  testEvaluation,
  testHead,
  testPlan,
  testStarted,
  testStep,
} from './test-training.ts';
import type { StoredTrainingRun } from './training-storage.ts';
import {
  activeRun,
  curvesOf,
  filesOfRun,
  goOnWithRun,
  loadTrainingRuns,
  mostRuns,
  partsOf,
  pauseRun,
  removeRun,
  resetTrainingStore,
  resumeRun,
  runOf,
  startRun,
  stopRun,
  useTraining,
} from './training-store.ts';

let entries = new Map<string, StoredTrainingRun>();
beforeEach(() => {
  entries = new Map();
  resetTrainingStore(memoryTrainingStorage(entries));
});

const settled = () => new Promise<void>((resolve) => void setTimeout(resolve, 0));
const run = (runId: string | undefined) => runOf(useTraining.getState(), runId);

function steps(jobs: ReturnType<typeof scriptedJobs>, from: number, to: number): void {
  const list = Array.from({ length: to - from + 1 }, (_, i) => testStep(from + i));
  jobs.emit({ kind: 'step', steps: list, stepsPerSecond: 10, secondsLeft: 5 });
}

describe('a run', () => {
  test('folds its events into a record, its numbers into curves, and its gate aside', async () => {
    const jobs = scriptedJobs();
    const id = startRun(jobs, testPlan());
    expect(run(id)).toMatchObject({ name: 'Run 1', phase: 'preparing' });
    expect(jobs.requests[0]).toMatchObject({ runId: id, backend: 'wasm-f32', checkpointEvery: 5, resume: false });
    jobs.emit({ kind: 'prepare', stage: 'read', done: 1, total: 2 });
    jobs.emit({ kind: 'warning', warning: { code: 'few-rows', message: 'few' } });
    jobs.emit({ kind: 'warning', warning: { code: 'few-rows', message: 'few' } });
    expect(run(id)).toMatchObject({ preparing: { stage: 'read' }, warnings: [{ message: 'few' }] });
    jobs.emit(testStarted());
    steps(jobs, 1, 20);
    jobs.emit({ kind: 'eval', evaluation: testEvaluation(20) });
    expect(run(id)).toMatchObject({
      phase: 'running',
      preparing: undefined,
      latest: { step: 20 },
      stepsPerSecond: 10,
      secondsLeft: 5,
      evaluation: { accuracy: 0.6 },
      curveSteps: 20,
      curveEvaluations: 1,
    });
    jobs.emit(testDone(100));
    await settled();
    expect(run(id)).toMatchObject({ phase: 'done', result: { reason: 'finished', step: 100, beta: 101 } });
    expect(partsOf(id!)?.trained).toBe(testHead);
    expect(activeRun(useTraining.getState())).toBeUndefined();
    // Everything in the store can be written down; arrays lie beside it.
    expect(JSON.parse(JSON.stringify(run(id)))).toMatchObject({ name: 'Run 1', phase: 'done' });
  });

  test('shows its numbers at the pace it is given, and whatever else happens at once', () => {
    const asked: (() => void)[] = [];
    resetTrainingStore(memoryTrainingStorage(entries), (update) => void asked.push(update));
    const jobs = scriptedJobs();
    const id = startRun(jobs, testPlan());
    jobs.emit(testStarted());
    expect(run(id)?.phase).toBe('running');
    steps(jobs, 1, 20);
    jobs.emit({ kind: 'eval', evaluation: testEvaluation(20) });
    steps(jobs, 21, 25);
    expect(run(id)).toMatchObject({ latest: undefined, curveSteps: 0 });
    asked[0]?.();
    expect(run(id)).toMatchObject({
      latest: { step: 25 },
      evaluation: { step: 20 },
      curveSteps: 25,
      curveEvaluations: 1,
    });
    const before = run(id);
    asked[1]?.();
    expect(run(id)).toBe(before);
    steps(jobs, 26, 30);
    jobs.emit({ kind: 'paused', step: 30 });
    expect(run(id)).toMatchObject({ latest: { step: 30 }, phase: 'paused', curveSteps: 30 });
  });

  test('counts as work while it runs, not while it stands still', async () => {
    const jobs = scriptedJobs();
    const before = pendingWork();
    startRun(jobs, testPlan());
    await settled();
    jobs.emit(testStarted());
    expect(pendingWork()).toBe(before + 1);
    await pauseRun();
    await settled();
    expect(pendingWork()).toBe(before);
    await resumeRun();
    expect(pendingWork()).toBe(before + 1);
    jobs.emit(testDone(100));
    await settled();
    expect(pendingWork()).toBe(before);
  });

  test('one at a time', () => {
    const jobs = scriptedJobs();
    expect(startRun(jobs, testPlan())).toBeDefined();
    expect(startRun(jobs, testPlan())).toBeUndefined();
    expect(useTraining.getState().runs).toHaveLength(1);
  });

  test('paused it is stored; stopped it can go on; finished it leaves no checkpoint', async () => {
    const jobs = scriptedJobs();
    const id = startRun(jobs, testPlan())!;
    jobs.emit(testStarted());
    steps(jobs, 1, 30);
    await pauseRun();
    expect(run(id)).toMatchObject({ phase: 'paused', checkpoint: { step: 30 } });
    await resumeRun();
    steps(jobs, 31, 40);
    await stopRun();
    await settled();
    expect(run(id)).toMatchObject({ phase: 'done', result: { reason: 'stopped', step: 40 }, checkpoint: { step: 40 } });
    goOnWithRun(jobs, id, testPlan().files);
    expect(jobs.requests[1]).toMatchObject({ runId: id, resume: true });
    // It goes on where it ran, so no device is asked for.
    expect(jobs.requests[1]?.backend).toBeUndefined();
    jobs.emit(testStarted(40));
    steps(jobs, 41, 100);
    expect(run(id)).toMatchObject({ phase: 'running', curveSteps: 100, result: undefined });
    jobs.emit(testDone(100));
    await settled();
    expect(run(id)?.checkpoint).toBeUndefined();
    expect(jobs.stored.size).toBe(0);
  });

  test('stop before the first step is a cancellation', async () => {
    const jobs = scriptedJobs();
    const id = startRun(jobs, testPlan())!;
    await stopRun();
    expect(run(id)).toMatchObject({ phase: 'failed', error: { code: 'aborted' }, checkpoint: undefined });
    expect(jobs.stored.size).toBe(0);
  });

  test('a failure keeps what was learned and says what was wrong', async () => {
    const jobs = scriptedJobs();
    const id = startRun(jobs, testPlan())!;
    jobs.emit(testStarted());
    steps(jobs, 1, 10);
    jobs.emit({ kind: 'failed', error: { code: 'diverged', message: 'Step 11: the loss is NaN.' } });
    await settled();
    expect(run(id)).toMatchObject({ phase: 'failed', error: { code: 'diverged' }, curveSteps: 10 });
    // Late events change nothing.
    steps(jobs, 11, 12);
    expect(run(id)?.latest?.step).toBe(10);
  });
});

describe('a page opened again', () => {
  test('goes on from the checkpoint, with the curve up to it', async () => {
    const jobs = scriptedJobs();
    const id = startRun(jobs, testPlan())!;
    jobs.emit(testStarted());
    steps(jobs, 1, 20);
    const info = { runId: id, step: 20, steps: 100, bytes: 9, backend: 'wasm-f32', savedAt: 1 } as const;
    jobs.stored.set(id, info);
    jobs.emit({ kind: 'checkpoint', checkpoint: info });
    await settled();
    steps(jobs, 21, 35);
    // The tab is closed here.
    resetTrainingStore(memoryTrainingStorage(entries));
    const again = scriptedJobs(jobs.stored);
    await loadTrainingRuns(again);
    expect(run(id)).toMatchObject({ phase: 'interrupted', checkpoint: { step: 20 }, curveSteps: 20 });
    expect(useTraining.getState().shownId).toBe(id);
    expect(filesOfRun(id)).toBeUndefined();
    goOnWithRun(again, id, testPlan().files);
    expect(again.requests[0]).toMatchObject({
      runId: id,
      resume: true,
      head: { kind: 'parts', objectives: 2, featureSize: 3 },
      options: testPlan().description.options,
    });
    again.emit(testStarted(20));
    steps(again, 21, 22);
    expect([...curvesOf(id)!.ofSteps('loss').x]).toEqual(Array.from({ length: 22 }, (_, i) => i + 1));
  });

  test('finds finished runs with their gates, and clears checkpoints that no run has', async () => {
    const jobs = scriptedJobs();
    const id = startRun(jobs, testPlan())!;
    jobs.emit(testStarted());
    jobs.emit(testDone(100));
    await settled();
    jobs.stored.set('orphan', { runId: 'orphan', step: 1, steps: 2, bytes: 3, backend: 'webgpu', savedAt: 0 });
    resetTrainingStore(memoryTrainingStorage(entries));
    await loadTrainingRuns(jobs);
    expect(run(id)?.phase).toBe('done');
    expect(partsOf(id)?.trained).toEqual(testHead);
    expect(jobs.stored.size).toBe(0);
  });

  test('says when nothing can be kept', async () => {
    resetTrainingStore({
      list: async () => [],
      put: () => Promise.reject(new Error('quota')),
      remove: async () => undefined,
    });
    startRun(scriptedJobs(), testPlan());
    await settled();
    expect(useTraining.getState().storageProblem).toMatch(/quota/);
  });
});

test('removing a run can be taken back', async () => {
  const jobs = scriptedJobs();
  const id = startRun(jobs, testPlan())!;
  jobs.emit(testStarted());
  steps(jobs, 1, 3);
  // A run under way is not removed.
  await removeRun(id);
  expect(run(id)).toBeDefined();
  jobs.emit(testDone(3));
  await settled();
  const undo = await removeRun(id);
  expect(useTraining.getState()).toMatchObject({ runs: [], shownId: undefined });
  expect(entries.size).toBe(0);
  await undo();
  expect(run(id)).toMatchObject({ phase: 'done', curveSteps: 3 });
  expect(entries.size).toBe(1);
});

test(`the last ${mostRuns} runs are kept`, async () => {
  const jobs = scriptedJobs();
  for (let i = 0; i < mostRuns + 2; i++) {
    startRun(jobs, testPlan());
    jobs.emit(testStarted());
    jobs.emit(testDone(1));
    await settled();
  }
  expect(useTraining.getState().runs.map(({ name }) => name)).toEqual([3, 4, 5, 6, 7, 8].map((n) => `Run ${n}`));
  expect(entries.size).toBe(mostRuns);
});
