/** Wilson's score interval of a proportion (Wilson 1927): stays in [0, 1], and says something at 0 and 1. */
import { assert } from '@/base/assert.ts';

/** Two-sided 95 %: the 0.975 quantile of the standard normal. */
export const z95 = 1.959963984540054;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The interval for `successes` of `total`. Half successes (ties) are allowed: the formula needs the proportion alone.
 * @returns ends in [0, 1]; NaN where `total` is 0.
 * @throws AssertionError unless 0 ≤ successes ≤ total.
 */
export function wilsonInterval(successes: number, total: number, z: number = z95): Interval {
  assert(successes >= 0 && successes <= total, () => `${successes} successes of ${total}`);
  if (total === 0) return { low: Number.NaN, high: Number.NaN };
  const p = successes / total;
  const squared = z * z;
  const centre = (p + squared / (2 * total)) / (1 + squared / total);
  const half = (z / (1 + squared / total)) * Math.sqrt((p * (1 - p)) / total + squared / (4 * total * total));
  return { low: p === 0 ? 0 : Math.max(0, centre - half), high: p === 1 ? 1 : Math.min(1, centre + half) };
}
