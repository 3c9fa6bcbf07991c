/**
 * How the score answers to each gate logit (armorm.md, "What only a gated … model allows", 4): with p = g / logitScale and
 * s = g · v, ∂s/∂l_j = g_j (v_j − p · v) / τ. A positive one means that more of objective j lifts the score.
 */
import { assert } from '@/base/assert.ts';

/** The gate as steered, and the score's direction in it. */
export interface GatePoint {
  /** g `[k]`; muted objectives 0. */
  readonly gateWeights: Float64Array;
  /** v `[k]` of `scoreDirection`: r', where no coefficient is pinned. */
  readonly direction: Float64Array;
  /** τ in force. */
  readonly temperature: number;
  /** Σ g. */
  readonly logitScale: number;
}

/**
 * ∂s/∂l_j for every objective, in score per unit of logit; 0 for a muted one. Σ = 0, as a shift of all logits changes nothing.
 * @returns new f64 `[k]`; all 0 where logitScale is 0.
 * @throws AssertionError when the lengths differ or τ is not positive.
 */
export function gateSensitivity({ gateWeights, direction, temperature, logitScale }: GatePoint): Float64Array {
  assert(
    gateWeights.length === direction.length,
    () => `${gateWeights.length} weights, ${direction.length} directions`,
  );
  assert(temperature > 0, () => `temperature must be positive, got ${temperature}`);
  const mean = meanDirection(gateWeights, direction, logitScale);
  return gateWeights.map((weight, j) => (weight === 0 ? 0 : (weight * (direction[j]! - mean)) / temperature));
}

/**
 * By how much the score changes when logit `objective` moves by `nudge`, exactly: with e = e^(nudge / τ) − 1,
 * Δs = g_j e (v_j − p · v) / (1 + p_j e). Its slope at 0 is the sensitivity.
 */
export function scoreChange(point: GatePoint, objective: number, nudge: number): number {
  const { gateWeights, direction, temperature, logitScale } = point;
  const weight = gateWeights[objective]!;
  if (weight === 0) return 0;
  const mean = meanDirection(gateWeights, direction, logitScale);
  const share = weight / logitScale;
  const growth = Math.expm1(nudge / temperature);
  // For a large nudge e overflows; its limit is all weight on the objective.
  if (growth === Infinity) return logitScale * (direction[objective]! - mean);
  return (weight * growth * (direction[objective]! - mean)) / (1 + share * growth);
}

/** p · v. */
function meanDirection(gateWeights: Float64Array, direction: Float64Array, logitScale: number): number {
  if (logitScale === 0) return 0;
  let sum = 0;
  for (const [j, weight] of gateWeights.entries()) sum += (weight / logitScale) * direction[j]!;
  return sum;
}
