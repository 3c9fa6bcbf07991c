import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TrainingEvaluation, TrainingStep } from '@/jobs/api/training.ts';
import { aligned, readableRange, thinned, TrainingCurves } from './training-curves.ts';

const step = (n: number): TrainingStep => ({
  step: n,
  loss: 1 / n,
  accuracy: 0.5 + n / 1000,
  gateEntropy: 2,
  beta: 100 + n,
  learningRate: 1e-3,
});
const evaluation = (n: number) => ({ step: n, loss: 2 / n, accuracy: 0.6, gateEntropy: 1.5 }) as TrainingEvaluation;

describe('curves of a run', () => {
  test('grow by any number of steps, are kept and read back', () => {
    const curves = new TrainingCurves();
    curves.appendSteps([1, 2, 3].map(step));
    curves.appendSteps(Array.from({ length: 500 }, (_, i) => step(4 + i)));
    curves.appendEvaluation(evaluation(100));
    expect([curves.stepCount, curves.evaluationCount]).toEqual([503, 1]);
    const { x, y } = curves.ofSteps('beta');
    expect([x[0], x[502], y[0], y[502]]).toEqual([1, 503, 101, 603]);
    const again = new TrainingCurves(structuredClone(curves.stored()));
    expect(again.ofSteps('loss')).toEqual(curves.ofSteps('loss'));
    expect(again.ofEvaluations('gateEntropy')).toEqual({ x: Float64Array.of(100), y: Float64Array.of(1.5) });
    // What is read back grows on without touching what was stored.
    again.appendSteps([step(504)]);
    expect([again.stepCount, curves.stepCount]).toEqual([504, 503]);
  });

  test('what a checkpoint does not hold is forgotten', () => {
    const curves = new TrainingCurves();
    curves.appendSteps([1, 2, 3, 4, 5].map(step));
    for (const n of [2, 4]) curves.appendEvaluation(evaluation(n));
    curves.forgetAfter(3);
    expect([...curves.ofSteps('loss').x]).toEqual([1, 2, 3]);
    expect([...curves.ofEvaluations('loss').x]).toEqual([2]);
    curves.forgetAfter(0);
    expect([curves.stepCount, curves.evaluationCount]).toEqual([0, 0]);
  });
});

describe('thinning', () => {
  test('a short curve stays itself', () => {
    const curve = { x: Float64Array.of(1, 2, 3), y: Float64Array.of(3, 1, 2) };
    expect(thinned(curve, 4)).toEqual(curve);
  });

  test('keeps first, last, lowest and highest point, in order, and never more points than asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 4, max: 60 }),
        (values, most) => {
          const curve = { x: Float64Array.from(values, (_, i) => i + 1), y: Float64Array.from(values) };
          const drawn = thinned(curve, most);
          expect(drawn.x.length).toBeLessThanOrEqual(Math.max(most, Math.min(values.length, most)));
          expect(drawn.x[0]).toBe(1);
          expect(drawn.x.at(-1)).toBe(values.length);
          for (let i = 1; i < drawn.x.length; i++) expect(drawn.x[i]!).toBeGreaterThan(drawn.x[i - 1]!);
          expect(Math.min(...drawn.y)).toBe(Math.min(...values));
          expect(Math.max(...drawn.y)).toBe(Math.max(...values));
          for (const [i, x] of drawn.x.entries()) expect(drawn.y[i]).toBe(values[x - 1]);
        },
      ),
    );
  });
});

test('curves over one axis: a point where there is one, nothing where there is none', () => {
  const { x, ys } = aligned([
    { x: Float64Array.of(1, 2, 4), y: Float64Array.of(10, 20, 40) },
    { x: Float64Array.of(2, 3), y: Float64Array.of(5, 6) },
  ]);
  expect(x).toEqual([1, 2, 3, 4]);
  expect(ys).toEqual([
    [10, 20, undefined, 40],
    [undefined, 5, 6, undefined],
  ]);
});

describe('the ends of a scale', () => {
  test('hold all numbers, and lie so far apart that a tick is a number of its own', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 });
    fc.assert(
      fc.property(number, number, (a, b) => {
        const [least, most] = [Math.min(a, b), Math.max(a, b)];
        const [low, high] = readableRange(least, most);
        expect(low).toBeLessThanOrEqual(least);
        expect(high).toBeGreaterThanOrEqual(most);
        expect(high - low).toBeGreaterThanOrEqual(5e-4 * Math.max(Math.abs(least), Math.abs(most)));
        expect(high).toBeGreaterThan(low);
      }),
    );
  });

  test('show what hardly changes as flat', () => {
    // The first steps of a long cosine: ticks between these two would never end.
    const [low, high] = readableRange(0.001 - 2e-19, 0.001);
    expect(high - low).toBeCloseTo(5.5e-7, 12);
    expect(readableRange(0, 0)).toEqual([-1, 1]);
    expect(readableRange(NaN, NaN)).toEqual([0, 1]);
    // An accuracy of nothing is not shown below nothing.
    expect(readableRange(0, 0.5)[0]).toBe(0);
  });
});
