import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { DataError } from './errors.ts';
import { choleskyInPlace, choleskySolve, gramOfRows } from './linear-algebra.ts';
import { ridgeAlphas, ridgeProbes, validationRows } from './ridge.ts';

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
const golden = {
  features: Float64Array.from(fixture.X.flat()),
  featureSize: 24,
  labels: Float64Array.from(fixture.Y.flat(), (label) => label ?? Number.NaN),
  objectives: 4,
  validation: Uint8Array.from(fixture.X, (_, row) => (row % 5 === 0 ? 1 : 0)),
};

test('scikit-learn’s golden: weights and errors along the whole path, missing labels, the dual', () => {
  expect(ridgeAlphas).toEqual(fixture.alphas);
  const probes = ridgeProbes(golden);
  expect(probes).toHaveLength(4);
  for (const [j, probe] of probes.entries()) {
    const expected = fixture.objectives[j]!;
    expect(probe.trainRows).toBe(expected.train_rows);
    expect(probe.validationRows).toBe(expected.validation_rows);
    expect(probe.alpha).toBe(expected.best_alpha);
    expect(probe.path.map((point) => point.alpha)).toEqual(fixture.alphas);
    for (const [a, point] of probe.path.entries()) {
      const { weights, validation_mse: validationMse } = expected.path[a]!;
      expect(Math.abs(point.validationMse - validationMse)).toBeLessThan(fixture.tolerance);
      expect(Math.max(...weights.map((w, i) => Math.abs(w - point.weights[i]!)))).toBeLessThan(fixture.tolerance);
    }
    expect(probe.weights).toBe(probe.path.find((point) => point.alpha === probe.alpha)?.weights);
  }
  expect(probes[3]!.trainRows).toBeLessThan(golden.featureSize); // the dual was among them
});

const regression = fc
  .record({
    n: fc.integer({ min: 3, max: 40 }),
    d: fc.integer({ min: 1, max: 20 }),
    k: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(),
  })
  .map(({ n, d, k, seed }) => {
    const random = new SeededRandom(seed);
    const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
    const labels = normals(n * k).map((label) => (random.uniform() < 0.2 ? Number.NaN : label));
    const validation = Uint8Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 1 : 0));
    for (let j = 0; j < 2 * k; j++) labels[j] = j; // rows 0 and 1 always have labels: one held out, one fitted
    return { features: normals(n * d), featureSize: d, labels, objectives: k, validation };
  });

describe('invariants', () => {
  test('weights satisfy the normal equations, in primal and dual', () => {
    fc.assert(
      fc.property(regression, fc.constantFrom(1e-3, 1, 100), (problem, alpha) => {
        const { features, featureSize: d, labels, objectives: k, validation } = problem;
        for (const [j, { weights }] of ridgeProbes({ ...problem, alphas: [alpha] }).entries()) {
          // The gradient of ‖y − X w‖² + α ‖w‖², halved, which is zero at the minimum.
          const gradient = weights.map((w) => alpha * w);
          for (const [row, held] of validation.entries()) {
            if (held === 1 || Number.isNaN(labels[row * k + j])) continue;
            const x = features.subarray(row * d, (row + 1) * d);
            const residual = x.reduce((sum, value, i) => sum + value * weights[i]!, -labels[row * k + j]!);
            for (let i = 0; i < d; i++) gradient[i]! += residual * x[i]!;
          }
          expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-9);
        }
      }),
    );
  });

  test('objectives with the same rows share work without changing the answer', () => {
    fc.assert(
      fc.property(regression, (problem) => {
        const together = ridgeProbes(problem);
        for (let j = 0; j < problem.objectives; j++) {
          const labels = problem.labels.filter((_, i) => i % problem.objectives === j);
          expect(ridgeProbes({ ...problem, labels, objectives: 1 })[0]).toEqual(together[j]);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('a larger α never gives longer weights', () => {
    fc.assert(
      fc.property(regression, (problem) => {
        for (const { path } of ridgeProbes(problem)) {
          const lengths = path.map(({ weights }) => Math.hypot(...weights));
          for (let a = 1; a < lengths.length; a++) expect(lengths[a]).toBeLessThanOrEqual(lengths[a - 1]! * (1 + 1e-9));
        }
      }),
      { numRuns: 30 },
    );
  });
});

test('Cholesky over several blocks solves what it factored', () => {
  const random = new SeededRandom(8);
  const n = 201;
  const rows = Uint32Array.from({ length: 600 }, (_, i) => i);
  const matrix = gramOfRows(
    Float64Array.from({ length: 600 * n }, () => random.normal()),
    n,
    rows,
  );
  const solution = Float64Array.from({ length: n }, () => random.normal());
  const at = (i: number, j: number) => matrix[Math.max(i, j) * n + Math.min(i, j)]!;
  const rightHandSide = solution.map((_, i) => solution.reduce((sum, x, j) => sum + at(i, j) * x, 0));
  const factor = Float64Array.from(matrix);
  expect(choleskyInPlace(factor, n)).toBe(true);
  const solved = choleskySolve(factor, n, rightHandSide);
  expect(Math.max(...solved.map((x, i) => Math.abs(x - solution[i]!)))).toBeLessThan(1e-11);
  expect(choleskyInPlace(Float64Array.of(1, 0, 2, 1), 2)).toBe(false);
});

test('a split holds out its share, the same for the same seed', () => {
  const mask = validationRows(1003, 42);
  expect(mask.reduce((sum, held) => sum + held, 0)).toBe(201);
  expect(validationRows(1003, 42)).toEqual(mask);
  expect(validationRows(1003, 43)).not.toEqual(mask);
  expect([...validationRows(3, 1, 0)]).toEqual([0, 0, 0]);
});

test('data that cannot be fitted is refused by row and objective', () => {
  const spoil = (key: 'features' | 'labels', index: number, value: number) => {
    const copy = Float64Array.from(golden[key]);
    copy[index] = value;
    return { ...golden, [key]: copy };
  };
  expect(() => ridgeProbes(spoil('features', 24 * 7 + 3, Number.NaN))).toThrow('features, row 7, column 3: is NaN');
  expect(() => ridgeProbes(spoil('labels', 4 * 9 + 2, Infinity))).toThrow('labels, row 9, objective 2: is Infinity');
  const unlabelled = golden.labels.map((label, i) => (i % 4 === 1 ? Number.NaN : label));
  expect(() => ridgeProbes({ ...golden, labels: unlabelled })).toThrow('objective 1: no training row');
  expect(() => ridgeProbes({ ...golden, validation: new Uint8Array(160) })).toThrow(DataError);
  expect(() => ridgeProbes({ ...golden, featureSize: 23 })).toThrow(/3840 entries, not 160 × 23/);
  const huge = golden.features.map((value) => value * 1e200);
  expect(() => ridgeProbes({ ...golden, features: huge })).toThrow(
    /features: are too large or too alike for α = 0.0001/,
  );
  expect(() => ridgeProbes({ ...golden, alphas: [0] })).toThrow(/positive/);
});

test('progress counts to its total, and throwing from it stops', () => {
  const seen: number[] = [];
  ridgeProbes({ ...golden, onProgress: (done, total) => seen.push(done / total) });
  expect(seen).toHaveLength(36);
  expect(seen.at(-1)).toBe(1);
  const stop = () => {
    throw new Error('stopped');
  };
  expect(() => ridgeProbes({ ...golden, onProgress: stop })).toThrow('stopped');
});
