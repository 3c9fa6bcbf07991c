/**
 * Dropout without a stream: whether a unit is dropped is a hash of seed, step, layer and the unit's place in the batch, so that every
 * backend draws the same masks in any order, and a resumed run those of the run that never stopped.
 *
 * The hash is lowbias32 (C. Wellons), applied twice with the key between, in exact 32-bit integers.
 */

/** lowbias32: a bijection of 32-bit integers in which every input bit reaches every output bit. */
export function hash32(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb_352d);
  x = Math.imul(x ^ (x >>> 15), 0x846c_a68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Key of one layer's mask at one step (0-based). `seed` is a safe integer ≥ 0. */
export function dropoutKey(seed: number, step: number, layer: number): number {
  const high = Math.floor(seed / 2 ** 32);
  return hash32(hash32(hash32(hash32(seed >>> 0) ^ (high >>> 0)) ^ (step >>> 0)) ^ (layer >>> 0));
}

/** A unit is dropped when its hash is below this: `probability` · 2³², rounded down. */
export function dropoutThreshold(probability: number): number {
  return Math.floor(probability * 2 ** 32);
}

/** Whether unit `index` (row · width + column, below 2³²) is dropped. */
export function isDropped(key: number, index: number, threshold: number): boolean {
  return hash32(hash32(index + 0x9e37_79b9) ^ key) < threshold;
}
