/**
 * What of a Llama decoder layer lies between its matrices: norms, rotary positions, causal attention, SiLU. Plain loops over
 * f32 rows with sums in f64; it shares nothing with the graphs of a package, so it is also a second opinion on them.
 * Lineage: Transformers `modeling_llama.py`.
 */
import { rotaryTables, type RotaryTables } from '@/core/rope.ts';
import type { Architecture } from '@/formats/manifest.ts';

type Rows = Float32Array<ArrayBuffer>;

/** Root-mean-square norm of every row. @param rows f32 [t, d]. @param gamma f32 [d]. @returns f32 [t, d], new memory. */
export function normRows(rows: Float32Array, gamma: Float32Array, epsilon: number): Rows {
  const d = gamma.length;
  const result = new Float32Array(rows.length);
  for (let begin = 0; begin < rows.length; begin += d) {
    let sum = 0;
    for (let i = begin; i < begin + d; i++) sum += rows[i]! * rows[i]!;
    const scale = 1 / Math.sqrt(sum / d + epsilon);
    for (let i = 0; i < d; i++) result[begin + i] = rows[begin + i]! * scale * gamma[i]!;
  }
  return result;
}

/** rows += other, [t, d] both. */
export function addRows(rows: Float32Array, other: Float32Array): void {
  for (let i = 0; i < rows.length; i++) rows[i]! += other[i]!;
}

/** silu(gate) · up, elementwise, in `gate`'s memory. */
export function gateRows(gate: Rows, up: Float32Array): Rows {
  for (let i = 0; i < gate.length; i++) gate[i] = (gate[i]! / (1 + Math.exp(-gate[i]!))) * up[i]!;
  return gate;
}

/** One sequence's share of the rows: rows `begin` to `end`. */
export interface RowRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * Causal grouped-query attention within every sequence, its rows at positions 0, 1, ….
 * @param queries f32 [t, attentionHeads · headDim], rotated in place. @param keys f32 [t, keyValueHeads · headDim], likewise.
 * @param values f32 [t, keyValueHeads · headDim].
 * @returns f32 [t, attentionHeads · headDim], new memory.
 */
export function attendRows(
  { attentionHeads, keyValueHeads, headDim, rope }: Architecture,
  sequences: readonly RowRange[],
  queries: Rows,
  keys: Rows,
  values: Rows,
): Rows {
  const longest = Math.max(...sequences.map(({ begin, end }) => end - begin));
  const tables = rotaryTables(rope, headDim, longest);
  for (const range of sequences) {
    rotateRows(queries, attentionHeads, headDim, range, tables);
    rotateRows(keys, keyValueHeads, headDim, range, tables);
  }
  const context = new Float32Array(queries.length);
  const width = attentionHeads * headDim;
  const narrow = keyValueHeads * headDim;
  const groupSize = attentionHeads / keyValueHeads;
  const inverse = 1 / Math.sqrt(headDim);
  const weights = new Float64Array(longest);
  const mixed = new Float64Array(headDim);
  for (const { begin, end } of sequences)
    for (let row = begin; row < end; row++)
      for (let head = 0; head < attentionHeads; head++) {
        const query = row * width + head * headDim;
        const shared = Math.floor(head / groupSize) * headDim;
        let largest = -Infinity;
        for (let other = begin; other <= row; other++) {
          const key = other * narrow + shared;
          let dot = 0;
          for (let i = 0; i < headDim; i++) dot += queries[query + i]! * keys[key + i]!;
          weights[other - begin] = dot * inverse;
          largest = Math.max(largest, dot * inverse);
        }
        let sum = 0;
        mixed.fill(0);
        for (let other = begin; other <= row; other++) {
          const weight = Math.exp(weights[other - begin]! - largest);
          const value = other * narrow + shared;
          sum += weight;
          for (let i = 0; i < headDim; i++) mixed[i]! += weight * values[value + i]!;
        }
        for (let i = 0; i < headDim; i++) context[query + i] = mixed[i]! / sum;
      }
  return context;
}

/** Half-split rotation (`rotate_half`) of every head of every row, in place. */
function rotateRows(
  rows: Rows,
  heads: number,
  headDim: number,
  { begin, end }: RowRange,
  { cos, sin }: RotaryTables,
): void {
  const half = headDim / 2;
  for (let row = begin; row < end; row++)
    for (let head = 0; head < heads; head++)
      for (let i = 0; i < half; i++) {
        const low = (row * heads + head) * headDim + i;
        const angle = (row - begin) * half + i;
        const [a, b] = [rows[low]!, rows[low + half]!];
        rows[low] = a * cos[angle]! - b * sin[angle]!;
        rows[low + half] = b * cos[angle]! + a * sin[angle]!;
      }
}
