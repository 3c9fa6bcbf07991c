/**
 * Seeded random numbers: xoshiro128** 1.1 (Blackman and Vigna, prng.di.unimi.it), its state filled by SplitMix32.
 *
 * Period 2^128 − 1. Integers, uniforms and permutations are the same on every machine; `normal` uses `Math.log`, whose last
 * bit the language leaves to the engine. Not for secrets.
 */
import { assert } from './assert.ts';

/** The generator's whole state: four unsigned 32-bit integers, not all zero. Plain data, for checkpoints. */
export type RandomState = readonly [number, number, number, number];

export class SeededRandom {
  private readonly words: Uint32Array;

  /** @param seed any safe integer ≥ 0, or a state taken from `state()`. */
  constructor(seed: number | RandomState) {
    this.words = typeof seed === 'number' ? stateFromSeed(seed) : Uint32Array.from(seed);
    assert(
      this.words.length === 4 && this.words.some((word) => word !== 0),
      'a random state is four words, not all zero',
    );
  }

  /** A copy of the state: `new SeededRandom(random.state())` continues where this one stands. */
  state(): RandomState {
    const [a, b, c, d] = this.words;
    return [a!, b!, c!, d!];
  }

  /** Uniform on the integers 0 … 2^32 − 1. */
  uint32(): number {
    const [a, b, c, d] = this.state();
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const e = c ^ a;
    const f = d ^ b;
    this.words[0] = a ^ f;
    this.words[1] = b ^ e;
    this.words[2] = e ^ (b << 9);
    this.words[3] = (f << 11) | (f >>> 21);
    return result;
  }

  /** Uniform on [0, 1), all 53 bits random. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** Uniform on the integers 0 … bound − 1, without bias. @throws AssertionError unless 1 ≤ bound ≤ 2^32. */
  integer(bound: number): number {
    assert(Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32, () => `bound must be in 1 … 2^32, got ${bound}`);
    // Reject the last, incomplete run of `bound` values, so that each remainder is equally likely.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % bound;
  }

  /** Standard normal, by Marsaglia's polar method; the second value is dropped so that the state is the four words alone. */
  normal(): number {
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s);
    }
  }

  /** Puts `items` in random order, in place (Fisher-Yates), and returns it. */
  shuffle<T extends { readonly length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const item = items[i];
      items[i] = items[j];
      items[j] = item;
    }
    return items;
  }

  /** A uniformly random order of 0 … length − 1. */
  permutation(length: number): Uint32Array {
    return this.shuffle(Uint32Array.from({ length }, (_, i) => i));
  }
}

/** SplitMix32 (Steele, Lea and Flood's SplitMix with the lowbias32 finaliser), over both halves of the seed. */
function stateFromSeed(seed: number): Uint32Array {
  assert(Number.isSafeInteger(seed) && seed >= 0, () => `a seed is a safe integer ≥ 0, got ${seed}`);
  let counter = (seed ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85eb_ca6b)) >>> 0;
  const words = new Uint32Array(4);
  for (let i = 0; i < 4; i++) {
    counter = (counter + 0x9e37_79b9) >>> 0;
    let word = counter;
    word = Math.imul(word ^ (word >>> 16), 0x7feb_352d);
    word = Math.imul(word ^ (word >>> 15), 0x846c_a68b);
    words[i] = (word ^ (word >>> 16)) >>> 0;
  }
  return words;
}
