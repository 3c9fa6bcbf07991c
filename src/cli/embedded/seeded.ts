/**
 * Order and chance that depend on nothing but text: the same inputs choose the same examples on every machine and in every
 * order of reading.
 */
import { createHash } from 'node:crypto';
import { defined } from '@/base/assert.ts';
import { SeededRandom } from '@/base/random.ts';

/** SHA-256 in lower-case hexadecimal of the parts, kept apart so that ("ab","c") and ("a","bc") differ. */
export function contentHash(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}

/** A number in [0, 1), uniform over texts: the first 48 bits of `contentHash`. */
export function hashFraction(...parts: readonly string[]): number {
  return Number.parseInt(contentHash(...parts).slice(0, 12), 16) / 2 ** 48;
}

/** Uniform random numbers in [0, 1), seeded by a text. */
export function seededRandom(seed: string): () => number {
  const random = new SeededRandom(Number.parseInt(contentHash(seed).slice(0, 12), 16));
  return () => random.uniform();
}

/** A new array in a random order: sorted by one random number each. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** One of `items`. @throws AssertionError when there is none. */
export function pick<T>(items: readonly T[], random: () => number): T {
  return defined(items[Math.floor(random() * items.length)], 'an item to pick');
}
