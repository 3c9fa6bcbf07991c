import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { addRowProducts, transposeInto } from './row-products.ts';

const shape = fc.record({
  rows: fc.integer({ min: 1, max: 11 }),
  columns: fc.integer({ min: 1, max: 11 }),
  length: fc.constantFrom(0, 1, 3, 17, 512, 515, 1030), // a pass is 512 entries
  padding: fc.integer({ min: 0, max: 2 }),
  start: fc.integer({ min: 0, max: 3 }),
  sign: fc.constantFrom(1 as const, -1 as const),
  seed: fc.nat(),
});

test('tiled products are the plain sums, for shapes that divide nothing', () => {
  fc.assert(
    fc.property(shape, ({ rows, columns, length, padding, start, sign, seed }) => {
      const random = new SeededRandom(seed);
      const stride = length + padding;
      const normals = (count: number) => Float64Array.from({ length: count }, () => random.normal());
      const left = normals((start + rows) * stride);
      const right = normals((start + columns) * stride);
      const targetStride = start + columns + padding;
      const target = normals((start + rows) * targetStride);
      const expected = Float64Array.from(target);
      for (let i = start; i < start + rows; i++)
        for (let j = start; j < start + columns; j++)
          for (let t = 0; t < length; t++)
            expected[i * targetStride + j]! += sign * left[i * stride + t]! * right[j * stride + t]!;
      const leftRows = { values: left, stride, start, end: start + rows };
      const rightRows = { values: right, stride, start, end: start + columns };
      addRowProducts(target, targetStride, leftRows, rightRows, length, sign);
      expect(Math.max(...target.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-10);
    }),
    { numRuns: 200 },
  );
});

test('lower only: the lower triangle is whole, what is far above the diagonal untouched', () => {
  const size = 13;
  const values = Float64Array.from({ length: size * 5 }, (_, i) => Math.sin(i));
  const all = { values, stride: 5, start: 0, end: size };
  const full = new Float64Array(size * size);
  const lower = new Float64Array(size * size);
  addRowProducts(full, size, all, all, 5);
  addRowProducts(lower, size, all, all, 5, 1, true);
  const known = (i: number, j: number) => j <= i || j >= i + 4;
  const expected = full.map((value, at) => (at % size <= Math.floor(at / size) ? value : 0));
  const errors = lower.map((value, at) =>
    known(Math.floor(at / size), at % size) ? Math.abs(value - expected[at]!) : 0,
  );
  expect(Math.max(...errors)).toBeLessThan(1e-13);
});

test('the transpose moves every entry', () => {
  const source = Float64Array.from({ length: 33 * 18 }, (_, i) => i);
  const target = new Float64Array(33 * 18);
  transposeInto(target, source, 33, 18);
  const expected = Float64Array.from(target, (_, i) => (i % 33) * 18 + Math.floor(i / 33));
  expect(target).toEqual(expected);
});
