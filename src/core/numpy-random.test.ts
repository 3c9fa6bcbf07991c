/** Values of NumPy 2.4.6 and scikit-learn 1.9.1. */
import { expect, test } from 'vitest';
import { numpyPermutation, sklearnHeldOut } from './numpy-random.ts';

test.each([
  [1, 0, [0]],
  [2, 1, [0, 1]],
  [10, 42, [8, 1, 5, 0, 7, 2, 9, 4, 3, 6]],
  [
    33,
    0,
    [
      11, 20, 24, 17, 2, 25, 26, 16, 10, 32, 29, 23, 15, 8, 13, 30, 5, 14, 28, 22, 1, 12, 6, 4, 18, 21, 19, 9, 7, 31,
      27, 3, 0,
    ],
  ],
  [
    64,
    4294967295,
    [
      51, 4, 38, 45, 33, 58, 41, 46, 21, 60, 2, 62, 6, 40, 59, 19, 16, 31, 18, 49, 30, 39, 20, 29, 8, 1, 5, 15, 53, 48,
      54, 55, 63, 3, 28, 42, 26, 61, 17, 47, 24, 36, 56, 44, 9, 37, 14, 57, 23, 13, 27, 10, 11, 43, 50, 32, 25, 22, 0,
      52, 7, 12, 34, 35,
    ],
  ],
] as const)('RandomState(seed).permutation(%s), seed %s', (length, seed, expected) => {
  expect([...numpyPermutation(length, seed)]).toEqual([...expected]);
});

test.each([
  [1000, 42, [200, 101565, 67923439]],
  [70001, 42, [14001, 490057880, 7030447739]],
  [5000, 7, [1000, 2550941, 442876227]],
] as const)('train_test_split of %s rows, seed %s: how many, and which', (rows, seed, expected) => {
  const held = [...sklearnHeldOut(rows, 0.2, seed).entries()].filter(([, out]) => out === 1).map(([row]) => row);
  const sum = held.reduce((total, row) => total + row, 0);
  const squares = held.reduce((total, row) => total + Number(BigInt(row) ** 2n % 1_000_003n), 0);
  expect([held.length, sum, squares]).toEqual([...expected]);
});

test('ten rows of the authors’ split', () => {
  expect([...sklearnHeldOut(10)]).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 1, 0]);
});
