/**
 * Rounds rows of weights to blocks of small integers with f16 parameters, and says how much was lost.
 *
 * 4 bits: value = minimum + scale · q, q in 0…15, per block (llama.cpp's Q4_1). Weights that lie on such a grid already,
 * because they were dequantised from one, come back exactly: the extremes of a block are its q = 0 and q = 15.
 * 8 bits: value = scale · q, q in −127…127, scale = largest magnitude / 127 (llama.cpp's Q8_0); the same holds.
 */
import { f16ToF32, f32ToF16 } from '@/base/half.ts';

/** How far the rounded values are from the given ones. */
export interface RoundingError {
  /** Σ (w − w')². */
  readonly squaredError: number;
  /** Σ w². */
  readonly squaredNorm: number;
  /** max |w − w'|. */
  readonly largestError: number;
}

export interface AffineBlocks extends RoundingError {
  /** Two to a byte, the lower half first; [values / 2]. */
  readonly quants: Uint8Array<ArrayBuffer>;
  /** f16 bits, [blocks]. */
  readonly scales: Uint16Array<ArrayBuffer>;
  /** f16 bits, [blocks]: the value of q = 0. */
  readonly minima: Uint16Array<ArrayBuffer>;
}

export interface SymmetricBlocks extends RoundingError {
  /** [values], −127…127. */
  readonly quants: Int8Array<ArrayBuffer>;
  /** f16 bits, [blocks]. */
  readonly scales: Uint16Array<ArrayBuffer>;
}

/** Largest finite f16. */
const LARGEST_F16 = 65504;

/**
 * Whether every block's parameters fit f16; NaN and infinities do not. `values` any length, not changed.
 */
export function fitsHalfPrecision(values: Float32Array): boolean {
  for (const value of values) if (!(Math.abs(value) <= LARGEST_F16 / 2)) return false;
  return true;
}

/**
 * Rounds to 4 bits with a minimum a block.
 * @param values f32 [n · blockSize], finite and within f16's range; not changed.
 * @throws RangeError when the length is no multiple of `blockSize`.
 */
export function quantiseAffine4(values: Float32Array, blockSize: number): AffineBlocks {
  const blocks = countBlocks(values.length, blockSize);
  const ranges = new Float32Array(blocks);
  const lowest = new Float32Array(blocks);
  for (let block = 0, at = 0; block < blocks; block++) {
    let minimum = values[at]!;
    let maximum = minimum;
    for (const end = at + blockSize; at < end; at++) {
      const value = values[at]!;
      if (value < minimum) minimum = value;
      else if (value > maximum) maximum = value;
    }
    lowest[block] = minimum;
    ranges[block] = (maximum - minimum) / 15;
  }
  const scales = halves(ranges);
  const minima = halves(lowest);
  const quants = new Uint8Array(values.length / 2);
  const error = new ErrorSum();
  for (let block = 0, at = 0; block < blocks; block++) {
    // What a reader will compute with: the rounded parameters.
    const scale = scales.values[block]!;
    const minimum = minima.values[block]!;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (const end = at + blockSize; at < end; at += 2) {
      const low = clamp(Math.round((values[at]! - minimum) * inverse), 0, 15);
      const high = clamp(Math.round((values[at + 1]! - minimum) * inverse), 0, 15);
      error.add(values[at]!, Math.fround(minimum + scale * low));
      error.add(values[at + 1]!, Math.fround(minimum + scale * high));
      quants[at >> 1] = low | (high << 4);
    }
  }
  return { quants, scales: scales.bits, minima: minima.bits, ...error.result() };
}

/**
 * Rounds to 8 bits, symmetric.
 * @param values f32 [n · blockSize], finite and within f16's range; not changed.
 * @throws RangeError when the length is no multiple of `blockSize`.
 */
export function quantiseSymmetric8(values: Float32Array, blockSize: number): SymmetricBlocks {
  const blocks = countBlocks(values.length, blockSize);
  const magnitudes = new Float32Array(blocks);
  for (let block = 0, at = 0; block < blocks; block++) {
    let largest = 0;
    for (const end = at + blockSize; at < end; at++) largest = Math.max(largest, Math.abs(values[at]!));
    magnitudes[block] = largest / 127;
  }
  const scales = halves(magnitudes);
  const quants = new Int8Array(values.length);
  const error = new ErrorSum();
  for (let block = 0, at = 0; block < blocks; block++) {
    const scale = scales.values[block]!;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (const end = at + blockSize; at < end; at++) {
      const q = clamp(Math.round(values[at]! * inverse), -127, 127);
      error.add(values[at]!, Math.fround(scale * q));
      quants[at] = q;
    }
  }
  return { quants, scales: scales.bits, ...error.result() };
}

/** Values of 4-bit blocks, as a reader computes them; f32 [2 · quants]. For tests and reports. */
export function dequantiseAffine4(blocks: Omit<AffineBlocks, keyof RoundingError>, blockSize: number): Float32Array {
  const values = new Float32Array(blocks.quants.length * 2);
  const scales = f16ToF32(blocks.scales);
  const minima = f16ToF32(blocks.minima);
  for (let at = 0; at < values.length; at++) {
    const block = Math.floor(at / blockSize);
    const q = (blocks.quants[at >> 1]! >> ((at & 1) * 4)) & 15;
    values[at] = minima[block]! + scales[block]! * q;
  }
  return values;
}

function countBlocks(length: number, blockSize: number): number {
  if (length % blockSize !== 0) throw new RangeError(`${length} values do not fill blocks of ${blockSize}`);
  return length / blockSize;
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** f16 bits and the values they stand for. */
function halves(values: Float32Array): { bits: Uint16Array<ArrayBuffer>; values: Float32Array } {
  const bits = new Uint16Array(values.length);
  f32ToF16(values, bits);
  return { bits, values: f16ToF32(bits) };
}

class ErrorSum {
  private squaredError = 0;
  private squaredNorm = 0;
  private largestError = 0;
  add(value: number, rounded: number): void {
    const difference = value - rounded;
    this.squaredError += difference * difference;
    this.squaredNorm += value * value;
    const magnitude = Math.abs(difference);
    if (magnitude > this.largestError) this.largestError = magnitude;
  }
  result(): RoundingError {
    return { squaredError: this.squaredError, squaredNorm: this.squaredNorm, largestError: this.largestError };
  }
}
