/**
 * A plain Bradley-Terry linear head on the same features: what the 19 objectives and the gate are compared with. Pure f64,
 * Newton's method, deterministic.
 */
import { choleskyInPlace, choleskySolve } from '@/core/linear-algebra.ts';

/** Newton steps; the loss is convex and smooth, and the step is tiny after six. */
const STEPS = 12;

/**
 * w that minimises Σ log(1 + exp(−w·x_i)) + ½ α ‖w‖² over difference rows x = better − worse.
 * @param differences f64 [n, d]. @param alpha > 0. @returns f64 [d].
 */
export function fitBradleyTerry(differences: Float64Array, featureSize: number, alpha: number): Float64Array {
  const d = featureSize;
  const n = differences.length / d;
  const w = new Float64Array(d);
  for (let step = 0; step < STEPS; step += 1) {
    const hessian = new Float64Array(d * d);
    const gradient = Float64Array.from(w, (value) => alpha * value);
    for (let row = 0; row < n; row += 1) {
      const x = differences.subarray(row * d, (row + 1) * d);
      let margin = 0;
      for (let i = 0; i < d; i += 1) margin += w[i]! * x[i]!;
      const wrong = 1 / (1 + Math.exp(margin));
      const curvature = wrong * (1 - wrong);
      for (let i = 0; i < d; i += 1) {
        gradient[i] = gradient[i]! - wrong * x[i]!;
        const scaled = curvature * x[i]!;
        for (let j = 0; j <= i; j += 1) hessian[i * d + j] = hessian[i * d + j]! + scaled * x[j]!;
      }
    }
    for (let i = 0; i < d; i += 1) {
      hessian[i * d + i] = hessian[i * d + i]! + alpha;
      for (let j = 0; j < i; j += 1) hessian[j * d + i] = hessian[i * d + j]!;
    }
    if (!choleskyInPlace(hessian, d)) throw new Error('the Hessian is not positive definite');
    const change = choleskySolve(hessian, d, gradient);
    for (let i = 0; i < d; i += 1) w[i] = w[i]! - change[i]!;
  }
  return w;
}
