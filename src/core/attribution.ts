/**
 * Exact attribution of scores and margins (armorm.md, "What only a gated, linear-on-top reward model allows", 1). The score is
 * linear in the raw rewards for a given gate, so these parts are its SHAP values, and they sum to it.
 *
 * f32 or f64 in, f64 out, nothing is mutated, NaN spreads. All arrays are `[k]`, in the model's order of objectives.
 */
import { assert } from '@/base/assert.ts';

type Vector = Float32Array | Float64Array | readonly number[];

function assertSameLength(first: Vector, others: Readonly<Record<string, Vector>>): void {
  for (const [name, other] of Object.entries(others))
    assert(other.length === first.length, () => `${name} has ${other.length} entries, ${first.length} expected`);
}

function sum(terms: Float64Array): number {
  let total = 0;
  for (const term of terms) total += term;
  return total;
}

export interface ScoreWaterfall {
  /** c · μ: what a response with the reference set's mean rewards would score under this gate. */
  readonly base: number;
  /** c_i (r_i − μ_i): what objective i adds to that. */
  readonly steps: Float64Array;
  /** base + Σ steps: the score again, up to rounding. */
  readonly end: number;
}

/**
 * s = c·μ + Σ c_i (r_i − μ_i). With `means` of zeros the steps are the contributions c_i r_i themselves.
 * @throws AssertionError when the lengths differ.
 */
export function scoreWaterfall(coefficients: Vector, rewards: Vector, means: Vector): ScoreWaterfall {
  assertSameLength(coefficients, { rewards, means });
  const steps = new Float64Array(coefficients.length);
  let base = 0;
  for (let i = 0; i < steps.length; i++) {
    base += coefficients[i]! * means[i]!;
    steps[i] = coefficients[i]! * (rewards[i]! - means[i]!);
  }
  return { base, steps, end: base + sum(steps) };
}

/**
 * Margin between two responses of one prompt, which share the gate: Σ c_i (r¹_i − r²_i).
 * @returns new f64 `[k]`, summing to s¹ − s² up to rounding.
 * @throws AssertionError when the lengths differ.
 */
export function marginSteps(coefficients: Vector, first: Vector, second: Vector): Float64Array {
  assertSameLength(coefficients, { first, second });
  return Float64Array.from(coefficients, (c, i) => c * (first[i]! - second[i]!));
}

/** What the head says of one response; a `HeadEvaluation` is one. */
export interface GatedResponse {
  /** g `[k]`. */
  readonly gateWeights: Vector;
  /** r' `[k]`. */
  readonly adjustedRewards: Vector;
}

export interface AcrossPrompts {
  /** ½ (g¹+g²)_i (r'¹−r'²)_i: the answers differ. */
  readonly rewardSteps: Float64Array;
  /** ½ (r'¹+r'²)_i (g¹−g²)_i: the gate read the prompts differently. */
  readonly gateSteps: Float64Array;
  /** Σ of both: s¹ − s² up to rounding. */
  readonly margin: number;
}

/**
 * Difference of two scores whose prompts, and so gates, differ: Δs = ½(g¹+g²)·(r'¹−r'²) + ½(r'¹+r'²)·(g¹−g²). Symmetric: swapping
 * the responses turns every sign and nothing else. With one gate the gate's steps are exactly zero.
 * @throws AssertionError when the lengths differ.
 */
export function acrossPrompts(first: GatedResponse, second: GatedResponse): AcrossPrompts {
  const { gateWeights: g1, adjustedRewards: r1 } = first;
  const { gateWeights: g2, adjustedRewards: r2 } = second;
  assertSameLength(g1, { 'second gateWeights': g2, adjustedRewards: r1, 'second adjustedRewards': r2 });
  const rewardSteps = new Float64Array(g1.length);
  const gateSteps = new Float64Array(g1.length);
  for (let i = 0; i < g1.length; i++) {
    rewardSteps[i] = 0.5 * (g1[i]! + g2[i]!) * (r1[i]! - r2[i]!);
    gateSteps[i] = 0.5 * (r1[i]! + r2[i]!) * (g1[i]! - g2[i]!);
  }
  return { rewardSteps, gateSteps, margin: sum(rewardSteps) + sum(gateSteps) };
}

/**
 * g · (r¹ − r²): the margin if the transform were the identity, so without the correction for verbosity.
 * @throws AssertionError when the lengths differ.
 */
export function uncorrectedMargin(gateWeights: Vector, first: Vector, second: Vector): number {
  return sum(marginSteps(gateWeights, first, second));
}

/** σ(β · margin): Bradley-Terry probability that the first is preferred (Eq 5). Never NaN for finite arguments. */
export function bradleyTerry(beta: number, margin: number): number {
  return 1 / (1 + Math.exp(-beta * margin));
}
