/**
 * The least change of the gate that makes the other response win (armorm.md, "What only a gated … model allows", 2).
 *
 * With d the difference of the two responses per unit of gate weight, the margin g · d is linear in the gate. In L1 the least
 * change moves weight from the objectives of largest d to the one of least d until the margin is gone: a fractional knapsack, so
 * greed is optimal. In Kullback-Leibler divergence from the present gate it is the tilt g_i e^(−t d_i), a root in one unknown.
 * Both stop at margin 0, a tie up to rounding; `nudgePast` steps over it. Weights that hold (locked, muted, outside the model's
 * mask) are those not named free.
 */
import { assert } from '@/base/assert.ts';
import { type FreeGate, freeDirection, freeMass, withFreeWeights } from './score-direction.ts';

/** The pair and what may move. */
export interface FlipProblem extends FreeGate {
  /** d `[k]`: `scoreDirection` of the present winner less that of the other response. */
  readonly difference: Float64Array;
}

/**
 * Proof that no gate prefers the other response: a margin is `heldMargin` plus an average of d over the free weight, so it is
 * never below `lowestMargin`, which is not negative.
 */
export interface NoFlip {
  readonly possible: false;
  /** The margin with all free weight on `objective`, ≥ 0: heldMargin + freeMass · leastDifference. */
  readonly lowestMargin: number;
  /** The free objective of least d; undefined where no weight is free. */
  readonly objective: number | undefined;
  /** d at `objective`; NaN where no weight is free. */
  readonly leastDifference: number;
  readonly freeMass: number;
  /** What the weights that hold contribute to every margin. */
  readonly heldMargin: number;
}

interface FlipTo {
  readonly possible: true;
  /** The gate with margin 0, `[k]`: ≥ 0, Σ as before, held weights untouched. */
  readonly gateWeights: Float64Array;
  /** The free objective of least d: where weight goes, and where `nudgePast` sends more. */
  readonly objective: number;
}

export interface FlipL1 extends FlipTo {
  /** Σ |g'_i − g_i|: twice the weight that moves. */
  readonly distance: number;
}

export interface FlipKL extends FlipTo {
  /** KL(p' ‖ p) of the shares p = g / Σ g, in nats. */
  readonly divergence: number;
  /** t ≥ 0. Infinity where only all weight on the least d takes the margin to 0. */
  readonly tilt: number;
}

/** Margins this far below 0, relative to their terms, count as the rounding of a tie. */
const tieTolerance = 1e-9;

/**
 * The gate nearest in L1 at which the winner's margin is 0; the same gate, distance 0, where it is 0 already.
 * @throws AssertionError when the margin is negative: the other response wins already.
 */
export function smallestFlipL1(problem: FlipProblem): FlipL1 | NoFlip {
  const reduced = reduce(problem);
  if (!reduced.possible) return reduced;
  const { weights, difference, target } = reduced;
  const least = difference[target]!;
  let moved = 0;
  for (const i of Array.from(weights.keys()).sort((a, b) => difference[b]! - difference[a]!)) {
    const margin = dot(weights, difference);
    const gain = difference[i]! - least;
    if (margin <= 0 || gain === 0) break;
    const all = weights[i]!;
    const amount = Math.min(all, margin / gain);
    weights[i] = all - amount;
    weights[target] = weights[target]! + amount;
    moved += amount;
    // What is left of the margin is rounding, and no reason to touch another weight.
    if (amount < all) break;
  }
  return {
    possible: true,
    gateWeights: withFreeWeights(problem, weights),
    objective: problem.free[target]!,
    distance: 2 * moved,
  };
}

/**
 * The gate nearest in KL(p' ‖ p) at which the winner's margin is 0. A free weight of 0 stays 0, as no tilt lifts it, so a flip
 * can be impossible here and possible in L1.
 * @throws AssertionError when the margin is negative: the other response wins already.
 */
export function smallestFlipKL(problem: FlipProblem): FlipKL | NoFlip {
  const supported = { ...problem, free: problem.free.filter((j) => problem.gateWeights[j]! > 0) };
  const reduced = reduce(supported);
  if (!reduced.possible) return reduced;
  const { weights, difference, target } = reduced;
  const tilt = rootOfTilt(weights, difference, target);
  const tilted = tiltWeights(weights, difference, target, tilt);
  let divergence = 0;
  for (const [i, weight] of tilted.entries()) if (weight > 0) divergence += weight * Math.log(weight / weights[i]!);
  const total = sumOf(problem.gateWeights);
  return {
    possible: true,
    gateWeights: withFreeWeights(supported, tilted),
    objective: supported.free[target]!,
    divergence: Math.max(0, divergence / total),
    tilt,
  };
}

/**
 * The gate of a flip moved on toward its objective by `fraction` of the way, in (0, 1]: there the other response wins, since the
 * margin goes from 0 straight to `lowestMargin` < 0.
 */
export function nudgePast(problem: FlipProblem, flip: FlipL1 | FlipKL, fraction = 1e-6): Float64Array {
  assert(fraction > 0 && fraction <= 1, () => `a nudge is a fraction of the way, got ${fraction}`);
  const nudged = Float64Array.from(flip.gateWeights);
  for (const j of problem.free) nudged[j] = nudged[j]! * (1 - fraction);
  nudged[flip.objective] = nudged[flip.objective]! + fraction * freeMass(problem);
  return nudged;
}

interface Reduced {
  readonly possible: true;
  /** Free weights `[f]`, a copy. */
  readonly weights: Float64Array;
  /** d on them, the held margin spread over it `[f]`. */
  readonly difference: Float64Array;
  /** Index of its least entry. */
  readonly target: number;
}

/** The problem on the free weights alone, or the proof that it has no solution. */
function reduce(problem: FlipProblem): Reduced | NoFlip {
  const { free, gateWeights, difference: d } = problem;
  assert(d.length === gateWeights.length, () => `${d.length} differences for ${gateWeights.length} weights`);
  const mass = freeMass(problem);
  const freed = new Set(free);
  let heldMargin = 0;
  let size = 0;
  for (const [j, weight] of gateWeights.entries()) {
    if (!freed.has(j)) heldMargin += weight * d[j]!;
    size += Math.abs(weight * d[j]!);
  }
  const margin = dot(gateWeights, d);
  assert(margin >= -tieTolerance * size, () => `the margin is ${margin}: the other response wins already`);
  if (mass === 0)
    return {
      possible: false,
      lowestMargin: margin,
      objective: undefined,
      leastDifference: Number.NaN,
      freeMass: 0,
      heldMargin,
    };
  const target = indexOfLeast(free.map((j) => d[j]!));
  const objective = free[target]!;
  const leastDifference = d[objective]!;
  const lowestMargin = heldMargin + mass * leastDifference;
  if (lowestMargin >= 0)
    return { possible: false, lowestMargin, objective, leastDifference, freeMass: mass, heldMargin };
  const weights = Float64Array.from(free, (j) => gateWeights[j]!);
  return { possible: true, weights, difference: freeDirection(problem, d), target };
}

/** Free weights tilted by e^(−t d), their sum kept. New array. */
function tiltWeights(weights: Float64Array, d: Float64Array, target: number, tilt: number): Float64Array {
  // Against the least d no exponent is positive, so nothing overflows; at it the exponent is 0 whatever t.
  const tilted = weights.map((weight, i) => {
    const above = d[i]! - d[target]!;
    return above === 0 ? weight : weight * Math.exp(-tilt * above);
  });
  const before = sumOf(weights);
  const after = sumOf(tilted);
  return tilted.map((weight) => (weight / after) * before);
}

/**
 * The root t of the margin of the tilted gate, which falls strictly: Newton's steps inside a bracket, every other one a bisection,
 * until the ends are neighbouring numbers. Of them, the one with the smaller margin.
 */
function rootOfTilt(weights: Float64Array, d: Float64Array, target: number): number {
  const marginAt = (tilt: number) => dot(tiltWeights(weights, d, target, tilt), d);
  let low = 0;
  if (marginAt(low) <= 0) return low;
  const mass = sumOf(weights);
  const slopeAt = (tilt: number, margin: number) => {
    const tilted = tiltWeights(weights, d, target, tilt);
    let square = 0;
    for (const [i, weight] of tilted.entries()) square += weight * d[i]! * d[i]!;
    return -(square - (margin * margin) / mass);
  };
  let high = 1 / d.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  while (high < Infinity && marginAt(high) > 0) high *= 2;
  if (high === Infinity) return high;
  for (let step = 0; ; step++) {
    let middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (step % 2 === 0) {
      const margin = marginAt(low);
      const newton = low - margin / slopeAt(low, margin);
      if (newton > low && newton < high) middle = newton;
    }
    if (marginAt(middle) > 0) low = middle;
    else high = middle;
  }
  return Math.abs(marginAt(low)) < Math.abs(marginAt(high)) ? low : high;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function indexOfLeast(values: readonly number[]): number {
  let least = 0;
  for (const [i, value] of values.entries()) if (value < values[least]!) least = i;
  return least;
}
