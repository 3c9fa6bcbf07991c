import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cosineRate, GateBatches, splitByPrompt } from './gate-batches.ts';

const sorted = (rows: Iterable<number>) => [...rows].sort((a, b) => a - b);

test('epochs go through every pair once, in another order each time', () => {
  const batches = new GateBatches({ pairs: Uint32Array.of(3, 5, 8, 9, 11, 20), batchSize: 4, seed: 1 });
  const epochs = Array.from({ length: 6 }, (_, step) => [...batches.rowsAt(step)]).flat();
  const first = epochs.slice(0, 6);
  const second = epochs.slice(6, 12);
  expect(sorted(first)).toEqual([3, 5, 8, 9, 11, 20]);
  expect(sorted(second)).toEqual([3, 5, 8, 9, 11, 20]);
  expect(first).not.toEqual(second);
});

test('a step’s rows do not depend on what was asked before', () => {
  fc.assert(
    fc.property(fc.nat({ max: 40 }), fc.nat({ max: 40 }), fc.boolean(), (a, b, replacement) => {
      const plan = { pairs: 17, batchSize: 5, seed: 3, replacement };
      const asked = new GateBatches(plan);
      asked.rowsAt(a);
      expect(asked.rowsAt(b)).toEqual(new GateBatches(plan).rowsAt(b));
    }),
  );
});

test('all pairs in file order, every step', () => {
  const batches = new GateBatches({ pairs: Uint32Array.of(4, 2, 9), batchSize: 'all', seed: 1 });
  expect(batches.size).toBe(3);
  expect([...batches.rowsAt(0), ...batches.rowsAt(7)]).toEqual([4, 2, 9, 4, 2, 9]);
});

test('draws with replacement cover the pairs evenly and repeat some', () => {
  const batches = new GateBatches({ pairs: 10, batchSize: 10_000, seed: 2, replacement: true });
  const counts = Array.from({ length: 10 }, () => 0);
  for (const row of batches.rowsAt(3)) counts[row]!++;
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('the cosine starts at the rate, halves in the middle, ends at zero and stays there', () => {
  expect([0, 50, 100, 150].map((step) => cosineRate(2, step, 100))).toEqual([2, expect.closeTo(1, 12), 0, 0]);
});

test('a split keeps a prompt on one side, holds out at least the share, and is the seed’s', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 60 }),
      fc.double({ min: 0, max: 0.95, noNaN: true }),
      fc.nat(),
      (prompts, share, seed) => {
        const numbers = Uint32Array.from(prompts);
        const { train, heldOut } = splitByPrompt(numbers, share, seed);
        expect(sorted([...train, ...heldOut])).toEqual(prompts.map((_, i) => i));
        expect(train.length).toBeGreaterThan(0);
        const sides = new Set([...train].map((i) => numbers[i]!));
        for (const i of heldOut) expect(sides.has(numbers[i]!)).toBe(false);
        expect(sides.size === 1 || heldOut.length >= share * prompts.length).toBe(true);
        expect(splitByPrompt(numbers, share, seed)).toEqual({ train, heldOut });
      },
    ),
  );
  expect(splitByPrompt(Uint32Array.of(1, 2, 3), 0, 0).heldOut).toHaveLength(0);
});
