import { beforeEach, expect, test } from 'vitest';
import { evaluateReplacement } from '@/core/head-replacement.ts';
import { evaluateHead, type RewardHead } from '@/core/reward-head.ts';
import { blobSource } from '@/formats/blob-source.ts';
import { readHeadParts } from '@/formats/head-files.ts';
import type { GateEvaluationRequest } from '@/jobs/api/training.ts';
import {
  memoryTrainingStorage,
  scriptedJobs,
  testDone,
  testEvaluation,
  testHead,
  testPlan,
  testStarted,
} from '@/state/test-training.ts';
import { resetTrainingStore, runOf, startRun, useTraining } from '@/state/training-store.ts';
import { compareRun, evenGate, headBlob, replacementFromParts, replacementOf } from './trained-heads.ts';

beforeEach(() => resetTrainingStore(memoryTrainingStorage()));

const feature = Float32Array.of(0.3, -1.7, 2.2);
const prompt = Float32Array.of(-0.4, 0.9, 0.1);
const own: RewardHead = {
  ...testHead,
  regression: Float32Array.of(0.1, 0.2, 0.3, -0.1, 0.7, 0.2),
  gate: { ...testHead.gate, layers: [{ ...testHead.gate.layers[0]!, weight: Float32Array.of(1, 2, 3, 4, 5, 6) }] },
};

function trained(head: RewardHead = testHead): string {
  const jobs = scriptedJobs();
  const plan = testPlan();
  const original = { ...own, name: 'Model', beta: 30 };
  const id = startRun(jobs, { ...plan, parts: { ...plan.parts, original } })!;
  jobs.emit(testStarted());
  const done = testDone(100);
  jobs.emit({ ...done, result: { ...done.result, head } });
  return id;
}

test('a head exported and read back scores the same to the bit, whichever parts the variant replaces', async () => {
  const head: RewardHead = { ...testHead, gate: { ...testHead.gate, temperature: 0.1, activeObjectives: [1, 0] } };
  const id = trained(head);
  const parts = await readHeadParts([blobSource('heads', headBlob(id, 101, 'armorm', 'heads')!)]);
  const said = evaluateHead({ ...own, regression: head.regression, transform: head.transform }, feature, prompt);
  const features = { feature, gateFeature: prompt };
  const used = evaluateReplacement(replacementOf({ headOrigin: 'model' }, head), said, head.transform, features);
  const read = evaluateReplacement(replacementFromParts(parts, own.gate), said, head.transform, features);
  expect(read).toEqual(used);
  expect(read.score).toBe(evaluateHead(head, feature, prompt).score);
  expect(read.score).not.toBe(said.score);
});

test('the state dict is the gate alone', async () => {
  const id = trained();
  const parts = await readHeadParts([blobSource('gate', headBlob(id, 101, 'script', 'gate')!)]);
  expect(parts).toMatchObject({ gateLayers: testHead.gate.layers, logitScale: 1 });
  expect(parts.regression).toBeUndefined();
  expect(replacementFromParts(parts, own.gate)).toEqual({ gate: testHead.gate });
});

test('probes and files replace regression and transform, too', () => {
  const { regression, transform, gate } = testHead;
  expect(replacementOf({ headOrigin: 'probes' }, testHead)).toEqual({ regression, transform, gate });
  expect(replacementFromParts({ regression }, own.gate)).toEqual({ regression });
});

test('an even gate gives every active objective the same weight', () => {
  const gate = evenGate({ ...testHead.gate, logitScale: 1.5, activeObjectives: [1] }, 3, 2);
  expect(evaluateHead({ ...testHead, gate }, feature, prompt).gateWeights).toEqual(Float64Array.of(0, 1.5));
  const all = evaluateHead({ ...testHead, gate: evenGate(testHead.gate, 3, 2) }, feature, prompt);
  expect(all.gateWeights).toEqual(Float64Array.of(0.5, 0.5));
});

test('a comparison judges the trained gate, an even one and the model’s own on the run’s split', async () => {
  const id = trained();
  const asked: GateEvaluationRequest[] = [];
  const jobs = {
    ...scriptedJobs(),
    evaluateGate: async (request: GateEvaluationRequest) => testEvaluation(0, asked.push(request) / 10),
  };
  await compareRun(jobs, id, testPlan().files);
  const { options } = testPlan().description;
  for (const request of asked)
    expect(request).toMatchObject({ seed: options.seed, validationSplit: options.validationSplit });
  expect(asked.map(({ beta }) => beta)).toEqual([101, 101, 30]);
  expect(asked.map(({ head }) => head.kind === 'parts' && head.regression)).toEqual([
    testHead.regression,
    testHead.regression,
    own.regression,
  ]);
  expect(asked[2]?.gate).toBe(own.gate);
  expect(runOf(useTraining.getState(), id)?.comparison).toMatchObject({
    trained: { accuracy: 0.1 },
    even: { accuracy: 0.2 },
    original: { accuracy: 0.3 },
  });
});
