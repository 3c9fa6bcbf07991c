import { expect, test } from 'vitest';
import { dropoutKey, dropoutThreshold, hash32, isDropped } from './dropout.ts';

test('lowbias32 gives its published values', () => {
  // Computed in Python with the constants of nullprogram.com/blog/2018/07/31.
  expect([0, 1, 2, 0xffff_ffff].map(hash32)).toEqual([0, 1_753_845_952, 3_507_691_905, 1_734_902_346]);
});

const rate = (key: number, threshold: number, count = 100_000) => {
  let dropped = 0;
  for (let i = 0; i < count; i++) if (isDropped(key, i, threshold)) dropped++;
  return dropped / count;
};

test('the asked share is dropped, for any key', () => {
  for (const share of [0.05, 0.2, 0.5])
    for (const key of [0, 1, dropoutKey(7, 3, 1)])
      // Five standard deviations of 100,000 draws.
      expect(Math.abs(rate(key, dropoutThreshold(share)) - share)).toBeLessThan(5 * Math.sqrt(share / 100_000));
  expect(rate(5, dropoutThreshold(0))).toBe(0);
});

test('masks of two steps, layers or seeds agree no more often than chance', () => {
  const threshold = dropoutThreshold(0.5);
  const keys = [
    dropoutKey(0, 0, 0),
    dropoutKey(0, 1, 0),
    dropoutKey(0, 0, 1),
    dropoutKey(1, 0, 0),
    dropoutKey(2 ** 32, 0, 0),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  for (const [a, first] of keys.entries())
    for (const second of keys.slice(a + 1)) {
      let same = 0;
      for (let i = 0; i < 20_000; i++)
        same += isDropped(first, i, threshold) === isDropped(second, i, threshold) ? 1 : 0;
      expect(Math.abs(same / 20_000 - 0.5)).toBeLessThan(0.02);
    }
});
