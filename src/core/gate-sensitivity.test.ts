import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryCase, arbitrarySteering } from './fixtures/arbitrary-steering.ts';
import { gateSensitivity, scoreChange } from './gate-sensitivity.ts';
import { scoreDirection } from './score-direction.ts';
import { applySteering } from './steering.ts';

const arbitraryPoint = arbitraryCase
  .chain((one) => fc.tuple(fc.constant(one), arbitrarySteering(one.head)))
  .map(([one, steering]) => {
    const scoreAt = (j: number, nudge: number) => {
      const gateLogits = one.gateLogits.map((logit, i) => (i === j ? logit + nudge : logit));
      return applySteering(one.head, { rewards: one.rewards, gateLogits }, steering).score;
    };
    const point = {
      gateWeights: applySteering(one.head, one, steering).gateWeights,
      direction: scoreDirection(one.head, steering, one.rewards),
      temperature: steering.temperature ?? one.head.gate.temperature,
      logitScale: one.head.gate.logitScale,
    };
    return { k: one.head.objectives, scoreAt, point };
  });

test('the sensitivity is the slope of the score, by central differences; all of them sum to 0', () => {
  fc.assert(
    fc.property(arbitraryPoint, ({ k, scoreAt, point }) => {
      const sensitivity = gateSensitivity(point);
      const h = 1e-4 * point.temperature;
      for (let j = 0; j < k; j++) {
        const slope = (scoreAt(j, h) - scoreAt(j, -h)) / (2 * h);
        // Rounding of the score over 2 h, and the third derivative, which is below the size of v over τ³.
        const size =
          point.direction.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1) / point.temperature;
        expect(Math.abs(sensitivity[j]! - slope)).toBeLessThan(1e-7 * size);
      }
      expect(Math.abs(sensitivity.reduce((a, b) => a + b, 0))).toBeLessThan(1e-10 / point.temperature);
    }),
  );
});

test('a nudge changes the score by exactly what was predicted', () => {
  fc.assert(
    fc.property(
      arbitraryPoint,
      fc.nat(7),
      fc.double({ min: -30, max: 30, noNaN: true }),
      ({ k, scoreAt, point }, index, nudge) => {
        const j = index % k;
        expect(Math.abs(scoreChange(point, j, nudge) - (scoreAt(j, nudge) - scoreAt(j, 0)))).toBeLessThan(1e-10);
      },
    ),
  );
});

test('edges: a muted objective, a nudge beyond exp, a gate of scale 0', () => {
  const point = {
    gateWeights: Float64Array.of(0.5, 0.5, 0),
    direction: Float64Array.of(1, -1, 9),
    temperature: 1,
    logitScale: 1,
  };
  expect([...gateSensitivity(point)]).toEqual([0.5, -0.5, 0]);
  expect(scoreChange(point, 2, 5)).toBe(0);
  expect(scoreChange(point, 0, 1e5)).toBe(1);
  expect(scoreChange(point, 0, -1e5)).toBe(-1);
  expect([...gateSensitivity({ ...point, gateWeights: new Float64Array(3), logitScale: 0 })]).toEqual([0, 0, 0]);
  expect(() => gateSensitivity({ ...point, temperature: 0 })).toThrow(/temperature/);
  expect(() => gateSensitivity({ ...point, direction: new Float64Array(2) })).toThrow(/3 weights, 2 directions/);
});
