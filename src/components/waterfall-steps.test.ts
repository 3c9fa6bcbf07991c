import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldSteps, OTHERS_KEY, placeSteps } from './waterfall-steps.ts';

const steps = fc
  .array(fc.double({ min: -10, max: 10, noNaN: true }), { maxLength: 30 })
  .map((values) => values.map((value, index) => ({ key: `k${index}`, label: `l${index}`, value })));

describe('foldSteps', () => {
  it('keeps the sum, shows the largest, and says how many it put together', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 30 }), (all, shown) => {
        const folded = foldSteps(all, shown);
        const sum = (values: readonly { value: number }[]) => values.reduce((total, step) => total + step.value, 0);
        expect(sum(folded)).toBeCloseTo(sum(all), 10);
        const own = folded.filter((step) => step.key !== OTHERS_KEY);
        const smallest = Math.min(...own.map((step) => Math.abs(step.value)));
        const hidden = all.filter((step) => !own.some((other) => other.key === step.key));
        for (const step of hidden) expect(Math.abs(step.value)).toBeLessThanOrEqual(smallest);
        expect(folded.flatMap((step) => (step.key === OTHERS_KEY ? [step.label] : []))).toEqual(
          hidden.length === 0 ? [] : [`${hidden.length} others together`],
        );
        expect(hidden.length).not.toBe(1);
      }),
    );
  });
});

describe('placeSteps', () => {
  it('goes from total to total', () => {
    fc.assert(
      fc.property(steps, fc.double({ min: -10, max: 10, noNaN: true }), (all, start) => {
        let before = start;
        for (const step of placeSteps(start, all)) {
          expect(step.from).toBe(before);
          expect(step.to).toBe(before + step.value);
          before = step.to;
        }
      }),
    );
  });
});
