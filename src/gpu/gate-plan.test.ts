import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { gateLayout } from '@/core/gate-network.ts';
import { planGate, planPages } from './gate-plan.ts';

test('slices cover the batch and do not overlap; layers lie behind one another', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 2, maxLength: 6 }),
      fc.integer({ min: 1, max: 5000 }),
      (widths, batch) => {
        const layout = gateLayout(widths);
        const { layers, betaGradient, gradientLength, dispatches } = planGate(layout, batch);
        let offset = 0;
        for (const { slot, slices, rowsPerSlice, sliceStride, gradient } of layers) {
          expect(gradient).toBe(offset);
          expect(sliceStride).toBe((slot.inputSize + 1) * slot.outputSize);
          expect(rowsPerSlice % 16).toBe(0);
          expect(slices * rowsPerSlice).toBeGreaterThanOrEqual(batch);
          expect((slices - 1) * rowsPerSlice).toBeLessThan(batch);
          offset += slices * sliceStride;
        }
        expect([betaGradient, gradientLength]).toEqual([offset, offset + 1]);
        expect(dispatches).toBe(3 * layers.length + 3);
      },
    ),
  );
});

test('the paper’s shapes: 15 kernels a step, the wide layers uncut', () => {
  const plan = planGate(gateLayout([4096, 1024, 1024, 1024, 19]), 1024);
  expect(plan.dispatches).toBe(15);
  expect(plan.layers.map(({ slices }) => slices)).toEqual([1, 1, 1, 8]);
});

test('pages hold every row within the limit, and end on whole words', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 500 }).map((d) => 2 * d),
      fc.integer({ min: 1, max: 2_000_000 }),
      (rows, rowBytes, limit) => {
        const plan = planPages(rows, rowBytes, limit);
        const fits = Math.floor(limit / rowBytes / 2) * 2 * 4 >= rows;
        expect(plan !== undefined).toBe(fits);
        if (plan === undefined) return;
        expect(plan.rowsPerPage * plan.pages).toBeGreaterThanOrEqual(rows);
        expect((plan.pages - 1) * plan.rowsPerPage).toBeLessThan(rows);
        expect(plan.rowsPerPage % 2).toBe(0);
        expect((plan.rowsPerPage * rowBytes) % 4).toBe(0);
      },
    ),
  );
});
