/**
 * Calibration of the Bradley-Terry probability p = σ(m), m the margin of chosen over rejected: does a pair that the model gives
 * 80 % come out right 80 % of the time? Which response is named first says nothing, so a pair is read from the side the model
 * prefers: confidence max(p, 1 − p) in [½, 1], right where that side is the chosen one. Ties have confidence ½ and are half right.
 */
import { assert } from '@/base/assert.ts';
import type { Comparisons } from './scored-set.ts';
import { wilsonInterval } from './wilson.ts';
import type { Interval } from './wilson.ts';

export interface CalibrationBin {
  /** Confidence from `low` (inclusive) to `high` (exclusive, the last inclusive). */
  readonly low: number;
  readonly high: number;
  readonly comparisons: number;
  readonly meanConfidence: number;
  readonly accuracy: number;
  readonly interval: Interval;
}

export interface Calibration {
  readonly bins: readonly CalibrationBin[];
  /** Mean of (1 − p)², p the probability of the chosen: 0 is perfect, 0.25 a coin. */
  readonly brier: number;
  /** Expected calibration error: mean over the bins of |accuracy − confidence|, weighted by their comparisons. */
  readonly ece: number;
  /** Mean of −log p. */
  readonly logLoss: number;
  /** The factor on the margin that makes the log loss least: below 1 the model is overconfident. See `fitScale`. */
  readonly fittedScale: number;
}

/** Bins over [½, 1], equally wide. */
export const calibrationBins = 10;

/** Calibration of `scores` `[n]` over the comparisons. NaN figures where there are none. */
export function calibrationOf(
  scores: Float64Array,
  comparisons: Comparisons,
  bins: number = calibrationBins,
): Calibration {
  assert(Number.isInteger(bins) && bins > 0, () => `bins must be a positive integer, got ${bins}`);
  const margins = marginsOf(scores, comparisons);
  const counts = new Float64Array(bins);
  const right = new Float64Array(bins);
  const confidence = new Float64Array(bins);
  let brier = 0;
  let logLoss = 0;
  for (const margin of margins) {
    const sure = sigmoid(Math.abs(margin));
    const bin = Math.min(bins - 1, Math.floor((sure - 0.5) * 2 * bins));
    counts[bin]! += 1;
    confidence[bin]! += sure;
    right[bin]! += margin > 0 ? 1 : margin === 0 ? 0.5 : 0;
    brier += sigmoid(-margin) ** 2;
    logLoss += softplus(-margin);
  }
  const n = margins.length;
  const table = Array.from(counts, (comparisonsInBin, bin): CalibrationBin => {
    const none = comparisonsInBin === 0;
    return {
      low: 0.5 + bin / (2 * bins),
      high: 0.5 + (bin + 1) / (2 * bins),
      comparisons: comparisonsInBin,
      meanConfidence: none ? Number.NaN : confidence[bin]! / comparisonsInBin,
      accuracy: none ? Number.NaN : right[bin]! / comparisonsInBin,
      interval: wilsonInterval(right[bin]!, comparisonsInBin),
    };
  });
  const gaps = counts.reduce(
    (sum, count, bin) => sum + (count === 0 ? 0 : Math.abs(right[bin]! - confidence[bin]!)),
    0,
  );
  return { bins: table, brier: brier / n, ece: gaps / n, logLoss: logLoss / n, fittedScale: fitScale(margins) };
}

/** Margin of chosen over rejected of each comparison `[m]`. */
export function marginsOf(scores: Float64Array, { chosen, rejected }: Comparisons): Float64Array {
  return Float64Array.from(chosen, (a, i) => scores[a]! - scores[rejected[i]!]!);
}

/**
 * β that minimises the mean of log(1 + e^{−β m}) over `margins`: convex in β, found by bisection of its derivative.
 * @returns Infinity where no margin is negative (and one is positive), −Infinity the other way round, NaN where all are 0 or
 *   there are none.
 */
export function fitScale(margins: Float64Array): number {
  const positive = margins.some((margin) => margin > 0);
  const negative = margins.some((margin) => margin < 0);
  if (!positive || !negative) return positive ? Infinity : negative ? -Infinity : Number.NaN;
  // Falls with β: Σ m σ(−β m).
  const slope = (beta: number): number => margins.reduce((sum, margin) => sum + margin * sigmoid(-beta * margin), 0);
  const unit = 1 / margins.reduce((largest, margin) => Math.max(largest, Math.abs(margin)), 0);
  let low = -unit;
  let high = unit;
  while (slope(low) < 0) low *= 2;
  while (slope(high) > 0) high *= 2;
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    if (slope(middle) > 0) low = middle;
    else high = middle;
  }
}

/** 1 / (1 + e^{−x}) without overflow. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** log(1 + e^x) without overflow. */
function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}
