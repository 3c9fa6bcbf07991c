/** Who leads in each group of a set: ranks, leads, winners and flips from its scores, into buffers that are there already. */
import type { ScoredSet } from './scored-set.ts';

/** What a set's groups come to under some scores; overwritten by every `rankGroups` into it. */
export interface RankedGroups {
  /** s `[rows]`. */
  readonly scores: Float64Array;
  /** 1 + how many of its group score higher `[rows]`: equal scores share a rank. */
  readonly ranks: Uint32Array;
  /** Score less the best of the others in its group `[rows]`: of a pair, the margin. NaN for a response alone in its group. */
  readonly leads: Float64Array;
  /** The row with the highest score of each group, the first of equals `[groups]`. */
  readonly winners: Uint32Array;
  /** Groups in which another response now scores strictly higher than the winner before; the first `flipCount` entries. */
  readonly flips: Uint32Array;
  flipCount: number;
  /** Room for the scores of the largest group. */
  readonly scratch: { readonly sorted: Float64Array };
}

/** Ranks all groups by `target.scores`. @param winnersBefore `[groups]`; may be `target.winners`, and nothing has flipped then. */
export function rankGroups(
  { groups, groupStart }: Pick<ScoredSet, 'groups' | 'groupStart'>,
  winnersBefore: Uint32Array,
  target: RankedGroups,
): void {
  const { scores, ranks, leads, winners, flips, scratch } = target;
  let flipCount = 0;
  for (let group = 0; group < groups; group++) {
    const start = groupStart[group]!;
    const end = groupStart[group + 1]!;
    if (end - start === 2) {
      // Pairs, of which most sets are made, without a branch on the scores: which is ahead cannot be foreseen.
      const a = scores[start]!;
      const b = scores[start + 1]!;
      const secondWins = b > a ? 1 : 0;
      winners[group] = start + secondWins;
      leads[start] = a - b;
      leads[start + 1] = b - a;
      ranks[start] = 1 + secondWins;
      ranks[start + 1] = a > b ? 2 : 1;
      flips[flipCount] = group;
      flipCount += Math.max(a, b) > scores[winnersBefore[group]!]! ? 1 : 0;
      continue;
    }
    let winner = start;
    let second = Number.NaN;
    for (let row = start + 1; row < end; row++)
      if (scores[row]! > scores[winner]!) {
        second = scores[winner]!;
        winner = row;
      } else if (!(scores[row]! <= second)) second = scores[row]!;
    const best = scores[winner]!;
    winners[group] = winner;
    for (let row = start; row < end; row++) leads[row] = scores[row]! - (row === winner ? second : best);
    if (end - start <= countedGroup) rankByCounting(scores, ranks, start, end);
    else rankBySorting(scores, ranks, start, end, scratch.sorted);
    if (best > scores[winnersBefore[group]!]!) flips[flipCount++] = group;
  }
  target.flipCount = flipCount;
}

/** Below this many responses comparing all of them is faster than sorting. */
const countedGroup = 24;

function rankByCounting(scores: Float64Array, ranks: Uint32Array, start: number, end: number): void {
  for (let row = start; row < end; row++) {
    const score = scores[row]!;
    let rank = 1;
    for (let other = start; other < end; other++) if (scores[other]! > score) rank++;
    ranks[row] = rank;
  }
}

function rankBySorting(
  scores: Float64Array,
  ranks: Uint32Array,
  start: number,
  end: number,
  space: Float64Array,
): void {
  const sorted = space.subarray(0, end - start);
  sorted.set(scores.subarray(start, end));
  sorted.sort();
  for (let row = start; row < end; row++) {
    const score = scores[row]!;
    // The first entry greater than the score, by bisection.
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! > score) high = middle;
      else low = middle + 1;
    }
    ranks[row] = sorted.length - low + 1;
  }
}
