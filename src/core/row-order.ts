/**
 * Rows in the order of a column, fast enough for 100,000 rows in a frame: a radix sort of the numbers' bits, six passes of 11 bits,
 * whose counts stay in the nearest cache.
 * Stable; −0 equals 0; NaN, a value that is missing, comes last whichever way.
 */
import { assert } from '@/base/assert.ts';

export type Direction = 'ascending' | 'descending';

const digits = 1 << 11;

/**
 * `rows` (indices into `keys`) in the order of `keys`, as a new array; equal keys keep the order of `rows`.
 * @throws AssertionError for a row outside `keys`.
 */
export function orderRows(rows: Uint32Array, keys: Float64Array, direction: Direction = 'ascending'): Uint32Array {
  const n = rows.length;
  // As unsigned integers that order like the numbers: negative ones inverted, the others with the sign bit set.
  const key = new Float64Array(1);
  const bits = new Uint32Array(key.buffer);
  const low = new Uint32Array(n);
  const high = new Uint32Array(n);
  const flip = direction === 'ascending' ? 0 : 0xffff_ffff;
  for (let i = 0; i < n; i++) {
    const row = rows[i]!;
    assert(row < keys.length, () => `row ${row} is not one of ${keys.length}`);
    const value = keys[row]!;
    if (Number.isNaN(value)) {
      low[i] = 0xffff_ffff;
      high[i] = 0xffff_ffff;
      continue;
    }
    key[0] = value + 0; // −0 becomes 0
    const sign = bits[1]! >>> 31 === 1 ? 0xffff_ffff : 0;
    low[i] = (bits[0]! ^ sign ^ flip) >>> 0;
    high[i] = (bits[1]! ^ (sign | 0x8000_0000) ^ flip) >>> 0;
  }
  let order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  let other = new Uint32Array(n);
  const starts = new Uint32Array(digits);
  for (const [words, shift] of [
    [low, 0],
    [low, 11],
    [low, 22],
    [high, 0],
    [high, 11],
    [high, 22],
  ] as const) {
    starts.fill(0);
    for (let i = 0; i < n; i++) starts[(words[i]! >>> shift) & (digits - 1)]!++;
    // A digit that all share moves nothing.
    if (n > 0 && starts[(words[0]! >>> shift) & (digits - 1)] === n) continue;
    let total = 0;
    for (let digit = 0; digit < digits; digit++) {
      const count = starts[digit]!;
      starts[digit] = total;
      total += count;
    }
    for (let i = 0; i < n; i++) {
      const at = order[i]!;
      other[starts[(words[at]! >>> shift) & (digits - 1)]!++] = at;
    }
    [order, other] = [other, order];
  }
  for (let i = 0; i < n; i++) other[i] = rows[order[i]!]!;
  return other;
}
