/**
 * The way from one steering to another (armorm.md, "What only a gated … model allows", 9). Along g(t) = (1 − t) g + t g* every score is
 * linear in t, s(t) = (1 − t) s + t s*, so two responses swap exactly once or never, at t = m / (m − m*) for margins m and m* at the
 * ends, and all that depends on order (ranks, Kendall's τ, accuracy) is a step function of t with those steps.
 *
 * Scores at the ends are all that is needed, so the same holds for any two ways of scoring between which scores are mixed linearly.
 * Responses that tie at an end only swap with nobody there; a step function is given by its breakpoints in (0, 1), ascending, and
 * its value on each of the open pieces they leave, first to last.
 */
import { assert } from '@/base/assert.ts';
import { ascendingOrder, sortCountingInversions } from './rank-correlation.ts';

/** Where two responses swap. */
export interface Crossing {
  /** In (0, 1). */
  readonly t: number;
  /** Index of the response ahead before t, and of the one ahead after it. */
  readonly leader: number;
  readonly overtaker: number;
}

/** m / (m − m*): where a margin of m at t = 0 and `end` at t = 1 is 0; undefined where it keeps its sign or touches 0 at an end only. */
export function crossingAt(start: number, end: number): number | undefined {
  if (!((start > 0 && end < 0) || (start < 0 && end > 0))) return undefined;
  return start / (start - end);
}

/** s(t) `[n]` into `target`; the ends themselves at t = 0 and 1. */
export function scoresAt(from: Float64Array, to: Float64Array, t: number, target: Float64Array): Float64Array {
  for (let i = 0; i < from.length; i++) target[i] = (1 - t) * from[i]! + t * to[i]!;
  return target;
}

/**
 * Every swap among the responses of one group, by rising t. All pairs are looked at: O(n²).
 * @param from s `[n]`, @param to s* `[n]`, finite.
 */
export function crossingsOf(from: Float64Array, to: Float64Array): Crossing[] {
  assert(from.length === to.length, () => `${from.length} scores at the start, ${to.length} at the end`);
  const crossings: Crossing[] = [];
  for (let a = 0; a < from.length; a++)
    for (let b = a + 1; b < from.length; b++) {
      const margin = from[a]! - from[b]!;
      const t = crossingAt(margin, to[a]! - to[b]!);
      if (t !== undefined) crossings.push(margin > 0 ? { t, leader: a, overtaker: b } : { t, leader: b, overtaker: a });
    }
  return crossings.sort((x, y) => x.t - y.t || x.leader - y.leader || x.overtaker - y.overtaker);
}

export interface RankSteps {
  readonly breakpoints: Float64Array;
  /** 1 + how many score higher, on each piece `[pieces, n]`, row-major. Only what ties all along shares a rank. */
  readonly ranks: Uint32Array;
  /** τ-b between the order at t = 0 and on each piece `[pieces]`; NaN where one of the two has no order. */
  readonly tau: Float64Array;
}

/** Ranks and Kendall's τ of one group along the way, exactly. O(n² log n), and n entries per piece: for groups that are read. */
export function rankSteps(from: Float64Array, to: Float64Array): RankSteps {
  const n = from.length;
  const crossings = crossingsOf(from, to);
  const breakpoints = uniqueAscending(crossings.map(({ t }) => t));
  const ranks = new Uint32Array((breakpoints.length + 1) * n).fill(1);
  const tau = new Float64Array(breakpoints.length + 1);
  let tiesAtStart = 0;
  let tiesThroughout = 0;
  for (let a = 0; a < n; a++)
    for (let b = a + 1; b < n; b++) {
      // Just after t = 0 responses that tied there are ordered as at t = 1.
      const margin = from[a]! - from[b]!;
      const end = to[a]! - to[b]!;
      const early = margin === 0 ? end : margin;
      if (early > 0) ranks[b]!++;
      else if (early < 0) ranks[a]!++;
      if (margin === 0) tiesAtStart++;
      if (margin === 0 && end === 0) tiesThroughout++;
    }
  const pairs = (n * (n - 1)) / 2;
  const ordered = pairs - tiesAtStart;
  const root = Math.sqrt(ordered) * Math.sqrt(pairs - tiesThroughout);
  tau[0] = ordered / root;
  let next = 0;
  for (const [index, t] of breakpoints.entries()) {
    const piece = (index + 1) * n;
    ranks.copyWithin(piece, piece - n, piece);
    for (; next < crossings.length && crossings[next]!.t === t; next++) {
      ranks[piece + crossings[next]!.leader]!++;
      ranks[piece + crossings[next]!.overtaker]!--;
    }
    tau[index + 1] = (ordered - 2 * next) / root;
  }
  return { breakpoints, ranks, tau };
}

/**
 * Kendall's τ-b between the scores at t = 0 and at each of `ts`, for many responses: O(n log n) a point.
 * @returns new f64, one per t, in [−1, 1]; NaN where one of the two has no order.
 * @throws DataError naming the first NaN.
 */
export function kendallAlong(from: Float64Array, to: Float64Array, ts: ArrayLike<number>): Float64Array {
  assert(from.length === to.length, () => `${from.length} scores at the start, ${to.length} at the end`);
  const n = from.length;
  const order = ascendingOrder(from);
  const start = Float64Array.from(order, (index) => from[index]!);
  const end = Float64Array.from(order, (index) => to[index]!);
  const pairs = (n * (n - 1)) / 2;
  const ties = tiedRuns(start);
  const tiesAtStart = sumOfPairs(ties);
  const mixed = new Float64Array(n);
  return Float64Array.from(ts, (t) => {
    scoresAt(start, end, t, mixed);
    // Among responses that tied at the start no pair is out of order (Knight 1966).
    let tiesBoth = 0;
    for (const [first, last] of ties) tiesBoth += sumOfPairs(tiedRuns(mixed.subarray(first, last).sort()));
    const discordant = sortCountingInversions(mixed);
    const tiesNow = sumOfPairs(tiedRuns(mixed));
    const concordant = pairs - tiesAtStart - tiesNow + tiesBoth - discordant;
    const tau = (concordant - discordant) / (Math.sqrt(pairs - tiesAtStart) * Math.sqrt(pairs - tiesNow));
    return Math.min(1, Math.max(-1, tau));
  });
}

export interface AccuracySteps {
  readonly breakpoints: Float64Array;
  /** Share of comparisons whose margin is > 0, on each piece. NaN without comparisons. */
  readonly accuracy: Float64Array;
}

/**
 * Accuracy along the way, exactly, from the margins chosen − rejected of every comparison at both ends. A tie is not right, as in
 * RewardBench; one at an end only is no tie on the pieces beside it. O(n log n).
 */
export function accuracySteps(from: Float64Array, to: Float64Array): AccuracySteps {
  assert(from.length === to.length, () => `${from.length} margins at the start, ${to.length} at the end`);
  const gains = new Map<number, number>();
  let right = 0;
  for (const [i, margin] of from.entries()) {
    const end = to[i]!;
    if (margin > 0 || (margin === 0 && end > 0)) right++;
    const t = crossingAt(margin, end);
    if (t !== undefined) gains.set(t, (gains.get(t) ?? 0) + (margin > 0 ? -1 : 1));
  }
  const breakpoints = Float64Array.from(gains.keys()).sort();
  const accuracy = new Float64Array(breakpoints.length + 1);
  accuracy[0] = right / from.length;
  for (const [index, t] of breakpoints.entries()) {
    right += gains.get(t)!;
    accuracy[index + 1] = right / from.length;
  }
  return { breakpoints, accuracy };
}

/** Index of the piece that holds t: how many breakpoints are below it (one at t itself counts, so a step is taken at its t). */
export function pieceAt(breakpoints: Float64Array, t: number): number {
  let low = 0;
  let high = breakpoints.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (breakpoints[middle]! <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

function uniqueAscending(sorted: readonly number[]): Float64Array {
  return Float64Array.from(sorted.filter((t, i) => i === 0 || t !== sorted[i - 1]));
}

/** Runs of two or more equal entries of ascending `values`, as [first, last + 1]. */
function tiedRuns(values: Float64Array): (readonly [number, number])[] {
  const runs: (readonly [number, number])[] = [];
  for (let first = 0; first < values.length;) {
    let last = first + 1;
    while (last < values.length && values[last] === values[first]) last++;
    if (last - first > 1) runs.push([first, last]);
    first = last;
  }
  return runs;
}

function sumOfPairs(runs: readonly (readonly [number, number])[]): number {
  let sum = 0;
  for (const [first, last] of runs) sum += ((last - first) * (last - first - 1)) / 2;
  return sum;
}
