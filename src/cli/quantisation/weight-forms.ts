/**
 * Ways of rounding a matrix to blocks of small integers with f16 parameters, for comparison. Each gives the values that a reader of
 * the blocks computes; what the converter itself does is called, not written again.
 */
import { f16ToF32, f32ToF16 } from '@/base/half.ts';
import { dequantiseAffine4, quantiseAffine4, quantiseSymmetric8 } from '@/convert/block-quantisation.ts';

/** One way of rounding. Pure; `values` f32 [n · blockSize], finite, not changed. */
export interface WeightForm {
  readonly name: string;
  /** Parameters included. */
  readonly bitsPerWeight: number;
  readonly round: (values: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer>;
}

/** value = minimum + step · q, q in 0…15. */
interface Line {
  readonly step: number;
  readonly minimum: number;
}
type Fit = (block: Float64Array) => Line;

/** What the converter writes: minima and scales found by its rounds of assigning and fitting. */
export function presentAffine(blockSize: number): WeightForm {
  return {
    name: `4 bits, minima, fitted (present), block ${blockSize}`,
    bitsPerWeight: 4 + 32 / blockSize,
    round: (values) => dequantiseAffine4(quantiseAffine4(values, blockSize), blockSize),
  };
}

export function affine(name: string, blockSize: number, fit: Fit): WeightForm {
  return {
    name: `4 bits, minima, ${name}, block ${blockSize}`,
    bitsPerWeight: 4 + 32 / blockSize,
    round: (values) => roundBlocks(values, blockSize, (block) => halfLine(fit(block))),
  };
}

/** value = step · (q − 8): no minima are stored. */
export function symmetric(name: string, blockSize: number, fit: (block: Float64Array) => number): WeightForm {
  return {
    name: `4 bits, symmetric, ${name}, block ${blockSize}`,
    bitsPerWeight: 4 + 16 / blockSize,
    round: (values) =>
      roundBlocks(values, blockSize, (block) => {
        const step = half(fit(block));
        return { step, minimum: -8 * step };
      }),
  };
}

export function eightBits(blockSize: number): WeightForm {
  return {
    name: `8 bits, symmetric (present), block ${blockSize}`,
    bitsPerWeight: 8 + 16 / blockSize,
    round(values) {
      const { quants, scales } = quantiseSymmetric8(values, blockSize);
      const steps = f16ToF32(scales);
      return Float32Array.from(quants, (q, i) => q * steps[Math.floor(i / blockSize)]!);
    },
  };
}

/** Round to nearest between the block's least and largest value. */
export function extremes(block: Float64Array): Line {
  let minimum = block[0]!;
  let maximum = minimum;
  for (const value of block) {
    minimum = Math.min(minimum, value);
    maximum = Math.max(maximum, value);
  }
  return { step: (maximum - minimum) / 15, minimum };
}

/** The extremes or one of six ranges cut at both ends, each with a line fitted through its assignment once. */
export function searched(block: Float64Array): Line {
  const whole = extremes(block);
  let best = whole;
  let leastError = squaredError(block, whole);
  for (const shrinkage of [0.04, 0.08, 0.12, 0.16, 0.2, 0.24]) {
    const fitted = leastSquares(block, {
      step: whole.step * (1 - shrinkage),
      minimum: whole.minimum + whole.step * 7.5 * shrinkage,
    });
    if (fitted === undefined) continue;
    const error = squaredError(block, fitted);
    if (error < leastError) {
      leastError = error;
      best = fitted;
    }
  }
  return best;
}

/** Three ranges cut at both ends, each followed by three rounds of assigning and fitting a line. */
export function refined(block: Float64Array): Line {
  const whole = extremes(block);
  let best = whole;
  let leastError = squaredError(block, whole);
  for (const shrinkage of [0, 0.1, 0.2]) {
    let line: Line = {
      step: whole.step * (1 - shrinkage),
      minimum: whole.minimum + whole.step * 7.5 * shrinkage,
    };
    for (let round = 0; round < 3; round++) {
      const fitted = leastSquares(block, line);
      if (fitted === undefined) break;
      const error = squaredError(block, fitted);
      line = fitted;
      if (error < leastError) {
        leastError = error;
        best = fitted;
      }
    }
  }
  return best;
}

/**
 * HQQ: scale from the extremes, the zero point by half-quadratic splitting of an l_p loss (Badri & Shaji 2023; mobiusml/hqq
 * `optimize_weights_proximal_legacy`: p = 0.7, β = 10 growing by 1.01, 20 rounds, stopped when the mean error no longer falls).
 */
export function halfQuadratic(block: Float64Array): Line {
  const { step, minimum } = extremes(block);
  if (step === 0) return { step, minimum };
  let zero = -minimum / step;
  let bestZero = zero;
  let leastError = Infinity;
  for (let round = 0, beta = 10; round < 20; round++, beta *= 1.01) {
    let error = 0;
    let sum = 0;
    for (const value of block) {
      const q = clampQ(Math.round(value / step + zero));
      const difference = value - step * (q - zero);
      error += Math.abs(difference);
      const magnitude = Math.abs(difference);
      const kept = magnitude === 0 ? 0 : Math.max(0, magnitude - magnitude ** -0.3 / beta);
      sum += q - (value - Math.sign(difference) * kept) / step;
    }
    if (error >= leastError) break;
    leastError = error;
    bestZero = zero;
    zero = sum / block.length;
  }
  return { step, minimum: -bestZero * step };
}

/** llama.cpp's Q4_0: the value of largest magnitude is −8 steps. */
export function largestAtEight(block: Float64Array): number {
  let largest = 0;
  for (const value of block) if (Math.abs(value) > Math.abs(largest)) largest = value;
  return largest / -8;
}

/** The step of least squared error among those near `largestAtEight`, either way round, each fitted to its assignment. */
export function symmetricSearch(block: Float64Array): number {
  const start = largestAtEight(block);
  if (start === 0) return 0;
  let best = start;
  let leastError = Infinity;
  for (const factor of [1, 0.9, 0.8, -1.1, -1]) {
    let step = start * factor;
    for (let round = 0; round < 2; round++) {
      let products = 0;
      let squares = 0;
      let error = 0;
      for (const value of block) {
        const q = clampQ(Math.round(value / step) + 8) - 8;
        products += value * q;
        squares += q * q;
        error += (value - step * q) ** 2;
      }
      if (error < leastError) {
        leastError = error;
        best = step;
      }
      if (squares === 0 || products === 0) break;
      step = products / squares;
    }
  }
  return best;
}

function leastSquares(block: Float64Array, { step, minimum }: Line): Line | undefined {
  if (step === 0) return undefined;
  let [sum, sumQ, sumQQ, sumWQ] = [0, 0, 0, 0];
  for (const value of block) {
    const q = clampQ(Math.round((value - minimum) / step));
    sum += value;
    sumQ += q;
    sumQQ += q * q;
    sumWQ += value * q;
  }
  const spread = block.length * sumQQ - sumQ * sumQ;
  if (spread === 0) return undefined;
  const fitted = (block.length * sumWQ - sumQ * sum) / spread;
  return fitted > 0 ? { step: fitted, minimum: (sum - fitted * sumQ) / block.length } : undefined;
}

function squaredError(block: Float64Array, { step, minimum }: Line): number {
  let error = 0;
  const inverse = step === 0 ? 0 : 1 / step;
  for (const value of block) error += (value - minimum - step * clampQ(Math.round((value - minimum) * inverse))) ** 2;
  return error;
}

function clampQ(q: number): number {
  return q < 0 ? 0 : q > 15 ? 15 : q;
}

/** Rounds with the parameters that `fit` gives, which must be f16 numbers already. */
function roundBlocks(values: Float32Array<ArrayBuffer>, blockSize: number, fit: Fit): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  const block = new Float64Array(blockSize);
  for (let begin = 0; begin < values.length; begin += blockSize) {
    for (let i = 0; i < blockSize; i++) block[i] = values[begin + i]!;
    const { step, minimum } = fit(block);
    const inverse = step === 0 ? 0 : 1 / step;
    for (let i = 0; i < blockSize; i++)
      out[begin + i] = minimum + step * clampQ(Math.round((block[i]! - minimum) * inverse));
  }
  return out;
}

function halfLine({ step, minimum }: Line): Line {
  return { step: half(step), minimum: half(minimum) };
}

const single = new Float32Array(1);
const singleBits = new Uint16Array(1);

/** The nearest f16. */
function half(value: number): number {
  single[0] = value;
  f32ToF16(single, singleBits);
  f16ToF32(singleBits, single);
  return single[0];
}
