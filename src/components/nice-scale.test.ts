import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { niceScale, position } from './nice-scale.ts';

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });

describe('niceScale', () => {
  it.each([true, false])('holds every value with a few round ticks (zero: %s)', (zero) => {
    fc.assert(
      fc.property(values, fc.integer({ min: 2, max: 8 }), (all, steps) => {
        const { low, high, ticks } = niceScale(all, steps, zero);
        const slack = 1e-8 * (high - low);
        expect(low - slack).toBeLessThanOrEqual(Math.min(...all));
        expect(high + slack).toBeGreaterThanOrEqual(Math.max(...all));
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(steps + 4);
        expect([...ticks].sort((a, b) => a - b)).toEqual(ticks);
        expect(!zero || ticks.some((tick) => tick === 0)).toBe(true);
      }),
    );
  });
  it('is round', () => {
    expect(niceScale([-0.13, 0.82]).ticks).toEqual([-0.25, 0, 0.25, 0.5, 0.75, 1]);
    expect(niceScale([101, 119], 4, false).ticks).toEqual([100, 105, 110, 115, 120]);
  });
  it('survives one value, nothing but zeros, and nothing finite', () => {
    expect(niceScale([0, 0])).toMatchObject({ low: 0 });
    expect(niceScale([-3, -3]).high).toBe(0);
    const single = niceScale([7], 4, false);
    expect(single.low).toBeLessThan(7);
    expect(single.high).toBeGreaterThan(7);
    expect(niceScale([Number.NaN], 4, false)).toMatchObject({ low: 0, high: 1 });
  });
});

it('position is linear', () => {
  expect(position(5, 0, 10, 100, 300)).toBe(200);
  expect(position(0, -1, 1, 10, 0)).toBe(5);
});
