/**
 * What a verbosity correction does to a set of pairs: the same gate with and without the transform, side by side. Does the score
 * follow length less, and is it still as right where length cannot help, on pairs of about equal length?
 */
import { bootstrapPlan, percentileInterval, rankable, weightedMidRanks, weightedPearson } from './bootstrap.ts';
import { transformFromPenalties } from './debias.ts';
import type { BootstrapOptions } from './debias-report.ts';
import {
  lengthMatched,
  pairAccuracy,
  reweightedAccuracy,
  type Accuracy,
  type ReweightedAccuracy,
} from './pair-accuracy.ts';
import { spearman } from './rank-correlation.ts';
import { comparisonsOf, type ScoredSet } from './scored-set.ts';
import { scoresUnderTransform } from './set-scores.ts';
import type { Interval } from './wilson.ts';

/** One way of scoring. */
export interface ClaimSide {
  /** Spearman of the score with the response's tokens, over all responses. */
  readonly scoreWithLength: number;
  readonly interval: Interval;
  readonly accuracy: Accuracy;
  readonly matched: Accuracy;
  readonly reweighted: ReweightedAccuracy;
}

/** A difference of the two, corrected less uncorrected, on the same resamples of prompts. */
export interface ClaimDifference {
  readonly value: number;
  readonly interval: Interval;
}

export interface DebiasClaim {
  readonly pairs: number;
  readonly matchedPairs: number;
  readonly matchedTolerance: number;
  readonly uncorrected: ClaimSide;
  readonly corrected: ClaimSide;
  readonly scoreWithLength: ClaimDifference;
  readonly accuracy: ClaimDifference;
  readonly matchedAccuracy: ClaimDifference;
  readonly reweightedAccuracy: ClaimDifference;
}

/**
 * @param set pairs with all response tokens known.
 * @param transform M of the correction; without it the score is g · r.
 * @param promptOf prompt of each row, for resampling; absent: every group is its own.
 */
export function debiasClaim(
  set: ScoredSet,
  transform: Float64Array,
  matchedTolerance: number,
  options: BootstrapOptions,
  promptOf: Int32Array = set.groupOf,
): DebiasClaim {
  const comparisons = comparisonsOf(set);
  const tokens = Float64Array.from(set.responseTokens);
  const raw = scoresUnderTransform(set, transformFromPenalties(set.objectives.length, []));
  const corrected = scoresUnderTransform(set, transform);
  const plan = bootstrapPlan(set.rows, options.resamples, options.seed, promptOf);
  const length = rankable(tokens, 'response tokens');
  const isMatched = lengthMatched(set.responseTokens, comparisons, matchedTolerance);

  const correlate = (scores: Float64Array) => {
    const column = rankable(scores, 'scores');
    return plan.resamples.map((weights) =>
      weightedPearson(weightedMidRanks(column, weights), weightedMidRanks(length, weights), weights),
    );
  };
  const draws = { raw: correlate(raw), corrected: correlate(corrected) };
  const side = (scores: Float64Array, correlations: readonly number[]): ClaimSide => ({
    scoreWithLength: spearman(scores, tokens),
    interval: percentileInterval(correlations),
    accuracy: pairAccuracy(scores, comparisons),
    matched: pairAccuracy(scores, comparisons, isMatched),
    reweighted: reweightedAccuracy(scores, set.responseTokens, comparisons),
  });
  const sides = { uncorrected: side(raw, draws.raw), corrected: side(corrected, draws.corrected) };

  const outcome = (scores: Float64Array, i: number): number =>
    (Math.sign(scores[comparisons.chosen[i]!]! - scores[comparisons.rejected[i]!]!) + 1) / 2;
  const gains = Float64Array.from(comparisons.chosen, (_, i) => outcome(corrected, i) - outcome(raw, i));
  const lengthSign = Float64Array.from(comparisons.chosen, (a, i) =>
    Math.sign(set.responseTokens[a]! - set.responseTokens[comparisons.rejected[i]!]!),
  );
  const meanGain = (weights: Uint16Array, counts: (i: number) => boolean): number => {
    let sum = 0;
    let total = 0;
    for (const [i, row] of comparisons.chosen.entries()) {
      if (!counts(i)) continue;
      sum += weights[row]! * gains[i]!;
      total += weights[row]!;
    }
    return sum / total;
  };
  const difference = (statistic: (weights: Uint16Array) => number): ClaimDifference => ({
    value: statistic(new Uint16Array(set.rows).fill(1)),
    interval: percentileInterval(plan.resamples.map(statistic)),
  });
  const balanced = (weights: Uint16Array): number =>
    (meanGain(weights, (i) => lengthSign[i]! > 0) + meanGain(weights, (i) => lengthSign[i]! < 0)) / 2;
  return {
    pairs: comparisons.chosen.length,
    matchedPairs: sides.corrected.matched.comparisons,
    matchedTolerance,
    ...sides,
    scoreWithLength: {
      value: sides.corrected.scoreWithLength - sides.uncorrected.scoreWithLength,
      interval: percentileInterval(draws.corrected.map((rho, i) => rho - draws.raw[i]!)),
    },
    accuracy: difference((weights) => meanGain(weights, () => true)),
    matchedAccuracy: difference((weights) => meanGain(weights, isMatched)),
    reweightedAccuracy: difference(balanced),
  };
}
