/** AdamW (Loshchilov and Hutter 2019, as in PyTorch): decay first, then the bias-corrected step. */
import type { FloatArray } from './row-products.ts';

export interface AdamwArrays {
  /** Changed in place; the last one is β, which is not decayed. */
  readonly parameters: FloatArray;
  /** Changed in place. */
  readonly firstMoments: FloatArray;
  readonly secondMoments: FloatArray;
  readonly gradients: FloatArray;
}

export interface AdamwSettings {
  readonly learningRate: number;
  /** Steps done before this one. */
  readonly index: number;
  readonly adamBetas: readonly [number, number];
  readonly adamEpsilon: number;
  /** Decoupled from the gradient. */
  readonly weightDecay: number;
}

/** One step, in f64 arithmetic whatever the arrays hold. */
export function adamwStep(
  { parameters, firstMoments, secondMoments, gradients }: AdamwArrays,
  { learningRate, index, adamBetas, adamEpsilon, weightDecay }: AdamwSettings,
): void {
  const [decay1, decay2] = adamBetas;
  const stepSize = learningRate / (1 - decay1 ** (index + 1));
  const correction2 = Math.sqrt(1 - decay2 ** (index + 1));
  const kept = 1 - learningRate * weightDecay;
  const beta = parameters.length - 1;
  for (let i = 0; i < parameters.length; i++) {
    const gradient = gradients[i]!;
    const first = decay1 * firstMoments[i]! + (1 - decay1) * gradient;
    const second = decay2 * secondMoments[i]! + (1 - decay2) * gradient * gradient;
    firstMoments[i] = first;
    secondMoments[i] = second;
    const value = i === beta ? parameters[i]! : kept * parameters[i]!;
    parameters[i] = value - (stepSize * first) / (Math.sqrt(second) / correction2 + adamEpsilon);
  }
}
