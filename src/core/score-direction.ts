/**
 * The score of a response as a linear function of the gate: s = g · v on the gate simplex. It is what flips, win regions and
 * sensitivities work on, so that all of them mind pinned coefficients and locked weights without knowing of them.
 */
import { assert } from '@/base/assert.ts';
import { adjustedRewards } from './reward-head.ts';
import { pinsCoefficients, type SteerableHead, type Steering, steeredTransform } from './steering.ts';

/**
 * v `[k]` with s = g · v for every gate of Σ = logitScale: r' under the steered transform. While coefficients are pinned, a
 * pinned raw reward reaches the score as a constant, which on the simplex is the same amount more on every objective.
 * @throws AssertionError where coefficients are pinned and logitScale is 0: then the constant has no gate to ride on.
 */
export function scoreDirection(head: SteerableHead, steering: Steering, rewards: Float64Array): Float64Array {
  const k = head.objectives;
  const transform = steeredTransform(head, steering.penalties);
  if (!pinsCoefficients(steering)) return adjustedRewards({ objectives: k, transform }, rewards);
  const { logitScale } = head.gate;
  assert(logitScale !== 0, 'a gate that sums to 0 cannot carry pinned coefficients');
  const unpinned = Float64Array.from(rewards);
  let constant = 0;
  for (const [j, coefficient] of Object.entries(steering.coefficientOverrides)) {
    unpinned[Number(j)] = 0;
    constant += coefficient * rewards[Number(j)]!;
  }
  return adjustedRewards({ objectives: k, transform }, unpinned).map((value) => value + constant / logitScale);
}

/** What a gate may still do when some of its weights hold. */
export interface FreeGate {
  /** Objectives that may take and give weight, f of them, no repeats. */
  readonly free: readonly number[];
  /** g `[k]`, ≥ 0; only the weights outside `free` matter. */
  readonly gateWeights: Float64Array;
}

/** Σ of the free weights. */
export function freeMass({ free, gateWeights }: FreeGate): number {
  let mass = 0;
  for (const j of free) mass += gateWeights[j]!;
  return mass;
}

/**
 * `direction` `[k]` on the free objectives alone, `[f]`: for weights of Σ = the free mass, their product with it is the whole
 * g · v. What the held weights contribute is spread as the same amount more on every free objective.
 * @throws AssertionError where held weights contribute and the free mass is 0.
 */
export function freeDirection(gate: FreeGate, direction: Float64Array): Float64Array {
  const free = new Set(gate.free);
  let held = 0;
  for (const [j, weight] of gate.gateWeights.entries()) if (!free.has(j)) held += weight * direction[j]!;
  const mass = freeMass(gate);
  assert(held === 0 || mass > 0, 'no weight is free to move');
  return Float64Array.from(gate.free, (j) => (held === 0 ? direction[j]! : direction[j]! + held / mass));
}

/** The whole gate `[k]` with `weights` `[f]` on its free objectives. New array. */
export function withFreeWeights({ free, gateWeights }: FreeGate, weights: Float64Array): Float64Array {
  const whole = Float64Array.from(gateWeights);
  for (const [i, j] of free.entries()) whole[j] = weights[i]!;
  return whole;
}
