/**
 * Rounds rows of weights to blocks of small integers with f16 parameters, and says how much was lost.
 *
 * 4 bits: value = minimum + scale · q, q in 0…15, per block (llama.cpp's Q4_1). Weights that lie on such a grid already,
 * because they were dequantised from one, come back exactly: the extremes of a block are its q = 0 and q = 15.
 * 8 bits: value = scale · q, q in −127…127, scale = largest magnitude / 127 (llama.cpp's Q8_0); the same holds.
 */
import { f16ToF32, f32ToF16 } from '@/base/half.ts';
import { largestMagnitude } from './finite.ts';

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
 * @param largest their largest magnitude, where it is known.
 */
export function fitsHalfPrecision(values: Float32Array, largest = largestMagnitude(values)): boolean {
  return largest <= LARGEST_F16 / 2;
}

/**
 * Rounds to 4 bits with a minimum a block.
 * @param values f32 [n · blockSize], finite and within f16's range; not changed.
 * @throws RangeError when the length is no multiple of `blockSize`.
 */
export function quantiseAffine4(values: Float32Array, blockSize: number): AffineBlocks {
  const blocks = countBlocks(values.length, blockSize);
  const steps = new Float32Array(blocks);
  const lowest = new Float32Array(blocks);
  for (let block = 0; block < blocks; block++) fitBlock(values, block, blockSize, steps, lowest);
  const scales = halves(steps);
  const minima = halves(lowest);
  const quants = new Uint8Array(values.length / 2);
  const error = new ErrorSum();
  for (let block = 0, at = 0; block < blocks; block++) {
    // What a reader will compute with: the rounded parameters.
    const scale = scales.values[block]!;
    const minimum = minima.values[block]!;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (const end = at + blockSize; at < end; at += 2) {
      const low = nearestStep((values[at]! - minimum) * inverse);
      const high = nearestStep((values[at + 1]! - minimum) * inverse);
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
      const scaled = values[at]! * inverse;
      // Halves up, as `Math.round` has it, in integers; f16 rounding of the scale may push an extreme past 127.
      const rounded = ((scaled + 128.5) | 0) - 128;
      const q = rounded < -127 ? -127 : rounded > 127 ? 127 : rounded;
      error.add(values[at]!, Math.fround(scale * q));
      quants[at] = q;
    }
  }
  return { quants, scales: scales.bits, ...error.result() };
}

/** Values of 4-bit blocks, as a reader computes them; f32 [2 · quants]. For tests and reports. */
export function dequantiseAffine4(
  blocks: Omit<AffineBlocks, keyof RoundingError>,
  blockSize: number,
): Float32Array<ArrayBuffer> {
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

/**
 * Where the search starts: shares of the block's range cut off below and above. Chosen among about 25 sets by error on Gaussian
 * samples, not on a model's weights.
 */
const STARTS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0.07, 0],
  [0, 0.07],
  [0.07, 0.07],
];
/** Rounds of assigning and fitting from each start; more bring little. */
const ROUNDS = 3;
/** Errors this small beside the weights are rounding: the block lies on a grid, and searching would only move it off. */
const ON_A_GRID = 1e-9;

/**
 * The minimum and step of one block with the least squared error found: the block's own extremes, or a line through the assignment that
 * they or a few narrower ranges give, assigned and fitted again while that helps. On Gaussian weights in blocks of 32 this takes the
 * relative error from 0.078 to 0.070.
 */
function fitBlock(
  values: Float32Array,
  block: number,
  blockSize: number,
  steps: Float32Array,
  lowest: Float32Array,
): void {
  const begin = block * blockSize;
  const wide = blockSize <= WIDENED.length ? WIDENED : new Float64Array(blockSize);
  let minimum = values[begin]!;
  let maximum = minimum;
  let sum = 0;
  let sumOfSquares = 0;
  for (let at = 0; at < blockSize; at++) {
    const value = values[begin + at]!;
    wide[at] = value;
    minimum = Math.min(minimum, value);
    maximum = Math.max(maximum, value);
    sum += value;
    sumOfSquares += value * value;
  }
  const range = maximum - minimum;
  const wholeStep = range / 15;
  steps[block] = wholeStep;
  lowest[block] = minimum;
  if (range === 0) return;
  let leastError = 0;
  const inverse = 15 / range;
  for (let at = 0; at < blockSize; at++) {
    const above = wide[at]! - minimum;
    const difference = above - wholeStep * nearestStep(above * inverse);
    leastError += difference * difference;
  }
  if (leastError <= ON_A_GRID * sumOfSquares) return;
  for (const [below, above] of STARTS) {
    let start = minimum + range * below;
    let step = wholeStep * (1 - below - above);
    let before = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const perStep = 1 / step;
      let sumQ = 0;
      let sumQQ = 0;
      let sumWQ = 0;
      for (let at = 0; at < blockSize; at++) {
        const value = wide[at]!;
        const q = nearestStep((value - start) * perStep);
        sumQ += q;
        sumQQ += q * q;
        sumWQ += value * q;
      }
      // Least squares of w = m + d q over the block.
      step = (blockSize * sumWQ - sumQ * sum) / (blockSize * sumQQ - sumQ * sumQ);
      start = (sum - step * sumQ) / blockSize;
      const error = sumOfSquares - start * sum - step * sumWQ;
      if (!(step > 0 && error < before)) break;
      before = error;
      if (error < leastError) {
        leastError = error;
        steps[block] = step;
        lowest[block] = start;
      }
    }
  }
}

/** One block in f64, reused: the search reads each value a dozen times. */
const WIDENED = new Float64Array(64);

/**
 * The step of a 4-bit grid nearest to `position`, 0…15, halves up. In integers: this runs a dozen times for every weight, and
 * `Math.round` alone would take most of a conversion.
 */
function nearestStep(position: number): number {
  const step = (position + 0.5) | 0;
  return step < 0 ? 0 : step > 15 ? 15 : step;
}

function countBlocks(length: number, blockSize: number): number {
  if (length % blockSize !== 0) throw new RangeError(`${length} values do not fill blocks of ${blockSize}`);
  return length / blockSize;
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
