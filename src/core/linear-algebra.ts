/**
 * The dense f64 algebra ridge regression needs: Gram matrices and Cholesky factors of symmetric positive definite matrices.
 *
 * Everything is built on one kernel that adds dot products of contiguous rows in tiles of 4 × 2, so that eight running sums stay
 * in registers and each loaded row is used several times.
 */
import { assert } from '@/base/assert.ts';

/** Columns of the factor updated together; their rows stay in cache while the rest streams past. */
const blockColumns = 64;
/** Rows of the input gathered into one panel of the Gram matrix. */
const panelRows = 256;

/**
 * G = Σ_r x_r x_rᵀ over the given rows of `matrix` `[n, size]` (row-major, f32 or f64).
 * @returns new f64 `[size, size]`; only the lower triangle (column ≤ row) is filled.
 */
export function gramOfRows(matrix: Float32Array | Float64Array, size: number, rows: Uint32Array): Float64Array {
  const gram = new Float64Array(size * size);
  const panel = new Float64Array(size * panelRows);
  for (let start = 0; start < rows.length; start += panelRows) {
    const count = Math.min(panelRows, rows.length - start);
    for (let r = 0; r < count; r++) {
      const base = rows[start + r]! * size;
      for (let i = 0; i < size; i++) panel[i * count + r] = matrix[base + i]!;
    }
    addDots(gram, size, panel, count, 0, size, 0, size, count, 1);
  }
  return gram;
}

/**
 * K = X Xᵀ of the given rows of `matrix` `[n, size]` (row-major, f32 or f64).
 * @returns new f64 `[rows, rows]`; only the lower triangle is filled.
 */
export function kernelOfRows(matrix: Float32Array | Float64Array, size: number, rows: Uint32Array): Float64Array {
  const count = rows.length;
  const gathered = new Float64Array(count * size);
  for (let r = 0; r < count; r++) gathered.set(matrix.subarray(rows[r]! * size, (rows[r]! + 1) * size), r * size);
  const kernel = new Float64Array(count * count);
  addDots(kernel, count, gathered, size, 0, count, 0, count, size, 1);
  return kernel;
}

/**
 * Cholesky factor L of A = L Lᵀ, in place: `matrix` `[n, n]` (row-major, lower triangle read) becomes L in its lower triangle,
 * the upper is left as it is. Left-looking, in blocks of columns.
 * @returns false, with `matrix` half done, where A is not positive definite in f64.
 */
export function choleskyInPlace(matrix: Float64Array, n: number): boolean {
  assert(matrix.length === n * n, () => `matrix has ${matrix.length} entries, not ${n} × ${n}`);
  for (let start = 0; start < n; start += blockColumns) {
    const end = Math.min(start + blockColumns, n);
    addDots(matrix, n, matrix, n, start, n, start, end, start, -1);
    for (let i = start; i < n; i++) {
      const rowI = i * n;
      for (let j = start; j < Math.min(i, end); j++) {
        const rowJ = j * n;
        let sum = matrix[rowI + j]!;
        for (let t = start; t < j; t++) sum -= matrix[rowI + t]! * matrix[rowJ + t]!;
        matrix[rowI + j] = sum / matrix[rowJ + j]!;
      }
      if (i < end) {
        let pivot = matrix[rowI + i]!;
        for (let t = start; t < i; t++) pivot -= matrix[rowI + t]! * matrix[rowI + t]!;
        if (!(pivot > 0)) return false;
        matrix[rowI + i] = Math.sqrt(pivot);
      }
    }
  }
  return true;
}

/** Solves L Lᵀ x = b for one right-hand side `[n]`, given `factor` from `choleskyInPlace`. @returns new f64 `[n]`. */
export function choleskySolve(factor: Float64Array, n: number, rightHandSide: Float64Array): Float64Array {
  const x = Float64Array.from(rightHandSide);
  for (let i = 0; i < n; i++) {
    let sum = x[i]!;
    for (let t = 0; t < i; t++) sum -= factor[i * n + t]! * x[t]!;
    x[i] = sum / factor[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    const value = x[i]! / factor[i * n + i]!;
    x[i] = value;
    for (let t = 0; t < i; t++) x[t] = x[t]! - factor[i * n + t]! * value;
  }
  return x;
}

/**
 * C[i, j] += sign · a_i · a_j for rows i in [iStart, iEnd) and j in [jStart, min(jEnd, i + 1)), where a_i are the first `length`
 * entries of the rows of A (row stride `strideA`). C may be A, where the entries read are not among those written. Entries of C
 * just above the diagonal may be written too.
 */
function addDots(
  c: Float64Array,
  strideC: number,
  a: Float64Array,
  strideA: number,
  iStart: number,
  iEnd: number,
  jStart: number,
  jEnd: number,
  length: number,
  sign: 1 | -1,
): void {
  if (length === 0) return;
  let i = iStart;
  for (; i + 4 <= iEnd; i += 4) {
    const i0 = i * strideA;
    const i1 = i0 + strideA;
    const i2 = i1 + strideA;
    const i3 = i2 + strideA;
    const last = Math.min(jEnd, i + 4);
    let j = jStart;
    for (; j + 2 <= last; j += 2) {
      const j0 = j * strideA;
      const j1 = j0 + strideA;
      let s00 = 0;
      let s01 = 0;
      let s10 = 0;
      let s11 = 0;
      let s20 = 0;
      let s21 = 0;
      let s30 = 0;
      let s31 = 0;
      for (let t = 0; t < length; t++) {
        const p = a[j0 + t]!;
        const q = a[j1 + t]!;
        const x0 = a[i0 + t]!;
        const x1 = a[i1 + t]!;
        const x2 = a[i2 + t]!;
        const x3 = a[i3 + t]!;
        s00 += x0 * p;
        s01 += x0 * q;
        s10 += x1 * p;
        s11 += x1 * q;
        s20 += x2 * p;
        s21 += x2 * q;
        s30 += x3 * p;
        s31 += x3 * q;
      }
      const at = i * strideC + j;
      c[at] = c[at]! + sign * s00;
      c[at + 1] = c[at + 1]! + sign * s01;
      c[at + strideC] = c[at + strideC]! + sign * s10;
      c[at + strideC + 1] = c[at + strideC + 1]! + sign * s11;
      c[at + 2 * strideC] = c[at + 2 * strideC]! + sign * s20;
      c[at + 2 * strideC + 1] = c[at + 2 * strideC + 1]! + sign * s21;
      c[at + 3 * strideC] = c[at + 3 * strideC]! + sign * s30;
      c[at + 3 * strideC + 1] = c[at + 3 * strideC + 1]! + sign * s31;
    }
    for (; j < last; j++) for (let row = i; row < i + 4; row++) addDot(c, strideC, a, strideA, row, j, length, sign);
  }
  for (; i < iEnd; i++)
    for (let j = jStart; j < Math.min(jEnd, i + 1); j++) addDot(c, strideC, a, strideA, i, j, length, sign);
}

function addDot(
  c: Float64Array,
  strideC: number,
  a: Float64Array,
  strideA: number,
  i: number,
  j: number,
  length: number,
  sign: 1 | -1,
): void {
  let sum = 0;
  for (let t = 0; t < length; t++) sum += a[i * strideA + t]! * a[j * strideA + t]!;
  c[i * strideC + j] = c[i * strideC + j]! + sign * sum;
}
