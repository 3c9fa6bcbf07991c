/**
 * Percentile bootstrap of correlations, seeded: whole clusters (prompts) are drawn with replacement, because responses to one
 * prompt are not independent. A resample is a count per row, so ranks are made from the order of the whole sample in one pass,
 * without sorting again (equal to ranking the resample's rows: proven in the test).
 */
import { assert } from '@/base/assert.ts';
import { SeededRandom } from '@/base/random.ts';
import { ascendingOrder } from './rank-correlation.ts';
import type { Interval } from './wilson.ts';

/** How often each row is drawn. */
export interface BootstrapPlan {
  readonly rows: number;
  readonly resamples: readonly Uint16Array[];
}

/**
 * @param clusterOf cluster of each row, any whole numbers; absent: every row is its own.
 */
export function bootstrapPlan(rows: number, resamples: number, seed: number, clusterOf?: Int32Array): BootstrapPlan {
  assert(
    clusterOf === undefined || clusterOf.length === rows,
    () => `clusters of ${clusterOf?.length} rows, not ${rows}`,
  );
  const random = new SeededRandom(seed);
  const indexOf = new Map<number, number>();
  const cluster = Int32Array.from({ length: rows }, (_, row) => {
    const name = clusterOf?.[row] ?? row;
    const known = indexOf.get(name) ?? indexOf.size;
    indexOf.set(name, known);
    return known;
  });
  return {
    rows,
    resamples: Array.from({ length: resamples }, () => {
      const drawn = new Uint16Array(indexOf.size);
      for (let i = 0; i < drawn.length; i++) drawn[random.integer(drawn.length)]! += 1;
      return Uint16Array.from(cluster, (c) => drawn[c]!);
    }),
  };
}

/** A column made ready for weighted ranking: its order, once. @throws DataError on NaN. */
export interface RankableColumn {
  readonly values: Float64Array;
  readonly order: Uint32Array;
}

export function rankable(values: Float64Array, where?: string): RankableColumn {
  return { values, order: ascendingOrder(values, where) };
}

/** Mid-ranks of a resample: row i stands `weights[i]` times. Rows of weight 0 get a rank too; it has no say. */
export function weightedMidRanks({ values, order }: RankableColumn, weights: Uint16Array): Float64Array {
  const ranks = new Float64Array(order.length);
  let before = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    let count = 0;
    while (end < order.length && values[order[end]!] === values[order[start]!]) count += weights[order[end++]!]!;
    const rank = before + (count + 1) / 2;
    for (let position = start; position < end; position++) ranks[order[position]!] = rank;
    before += count;
    start = end;
  }
  return ranks;
}

/** Pearson's correlation with row i counted `weights[i]` times; NaN where a side is constant. */
export function weightedPearson(x: Float64Array, y: Float64Array, weights: Uint16Array): number {
  let total = 0;
  let sumX = 0;
  let sumY = 0;
  for (let i = 0; i < x.length; i++) {
    const w = weights[i]!;
    total += w;
    sumX += w * x[i]!;
    sumY += w * y[i]!;
  }
  const meanX = sumX / total;
  const meanY = sumY / total;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < x.length; i++) {
    const w = weights[i]!;
    if (w === 0) continue;
    const dx = x[i]! - meanX;
    const dy = y[i]! - meanY;
    xx += w * dx * dx;
    yy += w * dy * dy;
    xy += w * dx * dy;
  }
  if (constant(x, weights) || constant(y, weights)) return Number.NaN;
  return Math.min(1, Math.max(-1, xy / Math.sqrt(xx * yy)));
}

function constant(values: Float64Array, weights: Uint16Array): boolean {
  let first: number | undefined;
  for (let i = 0; i < values.length; i++) {
    if (weights[i] === 0) continue;
    first ??= values[i]!;
    if (values[i] !== first) return false;
  }
  return true;
}

/** The percentile interval of draws: quantiles (1 ∓ level) / 2 by linear interpolation; draws that do not exist are left out. */
export function percentileInterval(draws: readonly number[], level = 0.95): Interval {
  const sorted = draws.filter((draw) => !Number.isNaN(draw)).sort((a, b) => a - b);
  return { low: quantile(sorted, (1 - level) / 2), high: quantile(sorted, (1 + level) / 2) };
}

/** Quantile of sorted values by linear interpolation between closest ranks (NumPy's default). */
export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = q * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (position - Math.floor(position)) * (above - below);
}

/** Correlations of one column with another: the value on all rows and the percentile interval of its resamples. */
export interface Estimate {
  readonly value: number;
  /** Absent where no resamples were asked for. */
  readonly interval?: Interval;
}

/** An estimate of `statistic` over a plan; `all` stands for every row once. */
export function estimate(plan: BootstrapPlan, statistic: (weights: Uint16Array) => number): Estimate {
  const value = statistic(new Uint16Array(plan.rows).fill(1));
  if (plan.resamples.length === 0) return { value };
  return { value, interval: percentileInterval(plan.resamples.map(statistic)) };
}
