/**
 * NumPy's legacy generator as far as scikit-learn's splits use it: MT19937 (Matsumoto and Nishimura 1998) seeded by one integer, and
 * `RandomState.permutation`. Sources: numpy `random/src/mt19937/mt19937.c` (mt19937_seed, mt19937_gen),
 * `random/src/distributions/distributions.c` (random_interval) and `random/mtrand.pyx` (shuffle); scikit-learn
 * `model_selection/_split.py` (ShuffleSplit, _validate_shuffle_split). Bit for bit, so that an author's split can be made again.
 */
import { assert } from '@/base/assert.ts';

const size = 624;
const shift = 397;

class MersenneTwister {
  private readonly state = new Uint32Array(size);
  private position = size;

  constructor(seed: number) {
    let value = seed >>> 0;
    for (let i = 0; i < size; i++) {
      this.state[i] = value;
      value = (Math.imul(1_812_433_253, value ^ (value >>> 30)) + i + 1) >>> 0;
    }
  }

  uint32(): number {
    if (this.position === size) this.refill();
    let y = this.state[this.position++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Uniform on 0 … max, by rejection under the smallest mask. */
  interval(max: number): number {
    if (max === 0) return 0;
    const mask = 2 ** (32 - Math.clz32(max)) - 1;
    let value = this.uint32() & mask;
    while (value >>> 0 > max) value = this.uint32() & mask;
    return value >>> 0;
  }

  private refill(): void {
    const { state } = this;
    for (let i = 0; i < size; i++) {
      const y = (state[i]! & 0x8000_0000) | (state[(i + 1) % size]! & 0x7fff_ffff);
      state[i] = state[(i + shift) % size]! ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : 0x9908_b0df);
    }
    this.position = 0;
  }
}

/** `numpy.random.RandomState(seed).permutation(length)`. @param seed 0 … 2³² − 1. */
export function numpyPermutation(length: number, seed: number): Uint32Array {
  assert(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32, () => `a NumPy seed is in 0 … 2³² − 1, got ${seed}`);
  const random = new MersenneTwister(seed);
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = random.interval(i);
    const item = order[i]!;
    order[i] = order[j]!;
    order[j] = item;
  }
  return order;
}

/**
 * The rows that `sklearn.model_selection.train_test_split(…, test_size=share, random_state=seed)` holds out, as a mask `[rows]` of
 * ones. The authors' stage 1 has share 0.2 and seed 42.
 */
export function sklearnHeldOut(rows: number, share = 0.2, seed = 42): Uint8Array {
  const mask = new Uint8Array(rows);
  for (const row of numpyPermutation(rows, seed).subarray(0, Math.ceil(share * rows))) mask[row] = 1;
  return mask;
}
