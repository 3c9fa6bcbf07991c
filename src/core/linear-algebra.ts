/**
 * The dense f64 algebra ridge regression needs: Gram matrices and Cholesky factors of symmetric positive definite matrices.
 */
import { assert } from '@/base/assert.ts';
import { addRowProducts } from './row-products.ts';

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
    const rowsOfPanel = { values: panel, stride: count, start: 0, end: size };
    addRowProducts(gram, size, rowsOfPanel, rowsOfPanel, count, 1, true);
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
  const all = { values: gathered, stride: size, start: 0, end: count };
  addRowProducts(kernel, count, all, all, size, 1, true);
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
    const below = { values: matrix, stride: n, start, end: n };
    addRowProducts(matrix, n, below, { ...below, end }, start, -1, true);
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
        if (!(pivot > 0 && pivot < Infinity)) return false;
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
