import { beforeEach, expect, it } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { adjustedRewards, gateWeights, score } from '@/core/reward-head.ts';
import { makeSteeringBatch, steerableSet } from '@/core/steering-batch.ts';
import { ScoredSetBuilder, type ScoredSet } from '@/core/scored-set.ts';
import { fakeHead, fakeManifest } from '@/engine/fake/fake-model.ts';
import { writeScoredSet } from '@/formats/scored-set.ts';
import { resetEvaluationStore, useEvaluation } from '@/state/evaluation-store.ts';
import { closeScoredSet, rejectedRowsOf, scoredSetOf, useLoadedSet } from '@/state/loaded-set.ts';
import { headOfFile } from './evaluated-set.ts';
import { openEvaluationFile } from './open-dataset.ts';

const owner = { manifest: fakeManifest, transform: fakeHead.transform };
const names = fakeManifest.objectives.map(({ name }) => name);
const random = new SeededRandom(17);
const numbers = (spread: number) => Float64Array.from(names, () => spread * random.normal());

/** Pairs that the fake model's head scored; `known` is what the set records of it. */
function madeSet(known: ScoredSet['head'], objectives = names): ScoredSet {
  const builder = new ScoredSetBuilder(objectives, 'elsewhere', known);
  for (let pair = 0; pair < 5; pair += 1) {
    const gateLogits = numbers(10);
    const weights = gateWeights(fakeHead, gateLogits);
    const row = (role: 'chosen' | 'rejected') => {
      const rewards = numbers(1);
      return {
        role,
        rewards,
        gateLogits,
        gateWeights: weights,
        score: score(weights, adjustedRewards(fakeHead, rewards)),
      };
    };
    builder.addGroup(`p${pair}`, pair + 1, [row('chosen'), row('rejected')]);
  }
  return builder.finish();
}

const transform = Float64Array.from(fakeHead.transform);

beforeEach(() => {
  closeScoredSet();
  resetEvaluationStore();
});

it('a file of scores becomes the loaded set, whoever made them and whatever its format and name', async () => {
  const set = madeSet({ transform, temperature: fakeHead.gate.temperature, logitScale: fakeHead.gate.logitScale });
  for (const format of ['jsonl', 'csv', 'parquet'] as const)
    for (const known of [owner, undefined]) {
      await openEvaluationFile(`scores in ${format}`, new Blob([...writeScoredSet(set, format)]), known);
      const { summary } = useLoadedSet.getState();
      expect(useEvaluation.getState()).toMatchObject({ problem: undefined, opening: undefined, dataset: undefined });
      expect(summary).toMatchObject({ name: `scores in ${format}`, rows: 10, groups: 5 });
      expect(scoredSetOf(summary)?.scores).toEqual(set.scores);
    }
});

it('anything else is a dataset, with its layout; what was loaded stays', async () => {
  await openEvaluationFile('pairs.csv', new Blob(['prompt,chosen,rejected\nWhy?,So.,Hm.\n']), owner);
  const { dataset } = useEvaluation.getState();
  expect(dataset).toMatchObject({
    name: 'pairs.csv',
    format: 'csv',
    recognised: { layout: 'pairs' },
    ownMapping: false,
  });
  expect(dataset?.mapping).toMatchObject({ shape: 'pair', prompt: 'prompt', chosen: 'chosen', rejected: 'rejected' });
  await openEvaluationFile('bad', new Blob(['no records at all']), owner);
  expect(useEvaluation.getState().problem).toMatch(/^bad was not opened: /);
  expect(useEvaluation.getState().dataset).toBe(dataset);
});

it('rows of a scored file that cannot be used are kept with their reasons', async () => {
  const lines = new TextDecoder().decode([...writeScoredSet(madeSet({ transform }), 'jsonl')][0]);
  await openEvaluationFile('scores.jsonl', new Blob([`${lines}no json\n{"group":9}\n`]), undefined);
  const rows = rejectedRowsOf(useLoadedSet.getState().summary);
  expect(rows.map(({ row }) => row)).toEqual([12, 13]);
  expect(rows.every(({ reason }) => reason !== '')).toBe(true);
});

it('the head a file describes is used only where it makes the file’s scores', () => {
  const whole = madeSet({ transform, temperature: fakeHead.gate.temperature, logitScale: fakeHead.gate.logitScale });
  // Without the temperature its logits cannot be read, but its weights can.
  for (const set of [whole, { ...whole, head: { transform } }]) {
    const found = headOfFile(set);
    expect(found).toBeDefined();
    if (found === undefined) return;
    const { scores } = makeSteeringBatch(found.head, steerableSet(found.set, found.head)).baseline;
    scores.forEach((value, row) => expect(value).toBeCloseTo(set.scores[row] ?? Number.NaN, 10));
    expect(found.head.verbosityDimensions).toEqual(fakeManifest.verbosityDimensions);
  }
  expect(headOfFile({ ...whole, head: undefined })).toBeUndefined();
  const other = Float64Array.from(whole.scores);
  other[3] = (other[3] ?? 0) + 0.01;
  expect(headOfFile({ ...whole, scores: other })).toBeUndefined();
});
