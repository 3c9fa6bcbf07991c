import { describe, expect, test } from 'vitest';
import { chosenComparisons, evaluationReport, sectionsOf } from './evaluation-report.ts';
import { pairAccuracy } from './pair-accuracy.ts';
import { comparisonsOf } from './scored-set.ts';
import { selectGroups } from './select-groups.ts';
import { randomPairs, setOfGroups } from './test-scored-set.ts';

describe('the report', () => {
  const set = randomPairs({ pairs: 200 });
  const report = evaluationReport(set);

  test('says of the set what each statistic says', () => {
    expect(report).toMatchObject({
      rows: 400,
      groups: 200,
      comparedBy: 'role',
      rewardBench: undefined,
      rmBench: undefined,
    });
    expect(report.overall).toMatchObject(pairAccuracy(set.scores, comparisonsOf(set)));
    expect(report.subsets.map(({ name, comparisons }) => [name, comparisons])).toEqual([
      ['third', 67],
      ['rest', 133],
    ]);
    const [third] = report.subsets;
    const only = evaluationReport(selectGroups(set, (group) => group % 3 === 0));
    expect(only.overall.accuracy).toBe(third?.accuracy);
    expect(only.overall.longest?.accuracy).toBe(third?.longest?.accuracy);
    expect(report.objectives).toHaveLength(4);
    expect(report.length?.unit).toBe('tokens');
    expect(report.calibration.bins.reduce((sum, { comparisons }) => sum + comparisons, 0)).toBe(200);
  });

  test('follows the scores it is given', () => {
    const reversed = evaluationReport(
      set,
      set.scores.map((score) => -score),
    );
    expect(reversed.overall.accuracy).toBeCloseTo(1 - report.overall.accuracy, 12);
    expect(reversed.overall.longest).toEqual(report.overall.longest);
  });

  test('adjusted objectives only where a transform is known', () => {
    expect(report.adjustedObjectives?.[2]?.ties).toBe(200);
    expect(evaluationReport({ ...set, head: undefined }).adjustedObjectives).toBeUndefined();
  });
});

test('RewardBench’s sections come from its subsets, unless the dataset has its own', () => {
  const pair = (subset: string, score: number) => [
    { score, role: 'chosen' as const, subset },
    { score: 0, role: 'rejected' as const, subset },
  ];
  const set = setOfGroups([pair('hep-go', 1), pair('math-prm', -1), pair('mt-bench-easy', 1), pair('mine', 1)]);
  const report = evaluationReport(set);
  expect(report.sections.map(({ name, accuracy }) => [name, accuracy])).toEqual([
    ['Reasoning', 0.5],
    ['Chat', 1],
  ]);
  expect(report.rewardBench?.sections.find(({ section }) => section === 'Reasoning')?.score).toBeCloseTo(
    164 / 1148,
    12,
  );
  expect(sectionsOf({ ...set, sections: { names: ['a'], codes: new Int32Array(8) } }).names).toEqual(['a']);
});

test('without roles, labels decide; without either there is nothing to compare', () => {
  const labelled = setOfGroups([
    [
      { score: 1, label: 2 },
      { score: 0, label: 1 },
      { score: 2, label: 0 },
    ],
  ]);
  const report = evaluationReport(labelled);
  expect(report.comparedBy).toBe('label');
  expect(report.overall).toMatchObject({ wins: 1, losses: 2 });
  expect(report.bestOfN).toMatchObject({ meanRank: 3, meanRegret: 2, best: 0 });
  expect(chosenComparisons(setOfGroups([[{ score: 1 }]])).comparedBy).toBe('nothing');
  expect(evaluationReport(setOfGroups([[{ score: 1 }]])).overall.accuracy).toBeNaN();
});

test('a choice of groups keeps everything of them', () => {
  const set = randomPairs({ pairs: 9 });
  expect(selectGroups(set, () => true)).toEqual(set);
  const some = selectGroups(set, (group) => group === 4);
  expect(some).toMatchObject({ rows: 2, groups: 1, ids: ['pair 4'], modelId: 'model@test', head: set.head });
  expect([...some.rewards]).toEqual([...set.rewards.subarray(8 * 4, 10 * 4)]);
  expect([...some.sourceRows]).toEqual([5, 5]);
});
