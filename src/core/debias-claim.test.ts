import { expect, test } from 'vitest';
import { debiasClaim } from './debias-claim.ts';
import { findPenalties, transformFromPenalties } from './debias.ts';
import { pairAccuracy, lengthMatched } from './pair-accuracy.ts';
import { spearman } from './rank-correlation.ts';
import { comparisonsOf } from './scored-set.ts';
import { scoresUnderTransform } from './set-scores.ts';
import { randomPairs } from './test-scored-set.ts';

const set = randomPairs({ pairs: 400, seed: 5 });
const transform = transformFromPenalties(4, [findPenalties(set.rewards, 4, 2)]);
const options = { resamples: 100, seed: 1 };

test('the figures are those of the two scores', () => {
  const claim = debiasClaim(set, transform, 0.1, options);
  const comparisons = comparisonsOf(set);
  const scores = {
    raw: scoresUnderTransform(set, transformFromPenalties(4, [])),
    own: scoresUnderTransform(set, transform),
  };
  expect(claim.uncorrected.scoreWithLength).toBe(spearman(scores.raw, Float64Array.from(set.responseTokens)));
  expect(claim.corrected.accuracy).toEqual(pairAccuracy(scores.own, comparisons));
  const matched = lengthMatched(set.responseTokens, comparisons, 0.1);
  expect(claim.corrected.matched).toEqual(pairAccuracy(scores.own, comparisons, matched));
  expect(claim.matchedPairs).toBe(claim.uncorrected.matched.comparisons);
  for (const key of ['accuracy', 'matched'] as const)
    expect(claim[key === 'matched' ? 'matchedAccuracy' : 'accuracy'].value).toBeCloseTo(
      claim.corrected[key].accuracy - claim.uncorrected[key].accuracy,
      12,
    );
  for (const { value, interval } of [
    claim.scoreWithLength,
    claim.accuracy,
    claim.matchedAccuracy,
    claim.reweightedAccuracy,
  ]) {
    expect(interval.low).toBeLessThanOrEqual(value);
    expect(interval.high).toBeGreaterThanOrEqual(value);
  }
});

test('rewards that follow length follow it less; the same transform changes nothing', () => {
  const claim = debiasClaim(set, transform, 0.1, options);
  expect(claim.scoreWithLength.interval.high).toBeLessThan(0);
  const none = debiasClaim(set, transformFromPenalties(4, []), 0.1, options);
  expect(none.scoreWithLength).toEqual({ value: 0, interval: { low: 0, high: 0 } });
  expect(none.matchedAccuracy.value).toBe(0);
});
