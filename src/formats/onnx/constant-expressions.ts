/**
 * Values that are computed from f16 tensors of a file: widened, multiplied, added, turned. Every step is exact or rounded once to f32, as ONNX
 * Runtime's own folding is.
 */
import { f16ToF32, f16Values } from '@/base/half.ts';
import type { ByteSource } from '../byte-source.ts';

const F16_BYTES = 2;

/** Bytes of a file. */
export interface FileRange {
  readonly source: ByteSource;
  readonly offset: number;
  readonly length: number;
}

/** How values come about. A matrix is [rows, columns], row-major. */
export type Expression =
  | { readonly kind: 'widened'; readonly source: ByteSource; readonly offset: number }
  | { readonly kind: 'product'; readonly of: Expression; readonly factor: number }
  | { readonly kind: 'sum'; readonly of: Expression; readonly and: Expression }
  | { readonly kind: 'transposed'; readonly of: Expression; readonly rows: number; readonly columns: number };

/** What has to be read for values `[first, first + count)`, in the order in which `load` takes it. */
export function rangesOf(expression: Expression, first: number, count: number): FileRange[] {
  switch (expression.kind) {
    case 'widened': {
      const { source, offset } = expression;
      return [{ source, offset: offset + F16_BYTES * first, length: F16_BYTES * count }];
    }
    case 'product':
      return rangesOf(expression.of, first, count);
    case 'sum':
      return [...rangesOf(expression.of, first, count), ...rangesOf(expression.and, first, count)];
    default:
      return rangesOf(expression.of, 0, expression.rows * expression.columns);
  }
}

/** An expression whose file bytes of a range are in memory; places count from the start of the range. */
type Loaded =
  | { readonly kind: 'halves'; readonly bits: Uint16Array }
  | { readonly kind: 'values'; readonly values: Float32Array }
  | { readonly kind: 'product'; readonly of: Loaded; readonly factor: number }
  | { readonly kind: 'sum'; readonly of: Loaded; readonly and: Loaded };

/** Values computed in one go: what every step of an expression reads and writes stays in the nearest cache. */
const goValues = 4096;

/** Rows of a matrix turned in one go: they fill whole cache lines of the result. */
const turnedRows = 32;

/** f32 values from `first` on in row-major order, as many as `target` takes. @param files as `rangesOf` says. */
export function evaluate(
  expression: Expression,
  first: number,
  files: Iterator<Uint8Array<ArrayBuffer>>,
  target: Float32Array<ArrayBuffer>,
): void {
  if (expression.kind === 'transposed') {
    const { of, rows, columns } = expression;
    const size = rows * columns;
    const turned = target.length === size ? target : new Float32Array(size);
    transpose(load(of, 0, size, files), rows, columns, turned);
    if (turned !== target) target.set(turned.subarray(first, first + target.length));
  } else {
    fillAll(load(expression, first, target.length, files), target);
  }
}

function load(expression: Expression, first: number, count: number, files: Iterator<Uint8Array<ArrayBuffer>>): Loaded {
  switch (expression.kind) {
    case 'widened': {
      const { value: bytes, done } = files.next();
      if (done === true) throw new Error('fewer ranges were read than there are expressions');
      const { buffer, byteOffset } = bytes.byteOffset % F16_BYTES === 0 ? bytes : bytes.slice();
      return { kind: 'halves', bits: new Uint16Array(buffer, byteOffset, count) };
    }
    case 'product':
      return { kind: 'product', of: load(expression.of, first, count, files), factor: expression.factor };
    case 'sum': {
      const of = load(expression.of, first, count, files);
      return { kind: 'sum', of, and: load(expression.and, first, count, files) };
    }
    default: {
      const values = new Float32Array(count);
      evaluate(expression, first, files, values);
      return { kind: 'values', values };
    }
  }
}

function fillAll(loaded: Loaded, target: Float32Array<ArrayBuffer>, first = 0): void {
  for (let at = 0; at < target.length; at += goValues) fill(loaded, first + at, target.subarray(at, at + goValues));
}

/** Values from `first` on, as many as `target` takes. */
function fill(loaded: Loaded, first: number, target: Float32Array<ArrayBuffer>): void {
  switch (loaded.kind) {
    case 'halves':
      f16ToF32(loaded.bits.subarray(first, first + target.length), target);
      return;
    case 'values':
      target.set(loaded.values.subarray(first, first + target.length));
      return;
    case 'product': {
      const { of, factor } = loaded;
      if (of.kind === 'halves') {
        const { bits } = of;
        const widened = f16Values();
        for (let i = 0; i < target.length; i++) target[i] = widened[bits[first + i]!]! * factor;
        return;
      }
      fill(of, first, target);
      for (let i = 0; i < target.length; i++) target[i] = target[i]! * factor;
      return;
    }
    default: {
      // The sum of two f32 in f64, rounded once by being stored, is the f32 sum.
      const { of, and } = loaded;
      fill(of, first, target);
      if (and.kind === 'halves') {
        const { bits } = and;
        const widened = f16Values();
        for (let i = 0; i < target.length; i++) target[i] = target[i]! + widened[bits[first + i]!]!;
        return;
      }
      const others = new Float32Array(target.length);
      fill(and, first, others);
      for (let i = 0; i < target.length; i++) target[i] = target[i]! + others[i]!;
    }
  }
}

/** `[rows, columns]` as `[columns, rows]`. */
function transpose(loaded: Loaded, rows: number, columns: number, turned: Float32Array<ArrayBuffer>): void {
  const values = new Float32Array(turnedRows * columns);
  for (let top = 0; top < rows; top += turnedRows) {
    const part = values.subarray(0, Math.min(turnedRows, rows - top) * columns);
    fillAll(loaded, part, top * columns);
    for (let column = 0; column < columns; column++) {
      let to = column * rows + top;
      for (let from = column; from < part.length; from += columns) turned[to++] = part[from]!;
    }
  }
}
