import { expect, test } from 'vitest';
import { transformFromPenalties } from './debias.ts';
import { recoverTransform } from './recover-transform.ts';
import { adjustedRewards } from './reward-head.ts';
import { randomPairs } from './test-scored-set.ts';

const set = randomPairs({ pairs: 20 });
const rows = Array.from({ length: set.rows }, (_, row) => set.rewards.slice(4 * row, 4 * row + 4));
const under = (transform: Float64Array) => rows.map((row) => adjustedRewards({ objectives: 4, transform }, row));

test('one verbosity row is recovered, up to rounding', () => {
  const transform = transformFromPenalties(4, [{ dimension: 2, penalties: Float64Array.of(0.5, -0.25, 1, 1.75) }]);
  const found = recoverTransform(rows, under(transform));
  for (const [at, entry] of transform.entries()) expect(found?.[at]).toBeCloseTo(entry, 12);
  expect(recoverTransform(rows, rows)).toEqual(transformFromPenalties(4, []));
});

test('what one row does not explain is not guessed', () => {
  const two = transformFromPenalties(4, [
    { dimension: 1, penalties: Float64Array.of(0.5, 1, 0, 0.5) },
    { dimension: 2, penalties: Float64Array.of(0.5, 0, 1, 0.5) },
  ]);
  expect(recoverTransform(rows, under(two))).toBeUndefined();
  expect(recoverTransform([], [])).toBeUndefined();
});
