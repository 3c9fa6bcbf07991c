/**
 * The one matrix kernel of the CPU path: sums of products of contiguous rows, in f64.
 *
 * A dot product of two rows reads memory in order, so every product here (A Bᵀ, and A B or Aᵀ B after a cheap transpose) is
 * brought to this form. Tiles of 4 × 4 keep sixteen running sums going, so that each loaded number is used four times: measured
 * 1.6 · 10⁹ multiply-adds a second in V8, four times a plain triple loop. f64 is faster here than f32, which V8 converts at each load.
 */

/** f64 on the exact path, f32 on the fast one. */
export type FloatArray = Float64Array | Float32Array;

/** Rows [start, end) of a row-major matrix whose rows are `stride` apart. */
export interface RowRange<F extends FloatArray = Float64Array> {
  readonly values: F;
  readonly stride: number;
  readonly start: number;
  readonly end: number;
}

/** Where a network's numbers live and what multiplies them. */
export interface RowKernel<F extends FloatArray> {
  /** Zeros. */
  allocate(length: number): F;
  /** target[i, j] += Σ_t left[i, t] · right[j, t], as `addRowProducts`. */
  addRowProducts(target: F, targetStride: number, left: RowRange<F>, right: RowRange<F>, length: number): void;
}

/** f64 in this thread: the reference. */
export const exactKernel: RowKernel<Float64Array> = {
  allocate: (length) => new Float64Array(length),
  addRowProducts: (target, targetStride, left, right, length) =>
    addRowProducts(target, targetStride, left, right, length),
};

/** Entries of a row handled in one pass, so that a tile's eight rows stay in the first-level cache. */
const passLength = 512;

/**
 * target[i, j] += sign · Σ_t left[i, t] · right[j, t] over t < `length`, for every row i of `left` and j of `right`, where
 * `target` is row-major with rows `targetStride` apart, indexed by the same i and j.
 * With `lowerOnly` only j ≤ i is asked for (entries just above the diagonal may be written too).
 * `target` may share memory with an input if the entries read are not among those written.
 */
export function addRowProducts(
  target: Float64Array,
  targetStride: number,
  left: RowRange,
  right: RowRange,
  length: number,
  sign: 1 | -1 = 1,
  lowerOnly = false,
): void {
  for (let from = 0; from < length; from += passLength)
    addPass(target, targetStride, left, right, from, Math.min(length, from + passLength), sign, lowerOnly);
}

function addPass(
  c: Float64Array,
  strideC: number,
  left: RowRange,
  right: RowRange,
  from: number,
  to: number,
  sign: 1 | -1,
  lowerOnly: boolean,
): void {
  const a = left.values;
  const b = right.values;
  const strideA = left.stride;
  const strideB = right.stride;
  let i = left.start;
  for (; i + 4 <= left.end; i += 4) {
    const i0 = i * strideA;
    const i1 = i0 + strideA;
    const i2 = i1 + strideA;
    const i3 = i2 + strideA;
    const end = lowerOnly ? Math.min(right.end, i + 4) : right.end;
    let j = right.start;
    for (; j + 4 <= end; j += 4) {
      const j0 = j * strideB;
      const j1 = j0 + strideB;
      const j2 = j1 + strideB;
      const j3 = j2 + strideB;
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      let s20 = 0;
      let s21 = 0;
      let s22 = 0;
      let s23 = 0;
      let s30 = 0;
      let s31 = 0;
      let s32 = 0;
      let s33 = 0;
      for (let t = from; t < to; t++) {
        const b0 = b[j0 + t]!;
        const b1 = b[j1 + t]!;
        const b2 = b[j2 + t]!;
        const b3 = b[j3 + t]!;
        let x = a[i0 + t]!;
        s00 += x * b0;
        s01 += x * b1;
        s02 += x * b2;
        s03 += x * b3;
        x = a[i1 + t]!;
        s10 += x * b0;
        s11 += x * b1;
        s12 += x * b2;
        s13 += x * b3;
        x = a[i2 + t]!;
        s20 += x * b0;
        s21 += x * b1;
        s22 += x * b2;
        s23 += x * b3;
        x = a[i3 + t]!;
        s30 += x * b0;
        s31 += x * b1;
        s32 += x * b2;
        s33 += x * b3;
      }
      const at = i * strideC + j;
      addFour(c, at, sign * s00, sign * s01, sign * s02, sign * s03);
      addFour(c, at + strideC, sign * s10, sign * s11, sign * s12, sign * s13);
      addFour(c, at + 2 * strideC, sign * s20, sign * s21, sign * s22, sign * s23);
      addFour(c, at + 3 * strideC, sign * s30, sign * s31, sign * s32, sign * s33);
    }
    for (; j < end; j++) {
      const j0 = j * strideB;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let t = from; t < to; t++) {
        const y = b[j0 + t]!;
        s0 += a[i0 + t]! * y;
        s1 += a[i1 + t]! * y;
        s2 += a[i2 + t]! * y;
        s3 += a[i3 + t]! * y;
      }
      const at = i * strideC + j;
      c[at]! += sign * s0;
      c[at + strideC]! += sign * s1;
      c[at + 2 * strideC]! += sign * s2;
      c[at + 3 * strideC]! += sign * s3;
    }
  }
  for (; i < left.end; i++) {
    const end = lowerOnly ? Math.min(right.end, i + 1) : right.end;
    for (let j = right.start; j < end; j++) {
      let sum = 0;
      for (let t = from; t < to; t++) sum += a[i * strideA + t]! * b[j * strideB + t]!;
      c[i * strideC + j]! += sign * sum;
    }
  }
}

function addFour(c: Float64Array, at: number, s0: number, s1: number, s2: number, s3: number): void {
  c[at]! += s0;
  c[at + 1]! += s1;
  c[at + 2]! += s2;
  c[at + 3]! += s3;
}

/** Writes the transpose of `source` `[rows, columns]` into `target` `[columns, rows]`, in tiles that fit the cache. */
export function transposeInto(target: FloatArray, source: FloatArray, rows: number, columns: number): void {
  const tile = 16;
  for (let rowStart = 0; rowStart < rows; rowStart += tile)
    for (let columnStart = 0; columnStart < columns; columnStart += tile) {
      const rowEnd = Math.min(rows, rowStart + tile);
      const columnEnd = Math.min(columns, columnStart + tile);
      for (let row = rowStart; row < rowEnd; row++)
        for (let column = columnStart; column < columnEnd; column++)
          target[column * rows + row] = source[row * columns + column]!;
    }
}
