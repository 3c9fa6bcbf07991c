import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { deadObjectives, gateHealth } from './gate-health.ts';

const codes = (weights: number[], k: number, dead: number[] = []) =>
  gateHealth(Float64Array.from(weights), k, dead).warnings.map(({ code }) => code);

test('an even gate on every prompt: entropy ln k, constant, dead mass 1/k', () => {
  const health = gateHealth(new Float64Array(4 * 5).fill(0.2), 5, [4]);
  expect(health.meanEntropy).toBeCloseTo(Math.log(5), 14);
  expect(health.entropyOfMean).toBeCloseTo(Math.log(5), 14);
  expect(health.variation).toBeCloseTo(0, 15);
  expect(health.deadMass).toBeCloseTo(0.2, 15);
  expect(health.warnings.map(({ code }) => code)).toEqual(['constant', 'dead-mass']);
});

test('weights that move from one objective to the other: the most variation two objectives allow', () => {
  const health = gateHealth(Float64Array.of(1, 0, 0, 1), 2, []);
  expect(health).toMatchObject({ meanGate: [0.5, 0.5], meanEntropy: 0, variation: 0.5, deadMass: 0, warnings: [] });
  expect(health.entropyOfMean).toBeCloseTo(Math.log(2), 15);
});

test('each warning is given at its limit and not below it', () => {
  // One objective: two prompts that differ enough not to be constant.
  expect(codes([0.96, 0.04, 0.94, 0.06], 2)).toEqual(['collapsed']);
  expect(codes([0.95, 0.05, 0.93, 0.07], 2)).toEqual([]);
  expect(codes([0.5005, 0.4995, 0.4995, 0.5005], 2)).toEqual(['constant']);
  expect(codes([0.502, 0.498, 0.498, 0.502], 2)).toEqual([]);
  expect(codes([0.8, 0.12, 0.08, 0.7, 0.2, 0.1], 3, [2])).toEqual([]);
  expect(codes([0.8, 0.08, 0.12, 0.7, 0.2, 0.1], 3, [2])).toEqual(['dead-mass']);
  expect(codes([Number.NaN, 1], 2)).toEqual(['not-finite']);
  expect(codes([1, 1, 1], 1)).toEqual([]);
});

test('messages name the objectives as they are called', () => {
  const { warnings } = gateHealth(Float64Array.of(0.01, 0.99), 2, [1], (j) => ['help', 'verbosity'][j]!);
  expect(warnings[0]?.message).toContain('99.0 % of its weight is on verbosity');
  expect(warnings[1]?.message).toContain('on verbosity, whose adjusted reward is always zero');
});

test('the scale of the gate does not matter, nor the order of the prompts', () => {
  const row = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 6 }),
      fc.double({ min: 0.1, max: 9, noNaN: true }),
      (rows, s) => {
        const one = gateHealth(Float64Array.from(rows.flat()), 3, [1]);
        const scaled = gateHealth(
          Float64Array.from(rows.toReversed().flat(), (value) => value * s),
          3,
          [1],
        );
        for (const key of ['meanEntropy', 'entropyOfMean', 'variation', 'deadMass'] as const)
          expect(scaled[key]).toBeCloseTo(one[key], 10);
        expect(one.entropyOfMean).toBeGreaterThanOrEqual(one.meanEntropy - 1e-12);
        expect(one.variation).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test('dead objectives are the zero columns of the transform', () => {
  expect(deadObjectives(Float64Array.of(1, 0, 0, -0.3, 0, -0.2, 0, 0, 1), 3)).toEqual([1]);
  expect(deadObjectives(Float64Array.of(1, 0, 0, 1), 2)).toEqual([]);
});
