/** Debias' tasks through the client and a worker's stand-in that clones as a worker does. */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { comparePenalties } from '@/core/debias-report.ts';
import { evaluationReport, reportedPart } from '@/core/evaluation-report.ts';
import { evaluateHead, type RewardHead } from '@/core/reward-head.ts';
import { comparisonsOf } from '@/core/scored-set.ts';
import { randomPairs } from '@/core/test-scored-set.ts';
import { writeSafetensors } from '@/formats/safetensors-writer.ts';
import type { DebiasReply } from '@/jobs/api/debias.ts';
import { runDebiasTask } from '@/jobs/host/debias-tasks.ts';
import { createDebiasJobs, type TaskWorker } from './debias-client.ts';

const [d, k] = [6, 3];
const random = new SeededRandom(7);
const values = (length: number) => Float32Array.from({ length }, () => random.normal());
const head: RewardHead = {
  objectives: k,
  featureSize: d,
  regression: values(k * d),
  transform: Float64Array.of(1, 0, 0, 0, 1, 0, -0.5, -0.25, 0),
  gate: {
    layers: [{ inputSize: d, outputSize: k, weight: values(k * d), bias: values(k) }],
    temperature: 2,
    logitScale: 1,
  },
};
const common = { head, objectives: ['a', 'b', 'v'], modelId: 'm@1' };
const file = (tensors: Parameters<typeof writeSafetensors>[0]) => [
  { name: 'features.safetensors', blob: new Blob([writeSafetensors(tensors)]) },
];
const tensor = (name: string, shape: number[], data: Float32Array<ArrayBuffer>) => ({
  name,
  dtype: 'F32' as const,
  shape,
  data,
});

/** A worker in this thread; `hold` keeps its answer back. */
function standIn(ended: string[], hold = false): TaskWorker {
  const answers: ((event: MessageEvent<DebiasReply>) => void)[] = [];
  return {
    postMessage(message) {
      if (hold) return;
      void runDebiasTask(structuredClone(message) as Parameters<typeof runDebiasTask>[0]).then((reply) => {
        for (const answer of answers) answer({ data: structuredClone(reply) } as MessageEvent<DebiasReply>);
      });
    },
    addEventListener(type: string, listener: (event: never) => void) {
      if (type === 'message') answers.push(listener as (event: MessageEvent<DebiasReply>) => void);
    },
    terminate: () => void ended.push('ended'),
  };
}

describe('tasks', () => {
  const rewards = Float64Array.from({ length: 60 }, () => random.normal());
  const set = { objectives: ['a', 'b', 'v'], verbosity: 2, rewards };

  test('give what the core gives, and end their worker', async () => {
    const ended: string[] = [];
    const options = { resamples: 5, seed: 1 };
    const found = await createDebiasJobs(() => standIn(ended)).run('penalties', { set, options });
    expect(found).toEqual(comparePenalties(set, options));
    expect(ended).toEqual(['ended']);
  });

  test('report on a set what the command line reports on it', async () => {
    const scored = randomPairs({ pairs: 60 });
    const steered = scored.scores.map((score, row) => score + (row % 7 === 0 ? 1 : 0));
    const transform = scored.head?.transform;
    const request = { set: reportedPart(scored), scores: steered, transform };
    const report = await createDebiasJobs(() => standIn([])).run('report', request);
    expect(report).toEqual(evaluationReport(scored, steered));
    expect(report.adjustedObjectives).toBeDefined();
    expect(Object.keys(request.set)).not.toContain('texts');
    const bare = await createDebiasJobs(() => standIn([])).run('report', { ...request, transform: undefined });
    expect(bare.adjustedObjectives).toBeUndefined();
  });

  test('end at once when nobody waits any more', async () => {
    const ended: string[] = [];
    const abort = new AbortController();
    const jobs = createDebiasJobs(() => standIn(ended, true));
    const running = jobs.run('penalties', { set, options: { resamples: 0, seed: 1 } }, abort.signal);
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect(ended).toEqual(['ended']);
    await expect(
      jobs.run('penalties', { set, options: { resamples: 0, seed: 1 } }, abort.signal),
    ).rejects.toMatchObject({ code: 'aborted' });
  });

  test('tell their progress before their answer', async () => {
    const told: number[][] = [];
    const listeners: ((event: MessageEvent<DebiasReply>) => void)[] = [];
    const worker: TaskWorker = {
      postMessage() {
        for (const doneRows of [1, 2]) answer({ kind: 'progress', doneRows, totalRows: 2 });
        answer({ kind: 'done', result: { missing: 0, rewards: undefined, gateLogits: undefined } });
      },
      addEventListener(type: string, listener: (event: never) => void) {
        if (type === 'message') listeners.push(listener as (event: MessageEvent<DebiasReply>) => void);
      },
      terminate: () => undefined,
    };
    const answer = (data: DebiasReply) => listeners.forEach((listen) => listen({ data } as MessageEvent<DebiasReply>));
    const rows = {
      groupOf: new Int32Array(),
      promptOf: new Int32Array(),
      prompts: 0,
      texts: { messages: [], responses: [] },
    };
    const request = { modelId: 'm', folder: 'f', rows, head: { objectives: 1, featureSize: 1 } };
    const jobs = createDebiasJobs(() => worker);
    const found = await jobs.run('rescore', request, undefined, (...rowsDone) => told.push(rowsDone));
    expect(found.missing).toBe(0);
    expect(told).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });

  test('say what the data lack', async () => {
    const constant = { ...set, rewards: rewards.map((value, at) => (at % 3 === 2 ? 1 : value)) };
    const jobs = createDebiasJobs(() => standIn([]));
    await expect(jobs.run('penalties', { set: constant, options: { resamples: 0, seed: 1 } })).rejects.toMatchObject({
      code: 'bad-input',
    });
  });
});

describe('feature files', () => {
  const jobs = createDebiasJobs(() => standIn([]));

  test('of stage 1 give the head’s rewards, without a gate', async () => {
    const embeddings = values(4 * d);
    const files = file([tensor('embeddings', [4, d], embeddings), tensor('labels', [4, k], new Float32Array(4 * k))]);
    const { rewards, scored } = await jobs.run('features', { files, ...common });
    expect(scored).toBeUndefined();
    for (let row = 0; row < 4; row++)
      expect(rewards.subarray(row * k, (row + 1) * k)).toEqual(
        evaluateHead(head, embeddings.subarray(row * d, (row + 1) * d), embeddings.subarray(0, d)).rewards,
      );
  });

  test.each([1, 2])('of stage 2 give pairs with their gate, %i prompt rows each', async (promptRows) => {
    const [embeddings, prompts] = [values(3 * 2 * d), values(3 * promptRows * d)];
    const shape = promptRows === 1 ? [3, d] : [3, 2, d];
    const files = file([tensor('embeddings', [3, 2, d], embeddings), tensor('prompt_embeddings', shape, prompts)]);
    const { scored } = await jobs.run('features', { files, ...common });
    expect(scored === undefined ? 0 : comparisonsOf(scored).chosen.length).toBe(3);
    for (let row = 0; row < 6; row++) {
      const prompt = (promptRows === 1 ? Math.floor(row / 2) : row) * d;
      const own = evaluateHead(head, embeddings.subarray(row * d, (row + 1) * d), prompts.subarray(prompt, prompt + d));
      expect(scored?.scores[row]).toBe(own.score);
    }
  });

  test('of another width, or with holes, are refused in words', async () => {
    const narrow = file([tensor('embeddings', [2, d - 1], values(2 * (d - 1)))]);
    await expect(jobs.run('features', { files: narrow, ...common })).rejects.toThrow(
      '5 wide, and the head in use reads 6',
    );
    const holes = values(2 * d);
    holes[d + 1] = Number.NaN;
    const broken = file([tensor('embeddings', [2, d], holes)]);
    await expect(jobs.run('features', { files: broken, ...common })).rejects.toThrow('row 2 holds NaN');
  });
});
