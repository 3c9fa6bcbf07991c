/** Orders of a loaded set: which groups flipped, and every response by its score. Into buffers that are made once. Pure. */
import type { BatchScores } from '@/core/steering-batch.ts';

/** Rows by falling score, equal scores in the file's order. `order` `[rows]` is overwritten and returned. */
export function orderByScore(scores: Float64Array, order: Uint32Array): Uint32Array {
  for (let row = 0; row < order.length; row += 1) order[row] = row;
  return order.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
}

/** Place of every row in an order, 1 is first. `places` is overwritten and returned. */
export function placesOf(order: Uint32Array, places: Uint32Array): Uint32Array {
  for (let at = 0; at < order.length; at += 1) places[order[at] ?? 0] = at + 1;
  return places;
}

/** Flipped groups, the one that is decided most clearly first. */
export function flipsByLead({ flips, flipCount, leads, winners }: BatchScores): Uint32Array {
  const lead = (group: number) => leads[winners[group] ?? 0] ?? 0;
  return flips.slice(0, flipCount).sort((a, b) => lead(b) - lead(a) || a - b);
}
