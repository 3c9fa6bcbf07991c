import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { f16ToF32, f32ToF16 } from '@/base/half.ts';
import { SeededRandom } from '@/base/random.ts';
import { dequantiseAffine4, fitsHalfPrecision, quantiseAffine4, quantiseSymmetric8 } from './block-quantisation.ts';

/** A number that f16 holds exactly. */
const half = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true }).map((value) => f16ToF32(f32ToF16(Float32Array.of(value)))[0]! + 0);

const gridBlock = fc
  .record({
    scale: half(1e-4, 0.5),
    minimum: half(-4, 4),
    quants: fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 30, maxLength: 30 }),
  })
  .map(({ scale, minimum, quants }) => ({ scale, minimum, quants: [0, 15, ...quants] }));

describe('4 bits', () => {
  test('weights that were Q4_1 come back exactly: q, d and m', () => {
    fc.assert(
      fc.property(fc.array(gridBlock, { minLength: 1, maxLength: 4 }), (blocks) => {
        const values = Float32Array.from(
          blocks.flatMap(({ scale, minimum, quants }) => quants.map((q) => scale * q + minimum)),
        );
        const result = quantiseAffine4(values, 32);
        // A minimum large beside the scale leaves the f32 values themselves too coarse to tell d exactly.
        fc.pre(blocks.every(({ scale, minimum }) => Math.abs(minimum) < 1000 * scale));
        expect([...result.minima]).toEqual([...f32ToF16(Float32Array.from(blocks, ({ minimum }) => minimum))]);
        expect([...result.scales]).toEqual([...f32ToF16(Float32Array.from(blocks, ({ scale }) => scale))]);
        expect(result.largestError).toBe(0);
        expect([...dequantiseAffine4(result, 32)]).toEqual([...values]);
      }),
    );
  });

  test('Gaussian weights lose less than with each block’s extremes, and the reported error is the true one', () => {
    const random = new SeededRandom(5);
    const values = Float32Array.from({ length: 32 * 500 }, () => random.normal() * 0.02);
    const result = quantiseAffine4(values, 32);
    const restored = dequantiseAffine4(result, 32);
    let squared = 0;
    let norm = 0;
    let extremes = 0;
    for (let block = 0; block < 500; block++) {
      const part = values.subarray(block * 32, block * 32 + 32);
      const [low, high] = [Math.min(...part), Math.max(...part)];
      const d = (high - low) / 15;
      for (const [i, value] of part.entries()) {
        squared += (value - restored[block * 32 + i]!) ** 2;
        norm += value ** 2;
        extremes += (value - (low + d * Math.round((value - low) / d))) ** 2;
      }
    }
    expect(result.squaredError).toBeCloseTo(squared, 8);
    expect(result.squaredNorm).toBeCloseTo(norm, 8);
    expect(Math.sqrt(extremes / norm)).toBeGreaterThan(0.076);
    expect(Math.sqrt(squared / norm)).toBeLessThan(0.075);
  });

  test('a constant block is exact up to f16', () => {
    const result = quantiseAffine4(new Float32Array(32).fill(0.375), 32);
    expect(result.squaredError).toBe(0);
    expect(quantiseAffine4(new Float32Array(32), 32).largestError).toBe(0);
  });

  test('a length that does not fill blocks is refused', () => {
    expect(() => quantiseAffine4(new Float32Array(33), 32)).toThrow(RangeError);
  });
});

describe('8 bits', () => {
  test('weights that were Q8_0 come back exactly', () => {
    fc.assert(
      fc.property(
        half(1e-4, 0.5),
        fc.array(fc.integer({ min: -127, max: 127 }), { minLength: 31, maxLength: 31 }),
        fc.constantFrom(-127, 127),
        (scale, quants, extreme) => {
          const all = [extreme, ...quants];
          const result = quantiseSymmetric8(
            Float32Array.from(all, (q) => scale * q),
            32,
          );
          expect([...result.quants]).toEqual(all.map((q) => q + 0));
          expect(result.largestError).toBe(0);
        },
      ),
    );
  });

  test('the error is at most half a step', () => {
    const random = new SeededRandom(6);
    const values = Float32Array.from({ length: 3200 }, () => random.normal());
    const { largestError, scales } = quantiseSymmetric8(values, 32);
    expect(largestError).toBeLessThanOrEqual(Math.max(...f16ToF32(scales)) * 0.51);
    expect(largestError).toBeGreaterThan(0);
  });
});

test('values that f16 parameters cannot hold are noticed', () => {
  expect(fitsHalfPrecision(Float32Array.of(1, -30_000))).toBe(true);
  expect(fitsHalfPrecision(Float32Array.of(1, -70_000))).toBe(false);
  expect(fitsHalfPrecision(Float32Array.of(1, NaN))).toBe(false);
});
