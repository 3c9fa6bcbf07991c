import { describe, expect, test } from 'vitest';
import { correctionTransform, penaltiesBy, referenceOfScored, residualOf } from './debias-correction.ts';
import { comparePenalties } from './debias-report.ts';
import { findPenalties, transformFromPenalties } from './debias.ts';
import { setAdjustedRewards } from './set-scores.ts';
import { randomPairs } from './test-scored-set.ts';

const scored = randomPairs({ pairs: 120 });
const reference = referenceOfScored(scored, 2);
const compared = comparePenalties(reference, { resamples: 0, seed: 1 });
const identity = transformFromPenalties(4, []);

describe('penalties of a comparison', () => {
  test.each(['exact', 'pearson', 'authors-grid'] as const)('by %s are what that method finds alone', (method) => {
    expect(penaltiesBy(method, compared, 2, [2])).toEqual(findPenalties(scored.rewards, 4, 2, method));
  });

  test('leave other verbosity dimensions alone', () => {
    expect(penaltiesBy('exact', compared, 2, [2, 3]).penalties[3]).toBe(0);
  });
});

describe('the transform of a correction', () => {
  const penalties = penaltiesBy('exact', compared, 2, [2]);

  test('is Eq 2 at full strength and the identity at none', () => {
    expect(correctionTransform(identity, penalties, [2])).toEqual(transformFromPenalties(4, [penalties]));
    // Differences rather than bits: 1 − 0 · λ may be −0 off the diagonal.
    for (const [i, entry] of correctionTransform(identity, penalties, [2], 0).entries())
      expect(Math.abs(entry - (identity[i] ?? Number.NaN))).toBe(0);
  });

  test('keeps the rows of the model’s other verbosity dimensions', () => {
    const own = transformFromPenalties(4, [{ dimension: 3, penalties: Float64Array.of(0.5, 0.25, 0, 1) }]);
    const made = correctionTransform(own, penaltiesBy('exact', compared, 2, [2, 3]), [2, 3]);
    expect(made.subarray(12, 16)).toEqual(own.subarray(12, 16));
    expect(made[2 * 4 + 2]).toBe(0);
  });
});

describe('what is left', () => {
  test('is nothing after exact penalties, and names the objective that keeps most before', () => {
    const before = residualOf(reference, reference.rewards);
    const transform = correctionTransform(identity, penaltiesBy('exact', compared, 2, [2]), [2]);
    const after = residualOf(reference, setAdjustedRewards(reference, transform));
    expect(before.mean).toBeGreaterThan(10 * after.mean);
    expect(before.objective).not.toBe(2);
    expect(after.largest).toBeLessThan(0.01);
  });

  test('is unknown where every other objective is constant', () => {
    const set = { objectives: ['a', 'v'], verbosity: 1, rewards: Float64Array.of(1, 0, 1, 1, 1, 2) };
    expect(residualOf(set, set.rewards)).toEqual({ mean: Number.NaN, largest: Number.NaN, objective: undefined });
  });
});

test('lengths count only where every row has its own', () => {
  expect(reference.responseTokens).toBe(scored.responseTokens);
  const some = { ...scored, responseTokens: scored.responseTokens.map((count, row) => (row === 3 ? -1 : count)) };
  expect(referenceOfScored(some, 2).responseTokens).toBeUndefined();
});
