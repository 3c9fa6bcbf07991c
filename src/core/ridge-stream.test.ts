import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { ridgeProbes } from './ridge.ts';
import { streamedRidge, type StreamedRidgeProblem } from './ridge-stream.ts';

interface RidgeFixture {
  tolerance: number;
  X: number[][];
  Y: (number | null)[][];
  alphas: number[];
  objectives: {
    train_rows: number;
    validation_rows: number;
    path: { alpha: number; validation_mse: number; weights: number[] }[];
    best_alpha: number;
  }[];
}
const fixture: RidgeFixture = JSON.parse(readFileSync(new URL('./fixtures/ridge.json', import.meta.url), 'utf8'));

const stream = (values: Float32Array | Float64Array, d: number) => ({
  rows: values.length / d,
  featureSize: d,
  read: async (first: number, count: number) => values.subarray(first * d, (first + count) * d),
});

const golden: StreamedRidgeProblem = {
  features: stream(Float64Array.from(fixture.X.flat()), 24),
  labels: Float64Array.from(fixture.Y.flat(), (label) => label ?? Number.NaN),
  objectives: 4,
  validation: Uint8Array.from(fixture.X, (_, row) => (row % 5 === 0 ? 1 : 0)),
};

test.each([2 ** 30, 1])('scikit-learn’s golden along the whole path, with %s bytes of memory', async (memoryBytes) => {
  const passes = new Set<number>();
  const probes = await streamedRidge({ ...golden, memoryBytes, onRead: ({ pass }) => passes.add(pass) });
  for (const [j, probe] of probes.entries()) {
    const expected = fixture.objectives[j]!;
    expect(probe).toMatchObject({
      trainRows: expected.train_rows,
      validationRows: expected.validation_rows,
      alpha: expected.best_alpha,
    });
    for (const [a, point] of probe!.path.entries()) {
      const { alpha, weights, validation_mse: mse } = expected.path[a]!;
      expect(point.alpha).toBe(alpha);
      expect(Math.abs(point.validationMse - mse)).toBeLessThan(fixture.tolerance);
      expect(Math.max(...weights.map((w, i) => Math.abs(w - point.weights[i]!)))).toBeLessThan(fixture.tolerance);
    }
  }
  // One pass for all sets, or one a set; and one for the held-out rows.
  expect(passes.size).toBe(memoryBytes > 1 ? 2 : 5);
});

test('over several chunks it is the fit in memory', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ n: fc.integer({ min: 500, max: 1200 }), d: fc.integer({ min: 1, max: 7 }), seed: fc.nat() }),
      async ({ n, d, seed }) => {
        const random = new SeededRandom(seed);
        const features = Float32Array.from({ length: n * d }, () => random.normal());
        const labels = Float32Array.from({ length: n * 3 }, () => random.normal());
        for (let row = 0; row < n; row++) if (row % 3 === 0) labels[row * 3 + 1] = Number.NaN;
        const validation = Uint8Array.from({ length: n }, () => (random.uniform() < 0.3 ? 1 : 0));
        const alphas = [0.1, 30];
        const problem = { labels, objectives: 3, validation, alphas };
        const whole = ridgeProbes({ ...problem, features, featureSize: d });
        const streamed = await streamedRidge({ ...problem, features: stream(features, d) });
        for (const [j, probe] of streamed.entries()) {
          expect(probe).toMatchObject({ alpha: whole[j]!.alpha, trainRows: whole[j]!.trainRows });
          expect(Math.abs(probe!.validationMse - whole[j]!.validationMse)).toBeLessThan(1e-10);
          for (const [i, weight] of probe!.weights.entries())
            expect(Math.abs(weight - whole[j]!.weights[i]!)).toBeLessThan(1e-10);
        }
      },
    ),
    { numRuns: 8 },
  );
});

describe('labels', () => {
  const rows = 12;
  const features = stream(
    Float32Array.from({ length: rows * 2 }, (_, i) => Math.sin(i)),
    2,
  );
  const validation = Uint8Array.from({ length: rows }, (_, i) => i % 2);
  const labels = Float32Array.from({ length: rows * 2 }, (_, i) => (i % 2 === 1 ? Number.NaN : i));

  test('an objective that no row labels has no probe, the others are not disturbed', async () => {
    const [first, second] = await streamedRidge({ features, labels, objectives: 2, validation });
    const alone = labels.filter((_, i) => i % 2 === 0);
    expect(second).toBeUndefined();
    expect(first).toEqual((await streamedRidge({ features, labels: alone, objectives: 1, validation }))[0]);
    const none = new Float32Array(rows).fill(Number.NaN);
    expect(await streamedRidge({ features, labels: none, objectives: 1, validation })).toEqual([undefined]);
  });

  test.each([
    [0, 'no held-out row'],
    [1, 'no training row'],
  ])('labels on one side of the split alone are refused (%s)', async (side, words) => {
    const oneSided = Float32Array.from({ length: rows }, (_, i) => (validation[i] === side ? 1 : Number.NaN));
    const fit = streamedRidge({ features, labels: oneSided, objectives: 1, validation });
    await expect(fit).rejects.toThrow(words);
  });

  test('numbers that are not finite are named', async () => {
    const infinite = Float32Array.from(labels);
    infinite[6] = Infinity;
    const bad = streamedRidge({ features, labels: infinite, objectives: 2, validation });
    await expect(bad).rejects.toThrow('labels, row 3, objective 0: is Infinity');
    const spoiled = stream(
      Float32Array.from({ length: rows * 2 }, (_, i) => (i === 9 ? Number.NaN : 1)),
      2,
    );
    const fit = streamedRidge({ features: spoiled, labels, objectives: 2, validation });
    await expect(fit).rejects.toThrow('features, row 4, column 1: is NaN, not a finite number');
  });

  test('can be aborted', async () => {
    const controller = new AbortController();
    const onRead = () => controller.abort();
    const fit = streamedRidge({ features, labels, objectives: 2, validation, onRead, signal: controller.signal });
    await expect(fit).rejects.toThrow(/abort/i);
  });
});
