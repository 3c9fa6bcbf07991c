/**
 * Stage 1 over features that do not fit in memory (armorm.md T1): the same fits as ridge.ts, from rows that arrive in chunks.
 *
 * Normal equations: one Gram matrix XᵀX and one Xᵀy an objective are summed while the rows stream by, for all objectives labelled
 * on the same rows at once. A second pass over the held-out rows measures every α. Where a set has fewer training rows than
 * features the dual problem is solved instead, from its rows, which then are few enough to keep. All in f64; memory is a few d × d
 * matrices, whatever the number of rows.
 */
import { assert } from '@/base/assert.ts';
import { DataError } from './errors.ts';
import { choleskyInPlace, choleskySolve } from './linear-algebra.ts';
import { ridgeAlphas } from './ridge.ts';
import { addRowProducts } from './row-products.ts';

/** Rows that can be read again and again. */
export interface RowStream {
  readonly rows: number;
  /** d. */
  readonly featureSize: number;
  /** [count, d]. */
  read(firstRow: number, count: number): Promise<Float32Array | Float64Array>;
}

export interface StreamedRidgeProblem {
  readonly features: RowStream;
  /** Y `[n, k]`, row-major; NaN = missing. */
  readonly labels: Float32Array | Float64Array;
  readonly objectives: number;
  /** `[n]`: 1 where the row is held out to choose α. */
  readonly validation: Uint8Array;
  /** Default `ridgeAlphas`. Each > 0. */
  readonly alphas?: readonly number[];
  /** Bytes for matrices; default 1 GiB. Sets that do not fit at once are summed in further passes over the rows. */
  readonly memoryBytes?: number;
  readonly onRead?: (progress: { pass: number; passes: number; doneRows: number; totalRows: number }) => void;
  readonly onSolve?: (done: number, total: number) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

export interface StreamedProbe {
  readonly alpha: number;
  /** w `[d]` at that α, fitted on the training rows alone. */
  readonly weights: Float64Array;
  readonly validationMse: number;
  readonly trainRows: number;
  readonly validationRows: number;
  /** In the order of the α. */
  readonly path: readonly { readonly alpha: number; readonly validationMse: number; readonly weights: Float64Array }[];
}

/** Rows in one read: their f64 panel stays small beside the matrices. */
const chunkRows = 512;

/** Objectives labelled on exactly the same rows. */
interface LabelSet {
  readonly objectives: readonly number[];
  readonly trainRows: number;
  readonly validationRows: number;
}

/** Sums of one set: XᵀX and Xᵀy, or in the dual the rows themselves. */
interface SetSums {
  readonly set: LabelSet;
  readonly dual: boolean;
  /** `[d, d]`, lower triangle; or X `[train rows, d]`. */
  readonly matrix: Float64Array;
  /** Xᵀy `[d]` of each objective; or y `[train rows]`. */
  readonly sides: readonly Float64Array[];
  filled: number;
}

/**
 * Fits every objective. @returns one probe an objective, in order; `undefined` where no row has its label.
 * @throws DataError naming the row of a number that is not finite, or the objective whose labelled rows are all on one side of the
 * split; AssertionError on a wrong shape; what `signal` was aborted with.
 */
export async function streamedRidge(problem: StreamedRidgeProblem): Promise<(StreamedProbe | undefined)[]> {
  const { features, labels, objectives: k, validation, alphas = ridgeAlphas } = problem;
  const { rows: n, featureSize: d } = features;
  assert(validation.length === n, () => `validation has ${validation.length} entries for ${n} rows`);
  assert(labels.length === n * k, () => `labels have ${labels.length} entries, not ${n} × ${k}`);
  assert(alphas.length > 0 && alphas.every((alpha) => alpha > 0), 'every alpha must be positive');
  const sets = labelSets(labels, n, k, validation);
  const bytesOf = (set: LabelSet) => 8 * d * Math.min(d, set.trainRows);
  const plan = groupWithin(sets, bytesOf, problem.memoryBytes ?? 2 ** 30);
  const passes = plan.length + (sets.length > 0 ? 1 : 0);
  const weights: Float64Array[][] = Array.from({ length: k }, () => []);
  let solved = 0;
  for (const [pass, group] of plan.entries()) {
    const sums = group.map((set): SetSums => {
      const dual = set.trainRows < d;
      return {
        set,
        dual,
        matrix: new Float64Array(d * (dual ? set.trainRows : d)),
        sides: set.objectives.map(() => new Float64Array(dual ? set.trainRows : d)),
        filled: 0,
      };
    });
    await eachChunk(problem, pass, passes, (chunk, first, count) => {
      for (const sum of sums) addChunk(sum, problem, chunk, first, count);
    });
    for (const sum of sums) {
      const solve = makeSolver(sum, d);
      for (const alpha of alphas) {
        const found = solve(alpha);
        for (const [index, j] of sum.set.objectives.entries()) weights[j]!.push(found[index]!);
        await problem.onSolve?.(++solved, sets.length * alphas.length);
        problem.signal?.throwIfAborted();
      }
    }
  }
  if (sets.length === 0) return Array.from({ length: k }, () => undefined);
  const errors = await validationErrors(problem, weights, alphas.length, passes);
  return weights.map((path, j) => {
    const set = sets.find(({ objectives }) => objectives.includes(j));
    if (set === undefined) return undefined;
    const points = path.map((w, a) => ({
      alpha: alphas[a]!,
      validationMse: errors[j]![a]! / set.validationRows,
      weights: w,
    }));
    const best = points.reduce((a, b) =>
      b.validationMse < a.validationMse || (b.validationMse === a.validationMse && b.alpha < a.alpha) ? b : a,
    );
    const { trainRows, validationRows } = set;
    return { ...best, trainRows, validationRows, path: points };
  });
}

/** Sets of objectives by their labelled rows, without those that no row labels. */
function labelSets(labels: Float32Array | Float64Array, n: number, k: number, validation: Uint8Array): LabelSet[] {
  const found: (LabelSet & { readonly objectives: number[]; readonly first: number })[] = [];
  for (let j = 0; j < k; j++) {
    let trainRows = 0;
    let validationRows = 0;
    for (let row = 0; row < n; row++) {
      const label = labels[row * k + j]!;
      if (Number.isNaN(label)) continue;
      if (!Number.isFinite(label)) throw new DataError(`labels, row ${row}, objective ${j}`, `is ${label}`);
      if (validation[row] === 1) validationRows++;
      else trainRows++;
    }
    if (trainRows + validationRows === 0) continue;
    if (trainRows === 0) throw new DataError(`labels, objective ${j}`, 'no training row has a label');
    if (validationRows === 0)
      throw new DataError(`labels, objective ${j}`, 'no held-out row has a label to choose α by');
    const same = found.find(
      (set) =>
        set.trainRows === trainRows && set.validationRows === validationRows && sameRows(labels, n, k, set.first, j),
    );
    if (same === undefined) found.push({ objectives: [j], first: j, trainRows, validationRows });
    else same.objectives.push(j);
  }
  return found;
}

function sameRows(labels: Float32Array | Float64Array, n: number, k: number, a: number, b: number): boolean {
  for (let row = 0; row < n; row++)
    if (Number.isNaN(labels[row * k + a]) !== Number.isNaN(labels[row * k + b])) return false;
  return true;
}

/** Neighbours together while they fit; at least one a group. */
function groupWithin<T>(items: readonly T[], bytesOf: (item: T) => number, limit: number): T[][] {
  const groups: T[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    if (bytes + bytesOf(item) > limit) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(item);
    bytes += bytesOf(item);
  }
  return groups;
}

async function eachChunk(
  { features, onRead, signal }: StreamedRidgeProblem,
  pass: number,
  passes: number,
  visit: (chunk: Float32Array | Float64Array, first: number, count: number) => void,
): Promise<void> {
  const { rows: n, featureSize: d } = features;
  for (let first = 0; first < n; first += chunkRows) {
    signal?.throwIfAborted();
    const count = Math.min(chunkRows, n - first);
    const chunk = await features.read(first, count);
    for (let i = 0; i < chunk.length; i++) {
      const value = chunk[i]!;
      if (value - value !== 0)
        throw new DataError(
          `features, row ${first + Math.floor(i / d)}, column ${i % d}`,
          `is ${value}, not a finite number`,
        );
    }
    visit(chunk, first, count);
    onRead?.({ pass, passes, doneRows: first + count, totalRows: n });
  }
}

function addChunk(
  sum: SetSums,
  { features, labels, objectives: k, validation }: StreamedRidgeProblem,
  chunk: Float32Array | Float64Array,
  first: number,
  count: number,
): void {
  const d = features.featureSize;
  const { objectives } = sum.set;
  const key = objectives[0]!;
  const rows: number[] = [];
  for (let r = 0; r < count; r++)
    if (validation[first + r] !== 1 && !Number.isNaN(labels[(first + r) * k + key])) rows.push(r);
  if (rows.length === 0) return;
  if (sum.dual) {
    for (const r of rows) {
      sum.matrix.set(chunk.subarray(r * d, (r + 1) * d), sum.filled * d);
      for (const [index, j] of objectives.entries()) sum.sides[index]![sum.filled] = labels[(first + r) * k + j]!;
      sum.filled++;
    }
    return;
  }
  const width = rows.length;
  const panel = new Float64Array(d * width); // transposed: each feature's values side by side
  for (const [column, r] of rows.entries()) for (let i = 0; i < d; i++) panel[i * width + column] = chunk[r * d + i]!;
  const range = { values: panel, stride: width, start: 0, end: d };
  addRowProducts(sum.matrix, d, range, range, width, 1, true);
  for (const [index, j] of objectives.entries()) {
    const target = Float64Array.from(rows, (r) => labels[(first + r) * k + j]!);
    addRowProducts(sum.sides[index]!, d, { values: target, stride: width, start: 0, end: 1 }, range, width);
  }
}

/** Factors once an α; gives the weights of every objective of the set. */
function makeSolver({ dual, matrix, sides, set }: SetSums, d: number): (alpha: number) => Float64Array[] {
  const size = dual ? set.trainRows : d;
  let gram = matrix;
  if (dual) {
    gram = new Float64Array(size * size);
    const all = { values: matrix, stride: d, start: 0, end: size };
    addRowProducts(gram, size, all, all, d, 1, true);
  }
  return (alpha) => {
    const factor = Float64Array.from(gram);
    for (let i = 0; i < size; i++) factor[i * size + i] = factor[i * size + i]! + alpha;
    if (!choleskyInPlace(factor, size))
      throw new DataError('features', `are too large or too alike for α = ${alpha}: XᵀX + α has no factor in f64`);
    return sides.map((side) => {
      const solution = choleskySolve(factor, size, side);
      if (!dual) return solution;
      const weights = new Float64Array(d);
      for (let r = 0; r < size; r++) {
        const share = solution[r]!;
        for (let i = 0; i < d; i++) weights[i] = weights[i]! + share * matrix[r * d + i]!;
      }
      return weights;
    });
  };
}

/** Sums of squared errors on the held-out rows, by objective and α. */
async function validationErrors(
  problem: StreamedRidgeProblem,
  weights: readonly (readonly Float64Array[])[],
  alphas: number,
  passes: number,
): Promise<Float64Array[]> {
  const { features, labels, objectives: k, validation } = problem;
  const d = features.featureSize;
  const flat = new Float64Array(k * alphas * d);
  for (const [j, path] of weights.entries()) for (const [a, w] of path.entries()) flat.set(w, (j * alphas + a) * d);
  const right = { values: flat, stride: d, start: 0, end: k * alphas };
  const errors = Array.from({ length: k }, () => new Float64Array(alphas));
  await eachChunk(problem, passes - 1, passes, (chunk, first, count) => {
    const rows: number[] = [];
    for (let r = 0; r < count; r++) if (validation[first + r] === 1) rows.push(r);
    if (rows.length === 0) return;
    const panel = new Float64Array(rows.length * d);
    for (const [index, r] of rows.entries()) panel.set(chunk.subarray(r * d, (r + 1) * d), index * d);
    const predictions = new Float64Array(rows.length * k * alphas);
    addRowProducts(predictions, k * alphas, { values: panel, stride: d, start: 0, end: rows.length }, right, d);
    for (const [index, r] of rows.entries())
      for (let j = 0; j < k; j++) {
        const label = labels[(first + r) * k + j]!;
        if (Number.isNaN(label) || weights[j]!.length === 0) continue;
        for (let a = 0; a < alphas; a++) {
          const error = label - predictions[(index * k + j) * alphas + a]!;
          errors[j]![a] = errors[j]![a]! + error * error;
        }
      }
  });
  return errors;
}
