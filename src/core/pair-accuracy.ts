/**
 * Accuracy over comparisons: how often the chosen response has the higher score, ties as half and shown, with Wilson intervals;
 * by subset; against the longest and the shortest; length-matched and re-weighted for length.
 */
import { assert } from '@/base/assert.ts';
import type { Comparisons, NameColumn, ScoredSet } from './scored-set.ts';
import { wilsonInterval, z95 } from './wilson.ts';
import type { Interval } from './wilson.ts';

type Numbers = Float64Array | Int32Array;

/** Wins, ties and losses of the chosen response. */
export interface Accuracy {
  readonly comparisons: number;
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
  /** (wins + ties / 2) / comparisons; NaN where there is none. */
  readonly accuracy: number;
  /** Wilson, 95 %. */
  readonly interval: Interval;
}

export interface NamedAccuracy extends Accuracy {
  readonly name: string;
}

/** Decides which comparisons count; absent: all. */
export type ComparisonFilter = (comparison: number) => boolean;

/** Accuracy of `scores` `[n]` on the comparisons that `counts` lets through. Equal scores tie; NaN is refused by its ties. */
export function pairAccuracy(scores: Numbers, { chosen, rejected }: Comparisons, counts?: ComparisonFilter): Accuracy {
  let wins = 0;
  let ties = 0;
  let losses = 0;
  for (let i = 0; i < chosen.length; i++) {
    if (counts !== undefined && !counts(i)) continue;
    const a = scores[chosen[i]!]!;
    const b = scores[rejected[i]!]!;
    if (a > b) wins += 1;
    else if (a < b) losses += 1;
    else {
      assert(a === b, () => `comparison ${i} has a score that is not a number`);
      ties += 1;
    }
  }
  return summarise(wins, ties, losses);
}

function summarise(wins: number, ties: number, losses: number): Accuracy {
  const comparisons = wins + ties + losses;
  const half = wins + ties / 2;
  const accuracy = comparisons === 0 ? Number.NaN : half / comparisons;
  return { comparisons, wins, ties, losses, accuracy, interval: wilsonInterval(half, comparisons) };
}

/** Accuracy for each name of a column (by the chosen row), in the column's order; comparisons without a name are left out. */
export function accuracyByName(
  scores: Numbers,
  comparisons: Comparisons,
  { names, codes }: NameColumn,
): NamedAccuracy[] {
  const counts = new Int32Array(3 * names.length);
  for (const [i, a] of comparisons.chosen.entries()) {
    const code = codes[a]!;
    if (code < 0) continue;
    const difference = scores[a]! - scores[comparisons.rejected[i]!]!;
    counts[3 * code + (difference > 0 ? 0 : difference < 0 ? 2 : 1)]! += 1;
  }
  return names.map((name, code) => ({
    name,
    ...summarise(counts[3 * code]!, counts[3 * code + 1]!, counts[3 * code + 2]!),
  }));
}

/**
 * A set's lengths for baselines: tokens where every row has them, else characters where every row has them.
 * @returns undefined where neither is complete.
 */
export function lengthsOf({
  responseTokens,
  characters,
}: Pick<ScoredSet, 'responseTokens' | 'characters'>):
  | { readonly unit: 'tokens' | 'characters'; readonly lengths: Int32Array }
  | undefined {
  const complete = (values: Int32Array): boolean => values.every((value) => value >= 0);
  if (complete(responseTokens)) return { unit: 'tokens', lengths: responseTokens };
  return complete(characters) ? { unit: 'characters', lengths: characters } : undefined;
}

/** What preferring the longer, or the shorter, response always would reach. */
export function lengthBaselines(
  lengths: Int32Array,
  comparisons: Comparisons,
  counts?: ComparisonFilter,
): { readonly longest: Accuracy; readonly shortest: Accuracy } {
  const longest = pairAccuracy(lengths, comparisons, counts);
  return { longest, shortest: turnedRound(longest) };
}

/** The accuracy of preferring always the other one. */
export function turnedRound({ wins, ties, losses }: Accuracy): Accuracy {
  return summarise(losses, ties, wins);
}

/** Each objective's own accuracy, were its column of `values` `[n, k]` (rewards, raw or adjusted) the score. */
export function objectiveAccuracies(
  values: Float64Array,
  objectives: readonly string[],
  comparisons: Comparisons,
): NamedAccuracy[] {
  const k = objectives.length;
  const column = new Float64Array(values.length / k);
  return objectives.map((name, j) => {
    for (let row = 0; row < column.length; row++) column[row] = values[row * k + j]!;
    return { name, ...pairAccuracy(column, comparisons) };
  });
}

/** Comparisons whose lengths differ by at most `tolerance` of the longer: quality, with length held fixed. */
export function lengthMatched(
  lengths: Int32Array,
  { chosen, rejected }: Comparisons,
  tolerance: number,
): ComparisonFilter {
  assert(tolerance >= 0, () => `a tolerance is at least 0, got ${tolerance}`);
  return (i) => {
    const a = lengths[chosen[i]!]!;
    const b = lengths[rejected[i]!]!;
    return Math.abs(a - b) <= tolerance * Math.max(a, b);
  };
}

/** Accuracy weighted as if the longer response were the preferred one half of the time. */
export interface ReweightedAccuracy {
  /** Mean of the accuracies where the chosen is longer and where it is shorter, each counted half; equal lengths keep their share. */
  readonly accuracy: number;
  /** Normal approximation over the strata, 95 %. */
  readonly interval: Interval;
  /** Where the chosen is longer, shorter, and of equal length. */
  readonly longer: Accuracy;
  readonly shorter: Accuracy;
  readonly equal: Accuracy;
}

/**
 * The accuracy on a world where length says nothing: comparisons where the chosen is longer and where it is shorter get equal
 * total weight, so that "longest wins" has exactly ½.
 * @returns NaN where one of the two kinds is missing.
 */
export function reweightedAccuracy(scores: Numbers, lengths: Int32Array, comparisons: Comparisons): ReweightedAccuracy {
  const sign = (i: number): number => Math.sign(lengths[comparisons.chosen[i]!]! - lengths[comparisons.rejected[i]!]!);
  const longer = pairAccuracy(scores, comparisons, (i) => sign(i) > 0);
  const shorter = pairAccuracy(scores, comparisons, (i) => sign(i) < 0);
  const equal = pairAccuracy(scores, comparisons, (i) => sign(i) === 0);
  const total = longer.comparisons + shorter.comparisons + equal.comparisons;
  const unequal = (longer.comparisons + shorter.comparisons) / total;
  const strata: [Accuracy, number][] = [
    [longer, unequal / 2],
    [shorter, unequal / 2],
    ...(equal.comparisons === 0 ? [] : [[equal, 1 - unequal] satisfies [Accuracy, number]]),
  ];
  const accuracy = strata.reduce((sum, [stratum, weight]) => sum + weight * stratum.accuracy, 0);
  const variance = strata.reduce((sum, [s, weight]) => sum + (weight * weight * outcomeVariance(s)) / s.comparisons, 0);
  const half = z95 * Math.sqrt(variance);
  const interval = { low: Math.max(0, accuracy - half), high: Math.min(1, accuracy + half) };
  return { accuracy, interval, longer, shorter, equal };
}

/** Variance of one outcome (1, ½ or 0) in a stratum. */
function outcomeVariance({ wins, ties, comparisons, accuracy }: Accuracy): number {
  return (wins + ties / 4) / comparisons - accuracy * accuracy;
}
