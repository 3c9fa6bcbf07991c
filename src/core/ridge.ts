/**
 * Stage 1 (armorm.md T1): one ridge regression per objective on frozen features, no intercept, rows with a missing label left
 * out, α chosen by the mean squared error on held-out rows.
 *
 * All in f64. Objectives labelled on the same rows share one Gram matrix and one Cholesky factor per α; where there are fewer
 * rows than features the dual problem is solved instead: the same weights, from a smaller matrix.
 */
import { assert } from '@/base/assert.ts';
import { SeededRandom } from '@/base/random.ts';
import { DataError } from './errors.ts';
import { choleskyInPlace, choleskySolve, gramOfRows, kernelOfRows } from './linear-algebra.ts';

/** α values of the authors' script (RLHFlow/RLHF-Reward-Modeling `armo-rm/stage-1_train.py` at 4cc5448). */
export const ridgeAlphas: readonly number[] = [1e-4, 1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3, 1e4];

export interface RidgeProblem {
  /** X `[n, d]`, row-major. */
  readonly features: Float32Array | Float64Array;
  readonly featureSize: number;
  /** Y `[n, k]`, row-major; NaN = missing. */
  readonly labels: Float32Array | Float64Array;
  readonly objectives: number;
  /** `[n]`: 1 where the row is held out to choose α, 0 where it is fitted. See `validationRows`. */
  readonly validation: Uint8Array;
  /** Default `ridgeAlphas`. Each > 0. */
  readonly alphas?: readonly number[];
  /** Called after each α of each set of objectives labelled on the same rows; throw from it to stop. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface RidgePathPoint {
  readonly alpha: number;
  /** Mean squared error on the objective's held-out rows. */
  readonly validationMse: number;
  /** w `[d]` at this α. */
  readonly weights: Float64Array;
}

export interface RidgeProbe {
  /** The α of least validation error, the smaller on a tie. */
  readonly alpha: number;
  /** w `[d]`, fitted on the training rows alone, as the authors do. */
  readonly weights: Float64Array;
  readonly validationMse: number;
  readonly trainRows: number;
  readonly validationRows: number;
  /** One point per α, in the given order. */
  readonly path: readonly RidgePathPoint[];
}

/** Marks a random `fraction` of `rows` (rounded to the nearest row) as held out. The same seed gives the same rows. */
export function validationRows(rows: number, seed: number, fraction = 0.2): Uint8Array {
  assert(fraction >= 0 && fraction <= 1, () => `fraction must be in 0 … 1, got ${fraction}`);
  const mask = new Uint8Array(rows);
  for (const row of new SeededRandom(seed).permutation(rows).subarray(0, Math.round(rows * fraction))) mask[row] = 1;
  return mask;
}

/**
 * Fits every objective: w = argmin ‖y − X w‖² + α ‖w‖² over its labelled training rows, for each α.
 * @returns one probe per objective, in order.
 * @throws DataError naming the row of a feature that is not finite, the row of an infinite label, or an objective with no
 * labelled training or held-out row; AssertionError on a wrong shape.
 */
export function ridgeProbes(problem: RidgeProblem): RidgeProbe[] {
  const { features, featureSize: d, labels, objectives: k, validation, alphas = ridgeAlphas } = problem;
  const n = validation.length;
  assert(features.length === n * d, () => `features have ${features.length} entries, not ${n} × ${d}`);
  assert(labels.length === n * k, () => `labels have ${labels.length} entries, not ${n} × ${k}`);
  assert(alphas.length > 0 && alphas.every((alpha) => alpha > 0), 'every alpha must be positive');
  assertFinite(features, d);

  const groups = groupByRows(labels, n, k, validation);
  const probes: RidgeProbe[] = [];
  let done = 0;
  for (const { train, held, objectives } of groups) {
    const solver = makeSolver(features, d, train);
    const targets = objectives.map((j) => Float64Array.from(train, (row) => labels[row * k + j]!));
    const rightHandSides = targets.map((y) => solver.rightHandSide(y));
    const paths: RidgePathPoint[][] = objectives.map(() => []);
    for (const alpha of alphas) {
      const solve = solver.factor(alpha);
      for (const [index, j] of objectives.entries()) {
        const weights = solve(rightHandSides[index]!);
        const validationMse = meanSquaredError(features, d, labels, k, j, held, weights);
        paths[index]!.push({ alpha, validationMse, weights });
      }
      problem.onProgress?.(++done, groups.length * alphas.length);
    }
    for (const [index, j] of objectives.entries()) {
      const path = paths[index]!;
      const best = path.reduce((a, b) =>
        b.validationMse < a.validationMse || (b.validationMse === a.validationMse && b.alpha < a.alpha) ? b : a,
      );
      probes[j] = { ...best, trainRows: train.length, validationRows: held.length, path };
    }
  }
  return probes;
}

interface RowGroup {
  readonly train: Uint32Array;
  readonly held: Uint32Array;
  readonly objectives: number[];
}

/** Objectives labelled on exactly the same rows, together. */
function groupByRows(labels: Float32Array | Float64Array, n: number, k: number, validation: Uint8Array): RowGroup[] {
  const groups: RowGroup[] = [];
  for (let j = 0; j < k; j++) {
    const train: number[] = [];
    const held: number[] = [];
    for (let row = 0; row < n; row++) {
      const label = labels[row * k + j]!;
      if (Number.isNaN(label)) continue;
      if (!Number.isFinite(label)) throw new DataError(`labels, row ${row}, objective ${j}`, `is ${label}`);
      (validation[row] === 1 ? held : train).push(row);
    }
    if (train.length === 0) throw new DataError(`labels, objective ${j}`, 'no training row has a label');
    if (held.length === 0) throw new DataError(`labels, objective ${j}`, 'no held-out row has a label to choose α by');
    const same = groups.find((group) => sameRows(group.train, train) && sameRows(group.held, held));
    if (same === undefined)
      groups.push({ train: Uint32Array.from(train), held: Uint32Array.from(held), objectives: [j] });
    else same.objectives.push(j);
  }
  return groups;
}

function sameRows(a: Uint32Array, b: readonly number[]): boolean {
  return a.length === b.length && a.every((row, i) => row === b[i]);
}

interface Solver {
  /** What does not depend on α, from targets `[train rows]`. */
  rightHandSide(targets: Float64Array): Float64Array;
  /** Factors once; the result maps a right-hand side to weights `[d]`. */
  factor(alpha: number): (rightHandSide: Float64Array) => Float64Array;
}

function makeSolver(features: Float32Array | Float64Array, d: number, train: Uint32Array): Solver {
  const n = train.length;
  const dual = n < d;
  const size = dual ? n : d;
  const gram = dual ? kernelOfRows(features, d, train) : gramOfRows(features, d, train);
  /** Xᵀ t `[d]`. */
  const combineRows = (t: Float64Array): Float64Array => {
    const sum = new Float64Array(d);
    for (let r = 0; r < n; r++) {
      const base = train[r]! * d;
      const factor = t[r]!;
      for (let i = 0; i < d; i++) sum[i] = sum[i]! + factor * features[base + i]!;
    }
    return sum;
  };
  return {
    rightHandSide: (targets) => (dual ? targets : combineRows(targets)),
    factor(alpha) {
      const matrix = Float64Array.from(gram);
      for (let i = 0; i < size; i++) matrix[i * size + i] = matrix[i * size + i]! + alpha;
      if (!choleskyInPlace(matrix, size))
        throw new DataError('features', `are too large or too alike for α = ${alpha}: XᵀX + α has no factor in f64`);
      return (rightHandSide) => {
        const solution = choleskySolve(matrix, size, rightHandSide);
        return dual ? combineRows(solution) : solution;
      };
    },
  };
}

function meanSquaredError(
  features: Float32Array | Float64Array,
  d: number,
  labels: Float32Array | Float64Array,
  k: number,
  objective: number,
  rows: Uint32Array,
  weights: Float64Array,
): number {
  let total = 0;
  for (const row of rows) {
    let prediction = 0;
    for (let i = 0; i < d; i++) prediction += features[row * d + i]! * weights[i]!;
    total += (labels[row * k + objective]! - prediction) ** 2;
  }
  return total / rows.length;
}

function assertFinite(features: Float32Array | Float64Array, d: number): void {
  for (let i = 0; i < features.length; i++)
    if (!Number.isFinite(features[i]))
      throw new DataError(
        `features, row ${Math.floor(i / d)}, column ${i % d}`,
        `is ${features[i]}, not a finite number`,
      );
}
