import { describe, expect, test } from 'vitest';
import { sampleCorrelation } from 'simple-statistics';
import { findPenalties, transformFromPenalties } from './debias.ts';
import { debiasFrontier, frontierScales, penaltiesOf } from './debias-frontier.ts';
import { columnOf, comparePenalties, correlationsOf } from './debias-report.ts';
import { midRanks, spearman } from './rank-correlation.ts';
import { adjustedRewards } from './reward-head.ts';
import { comparisonsOf } from './scored-set.ts';
import { flippedComparisons, scoresUnderTransform, setAdjustedRewards } from './set-scores.ts';
import { randomPairs } from './test-scored-set.ts';

const set = randomPairs({ pairs: 300 });
const reference = { ...set, verbosity: 2 };
const options = { resamples: 60, seed: 3 };
const transformOf = (method: 'exact' | 'pearson') =>
  transformFromPenalties(4, [findPenalties(set.rewards, 4, 2, method)]);

describe('correlations before and after', () => {
  const before = correlationsOf(reference, set.rewards, options);
  const after = correlationsOf(reference, setAdjustedRewards(set, transformOf('exact')), options);

  test('are an independent library’s, to 1e-12, ties and constants included', () => {
    const tokens = Array.from(set.responseTokens);
    for (const { objective, withVerbosity, withLength } of before) {
      const r = Array.from(columnOf(set.rewards, 4, objective));
      const v = Array.from(columnOf(set.rewards, 4, 2));
      expect(withVerbosity.pearson.value).toBeCloseTo(sampleCorrelation(r, v), 12);
      expect(withLength?.pearson.value).toBeCloseTo(sampleCorrelation(r, tokens), 12);
      // The library has no ranks with ties: Pearson of mid-ranks is Spearman by definition.
      const ranked = (values: number[]) => Array.from(midRanks(values));
      expect(withVerbosity.spearman.value).toBeCloseTo(sampleCorrelation(ranked(r), ranked(v)), 12);
      expect(withLength?.spearman.value).toBeCloseTo(sampleCorrelation(ranked(r), ranked(tokens)), 12);
    }
    const constant = { ...reference, rewards: set.rewards.map((value, at) => (at % 4 === 0 ? 7 : value)) };
    expect(correlationsOf(constant, constant.rewards, options)[0]?.withVerbosity.spearman).toEqual({
      value: Number.NaN,
      interval: { low: Number.NaN, high: Number.NaN },
    });
  });

  test('the exact penalties take the rank correlation to zero, within a step', () => {
    for (const { objective, withVerbosity } of after) {
      if (objective === 2) continue;
      expect(Math.abs(before[objective]!.withVerbosity.spearman.value)).toBeGreaterThan(0.2);
      expect(Math.abs(withVerbosity.spearman.value)).toBeLessThan(1e-3);
      const { low, high } = withVerbosity.spearman.interval!;
      expect(low).toBeLessThan(0);
      expect(high).toBeGreaterThan(0);
    }
    // The verbosity objective itself is dead.
    expect(after[2]?.withVerbosity.spearman.value).toBeNaN();
  });

  test('intervals hold the value, are seeded, and are absent without resamples', () => {
    for (const { withVerbosity } of before) {
      const { value, interval } = withVerbosity.spearman;
      expect(interval!.low).toBeLessThanOrEqual(value);
      expect(interval!.high).toBeGreaterThanOrEqual(value);
    }
    expect(correlationsOf(reference, set.rewards, options)).toEqual(before);
    const none = correlationsOf(reference, set.rewards, { resamples: 0, seed: 1 });
    expect(none[0]?.withVerbosity.spearman).toEqual({ value: before[0]?.withVerbosity.spearman.value });
  });

  test('without lengths there is no correlation with them', () => {
    const { objectives, rewards, verbosity } = reference;
    expect(correlationsOf({ objectives, rewards, verbosity }, rewards, options)[0]?.withLength).toBeUndefined();
  });
});

describe('penalties side by side', () => {
  test('each method with what it leaves', () => {
    const compared = comparePenalties(reference, { resamples: 5, seed: 1 });
    expect(compared[2]).toEqual({ objective: 2, exact: undefined, pearson: undefined, grid: undefined });
    const v = columnOf(set.rewards, 4, 2);
    for (const { objective, exact, pearson, grid } of compared.filter((entry) => entry.objective !== 2)) {
      const r = columnOf(set.rewards, 4, objective);
      const left = (penalty: number) =>
        spearman(
          r.map((value, i) => value - penalty * v[i]!),
          v,
        );
      expect(exact?.spearman).toBe(left(exact!.penalty));
      expect(Math.abs(exact!.spearman)).toBeLessThan(1e-3);
      expect(Math.abs(pearson!.pearson)).toBeLessThan(1e-12);
      expect(grid?.spearman).toBe(left(grid!.penalty));
      expect(exact!.interval!.low).toBeLessThan(exact!.interval!.high);
    }
  });

  test('penalties that are negative or above 1 are found', () => {
    const rewards = Float64Array.from({ length: 400 }, (_, at) => {
      const v = ((Math.floor(at / 4) * 37) % 100) / 10;
      return [-0.5 * v, 1.7 * v, v, 0][at % 4]! + (at % 4 === 2 ? 0 : ((Math.floor(at / 4) * 53) % 17) / 40);
    });
    const [negative, large] = comparePenalties(
      { ...reference, rewards, responseTokens: new Int32Array(100), promptOf: new Int32Array(100) },
      { resamples: 0, seed: 1 },
    );
    expect(negative?.exact?.penalty).toBeCloseTo(-0.5, 1);
    expect(large?.exact?.penalty).toBeCloseTo(1.7, 1);
    expect(large?.grid?.found).toBe(false);
    expect(large?.exact?.interval).toBeUndefined();
  });

  test('a verbosity that never changes is refused', () => {
    const rewards = set.rewards.map((value, at) => (at % 4 === 2 ? 1 : value));
    expect(() => comparePenalties({ ...reference, rewards }, options)).toThrow(/verbosity: is the same in every row/);
  });
});

describe('the frontier', () => {
  test('penalties are read back from the transform they made', () => {
    const penalties = findPenalties(set.rewards, 4, 2);
    const back = penaltiesOf(transformFromPenalties(4, [penalties]), 4, 2);
    expect(back.dimension).toBe(2);
    for (const [j, penalty] of back.penalties.entries()) expect(penalty).toBeCloseTo(penalties.penalties[j]!, 15);
  });

  const penalties = findPenalties(set.rewards, 4, 2);
  const points = debiasFrontier(set, comparisonsOf(set), penalties);
  test('begins at the raw rewards and meets the penalties at 1', () => {
    expect(points.map(({ scale }) => scale)).toEqual(frontierScales);
    const at = (scale: number) => points.find((point) => point.scale === scale)!;
    const raw = correlationsOf(reference, set.rewards, { resamples: 0, seed: 1 });
    const mean = [0, 1, 3].reduce((sum, j) => sum + Math.abs(raw[j]!.withVerbosity.spearman.value), 0) / 3;
    expect(at(0).meanResidual).toBeCloseTo(mean, 12);
    expect(at(1).largestResidual).toBeLessThan(1e-3);
    expect(at(1.5).meanResidual).toBeGreaterThan(0.05);
    expect(at(1).scoreWithLength).toBeLessThan(at(0).scoreWithLength);
    expect(at(0).accuracy.comparisons).toBe(300);
  });
});

describe('scores of a set', () => {
  test('under its own transform are the model’s', () => {
    const scores = scoresUnderTransform(set, set.head!.transform);
    for (const [row, score] of scores.entries()) expect(score).toBeCloseTo(set.scores[row]!, 12);
  });

  test('adjusted rewards are r M', () => {
    const adjusted = setAdjustedRewards(set, set.head!.transform);
    const head = { objectives: 4, transform: set.head!.transform };
    for (let row = 0; row < 50; row++)
      expect(adjusted.slice(4 * row, 4 * row + 4)).toEqual(
        adjustedRewards(head, set.rewards.slice(4 * row, 4 * row + 4)),
      );
  });

  test('flips are comparisons decided otherwise', () => {
    const comparisons = comparisonsOf(set);
    const raw = scoresUnderTransform(set, transformFromPenalties(4, []));
    const flipped = flippedComparisons(set.scores, raw, comparisons);
    const before = (i: number) => set.scores[comparisons.chosen[i]!]! > set.scores[comparisons.rejected[i]!]!;
    const after = (i: number) => raw[comparisons.chosen[i]!]! > raw[comparisons.rejected[i]!]!;
    const expected = Array.from(comparisons.chosen.keys()).filter((i) => before(i) !== after(i));
    expect([...flipped]).toEqual(expected);
    expect(expected.length).toBeGreaterThan(0);
    expect(flippedComparisons(raw, raw, comparisons)).toHaveLength(0);
  });
});
