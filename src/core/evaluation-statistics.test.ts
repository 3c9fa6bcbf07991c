/** Every statistic of Evaluate against SciPy, scikit-learn and NumPy (`fixtures/evaluation.json`), and its own properties. */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bestOfN, comparisonsByLabel } from './best-of-n.ts';
import {
  bootstrapPlan,
  percentileInterval,
  quantile,
  rankable,
  weightedMidRanks,
  weightedPearson,
} from './bootstrap.ts';
import { calibrationOf, fitScale } from './calibration.ts';
import { fitLine } from './debias-report.ts';
import {
  accuracyByName,
  lengthBaselines,
  lengthMatched,
  lengthsOf,
  objectiveAccuracies,
  pairAccuracy,
  reweightedAccuracy,
} from './pair-accuracy.ts';
import { midRanks } from './rank-correlation.ts';
import { rewardBenchScore, rewardBenchSection } from './reward-bench.ts';
import { rmBenchScore } from './rm-bench.ts';
import { comparisonsOf } from './scored-set.ts';
import { setOfGroups } from './test-scored-set.ts';
import { wilsonInterval } from './wilson.ts';

interface Fixture {
  tolerance: number;
  wilson: [number, number, number, number][];
  pairs: {
    chosen: number[];
    rejected: number[];
    chosenLength: number[];
    rejectedLength: number[];
    accuracy: number;
    ties: number;
    longest: number;
    brier: number;
    ece: number;
    logLoss: number;
    fittedScale: number;
    binCounts: number[];
    reweighted: number;
    matched: number;
    matchedCount: number;
  };
  bootstrap: {
    x: number[];
    y: number[];
    draws: { weights: number[]; spearman: number; pearson: number }[];
    values: number[];
    quantiles: Record<string, number>;
    slope: number;
    intercept: number;
    r: number;
  };
  rmBench: {
    items: { domain: string; chosen: number[]; rejected: number[] }[];
    domains: Record<string, { matrix: number[]; hard: number; normal: number; easy: number }>;
    hard: number;
    normal: number;
    easy: number;
    average: number;
  };
  bestOfN: { scores: number[]; labels: number[]; rank: number; regret: number; randomRegret: number; best: number }[];
  rewardBench: {
    accuracies: Record<string, number>;
    sections: Record<string, number>;
    score: number;
    withoutPrior: number;
    scriptSafety: number;
  };
}
const fixture: Fixture = JSON.parse(readFileSync(new URL('./fixtures/evaluation.json', import.meta.url), 'utf8'));
const expectNear = (value: number | undefined, expected: number, tolerance = fixture.tolerance) =>
  expect(Math.abs((value ?? Number.NaN) - expected)).toBeLessThanOrEqual(tolerance);

const { pairs } = fixture;
const set = setOfGroups(
  pairs.chosen.map((score, i) => [
    { score, role: 'chosen', responseTokens: pairs.chosenLength[i]!, subset: i < 100 ? 'a' : 'b' },
    {
      score: pairs.rejected[i]!,
      role: 'rejected',
      responseTokens: pairs.rejectedLength[i]!,
      subset: i < 100 ? 'a' : 'b',
    },
  ]),
);
const comparisons = comparisonsOf(set);

describe('Wilson intervals', () => {
  test.each(fixture.wilson)('%i of %i', (successes, total, low, high) => {
    const interval = wilsonInterval(successes, total);
    expectNear(interval.low, low);
    expectNear(interval.high, high);
  });

  test('hold the proportion, stay in [0, 1] and shrink with the sample; none without one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (total, share) => {
        const successes = Math.round(share * total * 2) / 2;
        const { low, high } = wilsonInterval(successes, total);
        const larger = wilsonInterval(4 * successes, 4 * total);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(successes / total);
        expect(high).toBeGreaterThanOrEqual(successes / total);
        expect(larger.high - larger.low).toBeLessThan(high - low);
      }),
    );
    expect(wilsonInterval(0, 0)).toEqual({ low: Number.NaN, high: Number.NaN });
    expect(() => wilsonInterval(3, 2)).toThrow('3 successes of 2');
  });
});

describe('accuracy', () => {
  test('counts ties as half and shows them', () => {
    const accuracy = pairAccuracy(set.scores, comparisons);
    expectNear(accuracy.accuracy, pairs.accuracy);
    expect(accuracy.ties).toBe(pairs.ties);
    expect(accuracy.wins + accuracy.ties + accuracy.losses).toBe(pairs.chosen.length);
  });

  test('of subsets adds up to the whole', () => {
    const [a, b] = accuracyByName(set.scores, comparisons, set.subsets);
    const whole = pairAccuracy(set.scores, comparisons);
    expect([a?.name, a?.comparisons, b?.comparisons]).toEqual(['a', 100, 140]);
    expect((a?.wins ?? 0) + (b?.wins ?? 0)).toBe(whole.wins);
    expectNear((100 * (a?.accuracy ?? 0) + 140 * (b?.accuracy ?? 0)) / 240, whole.accuracy);
  });

  test('of lengths: longest and shortest add up to 1', () => {
    const { unit, lengths } = lengthsOf(set)!;
    const { longest, shortest } = lengthBaselines(lengths, comparisons);
    expect(unit).toBe('tokens');
    expectNear(longest.accuracy, pairs.longest);
    expectNear(longest.accuracy + shortest.accuracy, 1);
    expect(lengthsOf({ responseTokens: Int32Array.of(1, -1), characters: Int32Array.of(-1, 2) })).toBeUndefined();
    expect(lengthsOf({ responseTokens: Int32Array.of(1, -1), characters: Int32Array.of(3, 2) })?.unit).toBe(
      'characters',
    );
  });

  test('of single objectives', () => {
    const values = Float64Array.of(1, 5, 2, 4);
    const one = { chosen: Int32Array.of(0), rejected: Int32Array.of(1) };
    expect(objectiveAccuracies(values, ['a', 'b'], one).map(({ name, accuracy }) => [name, accuracy])).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
  });

  test('at equal length, and where length says nothing', () => {
    const matched = pairAccuracy(set.scores, comparisons, lengthMatched(set.responseTokens, comparisons, 0.1));
    expectNear(matched.accuracy, pairs.matched);
    expect(matched.comparisons).toBe(pairs.matchedCount);
    const reweighted = reweightedAccuracy(set.scores, set.responseTokens, comparisons);
    expectNear(reweighted.accuracy, pairs.reweighted);
    expectNear(reweightedAccuracy(set.responseTokens, set.responseTokens, comparisons).accuracy, 0.5);
    expect(reweighted.interval.low).toBeLessThan(reweighted.accuracy);
    expect(reweighted.interval.high).toBeGreaterThan(reweighted.accuracy);
  });

  test('a score that is not a number is not a tie', () => {
    expect(() =>
      pairAccuracy(Float64Array.of(Number.NaN, 1), { chosen: Int32Array.of(0), rejected: Int32Array.of(1) }),
    ).toThrow('not a number');
  });
});

describe('calibration', () => {
  const calibration = calibrationOf(set.scores, comparisons);
  test('Brier score, log loss and expected calibration error', () => {
    expectNear(calibration.brier, pairs.brier);
    expectNear(calibration.logLoss, pairs.logLoss);
    expectNear(calibration.ece, pairs.ece);
    expect(calibration.bins.map(({ comparisons: count }) => count)).toEqual(pairs.binCounts);
  });

  test('the fitted factor minimises the log loss', () => {
    expectNear(calibration.fittedScale, pairs.fittedScale, 1e-6);
    expect(fitScale(Float64Array.of(1, 2, 0))).toBe(Infinity);
    expect(fitScale(Float64Array.of(-1, 0))).toBe(-Infinity);
    expect(fitScale(new Float64Array(3))).toBeNaN();
    expectNear(fitScale(Float64Array.of(3, 3, 3, -3)), Math.log(3) / 3, 1e-9);
    expectNear(fitScale(Float64Array.of(3e200, 3e200, 3e200, -3e200)) * 1e200, Math.log(3) / 3, 1e-9);
  });

  test('which side is named first says nothing', () => {
    const swapped = { chosen: comparisons.rejected, rejected: comparisons.chosen };
    const other = calibrationOf(set.scores, swapped);
    expect(other.bins.map(({ meanConfidence }) => meanConfidence)).toEqual(
      calibration.bins.map(({ meanConfidence }) => meanConfidence),
    );
  });
});

describe('the bootstrap', () => {
  const { x, y, draws, values, quantiles, slope, intercept, r } = fixture.bootstrap;
  test.each(draws)('a resample by counts is the resample', ({ weights, spearman, pearson }) => {
    const counts = Uint16Array.from(weights);
    const [columnX, columnY] = [rankable(Float64Array.from(x)), rankable(Float64Array.from(y))];
    expectNear(weightedPearson(columnX.values, columnY.values, counts), pearson);
    expectNear(weightedPearson(weightedMidRanks(columnX, counts), weightedMidRanks(columnY, counts), counts), spearman);
  });

  test('counted once each, rows have their mid-ranks', () => {
    const values = Float64Array.from(x);
    expect(weightedMidRanks(rankable(values), new Uint16Array(values.length).fill(1))).toEqual(midRanks(values));
  });

  test('quantiles are NumPy’s', () => {
    const sorted = values.toSorted((a, b) => a - b);
    for (const [q, expected] of Object.entries(quantiles)) expectNear(quantile(sorted, Number(q)), expected);
    const { low, high } = percentileInterval([...values, Number.NaN]);
    expectNear(low, quantiles['0.025']!);
    expectNear(high, quantiles['0.975']!);
  });

  test('the fitted line is SciPy’s', () => {
    const line = fitLine(Float64Array.from(x), Float64Array.from(y));
    expectNear(line.slope, slope);
    expectNear(line.intercept, intercept);
    expectNear(line.r, r);
  });

  test('clusters are drawn whole, the same from the same seed', () => {
    const clusters = Int32Array.of(5, 5, 9, 9, 9, 2);
    const plan = bootstrapPlan(6, 50, 7, clusters);
    expect(bootstrapPlan(6, 50, 7, clusters)).toEqual(plan);
    expect(bootstrapPlan(6, 50, 8, clusters)).not.toEqual(plan);
    for (const weights of plan.resamples) {
      expect(weights[0]).toBe(weights[1]);
      expect(weights[2]).toBe(weights[4]);
      expect(weights[0]! + weights[2]! + weights[5]!).toBe(3);
    }
  });

  test('a column that is constant in the resample has no correlation', () => {
    expect(weightedPearson(Float64Array.of(1, 1, 2), Float64Array.of(1, 2, 3), Uint16Array.of(2, 1, 0))).toBeNaN();
  });
});

describe('RM-Bench', () => {
  const { items, domains, ...means } = fixture.rmBench;
  const styled = setOfGroups([
    ...items.map(({ domain, chosen, rejected }) => [
      // Any order of rows: roles and styles say which is which.
      ...rejected.map((score, style) => ({ score, style, role: 'rejected' as const, subset: domain })),
      ...chosen.map((score, style) => ({ score, style, role: 'chosen' as const, subset: domain })),
    ]),
    [
      { score: 1, role: 'chosen' as const, subset: 'chat' },
      { score: 0, role: 'rejected' as const },
    ],
  ]);
  const result = rmBenchScore(styled, styled.scores)!;
  test('matrices, easy, normal and hard are those of its authors', () => {
    expect(result.domains.map(({ domain }) => domain)).toEqual(Object.keys(domains));
    for (const { domain, matrix, hard, normal, easy } of result.domains) {
      const expected = domains[domain]!;
      for (const [i, cell] of matrix.entries()) expectNear(cell, expected.matrix[i]!);
      expectNear(hard, expected.hard);
      expectNear(normal, expected.normal);
      expectNear(easy, expected.easy);
    }
    for (const key of ['hard', 'normal', 'easy', 'average'] as const) expectNear(result[key], means[key]);
  });

  test('what is not three and three is counted as left out; ties are shown', () => {
    expect(result.leftOut).toBe(1);
    expect(result.domains.reduce((sum, { ties }) => sum + ties, 0)).toBeGreaterThan(0);
    expect(rmBenchScore(set, set.scores)).toBeUndefined();
  });
});

describe('RewardBench', () => {
  const { accuracies, sections, score, withoutPrior, scriptSafety } = fixture.rewardBench;
  const all = new Map(Object.entries(accuracies));
  test('sections and score are the leaderboard’s', () => {
    const result = rewardBenchScore(all);
    for (const { section, score: own } of result.sections) expectNear(own, sections[section]!);
    expectNear(result.score, score);
    expect(result.missing).toEqual([]);
  });

  test('without prior sets, and as the training script counts', () => {
    const four = new Map([...all].filter(([subset]) => rewardBenchSection(subset) !== 'Prior Sets'));
    const result = rewardBenchScore(four);
    expectNear(result.score, withoutPrior);
    expect(result.missing).toEqual(['Prior Sets']);
    const script = rewardBenchScore(all, 'armorm-script');
    expectNear(script.sections.find(({ section }) => section === 'Safety')?.score, scriptSafety);
    expect(script.sections).toHaveLength(4);
  });

  test('missing subsets are named', () => {
    const result = rewardBenchScore(
      new Map([
        ['mt-bench-easy', 0.5],
        ['other', 1],
        ['hep-go', Number.NaN],
      ]),
    );
    expect(result.sections.map(({ score: own }) => own)).toEqual([0.5, undefined, undefined, undefined, undefined]);
    expect(result.missing).toContain('alpacaeval-easy');
    expect(result.missing).toContain('Reasoning');
    expect(result.score).toBe(0.5);
    expect(rewardBenchScore(new Map()).score).toBeUndefined();
    expect(rewardBenchSection('other')).toBeUndefined();
  });
});

describe('best of N', () => {
  const labelled = setOfGroups([
    ...fixture.bestOfN.map(({ scores, labels }) => scores.map((score, i) => ({ score, label: labels[i]! }))),
    [{ score: 1 }, { score: 2, label: 3 }],
  ]);
  const result = bestOfN(labelled, labelled.scores)!;
  test('rank and regret of the pick, ties shared', () => {
    expect(result.groups).toHaveLength(fixture.bestOfN.length);
    for (const [i, group] of result.groups.entries()) {
      const expected = fixture.bestOfN[i]!;
      expectNear(group.rank, expected.rank);
      expectNear(group.regret, expected.regret);
      expectNear(group.randomRegret, expected.randomRegret);
    }
    expectNear(result.best, fixture.bestOfN.reduce((sum, { best }) => sum + best, 0) / fixture.bestOfN.length);
    expect(bestOfN(set, set.scores)).toBeUndefined();
  });

  test('labels make comparisons where they differ', () => {
    const { chosen, rejected } = comparisonsByLabel(
      setOfGroups([[{ label: 1 }, { label: 3 }, { label: 1 }, {}], [{ label: 2 }]]),
    );
    expect([...chosen]).toEqual([1, 1]);
    expect([...rejected]).toEqual([0, 2]);
  });
});
