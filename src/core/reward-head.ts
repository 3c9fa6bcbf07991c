/**
 * The linear head on top of the backbone: rewards, gate, transform, score (armorm.md I2-I6; arXiv 2406.12845 Eq 1, 2, 4).
 *
 * Storage is f32 (f64 for the transform), every sum is accumulated in f64. Nothing here mutates its arguments.
 * NaN in a feature spreads to whatever depends on it; it is never replaced.
 */
import { assert } from '@/base/assert.ts';
import { exponentialOf } from './exponential.ts';

/** One affine layer of the gate; ReLU follows every layer but the last. */
export interface GateLayer {
  /** `[outputSize, inputSize]`, row-major. */
  readonly weight: Float32Array;
  /** `[outputSize]`. */
  readonly bias: Float32Array;
  readonly inputSize: number;
  readonly outputSize: number;
}

/** How logits become weights: everything of a gate but its layers. */
export interface GateSoftmax {
  /** τ, > 0; 10 in the published checkpoint. */
  readonly temperature: number;
  /** Σg. Learned in the published checkpoint, so not always 1. */
  readonly logitScale: number;
  /** Objectives the softmax runs over; the rest get weight exactly 0. Absent: all. Not empty, no repeats. */
  readonly activeObjectives?: readonly number[];
}

export interface Gate extends GateSoftmax {
  /** First input is `featureSize`, last output is `objectives`. At least one. */
  readonly layers: readonly GateLayer[];
}

export interface RewardHead {
  /** k. */
  readonly objectives: number;
  /** d, the backbone's hidden size. */
  readonly featureSize: number;
  /** W `[k, d]`, row-major, no bias. */
  readonly regression: Float32Array;
  readonly gate: Gate;
  /** M `[k, k]`, row-major; `r' = r M`, so column j makes adjusted reward j. */
  readonly transform: Float64Array;
}

/** Everything the head says about one response; each array has one entry per objective. */
export interface HeadEvaluation {
  /** r = W h (Eq 1). */
  readonly rewards: Float64Array;
  /** r' = r M (Eq 2). */
  readonly adjustedRewards: Float64Array;
  /** Gate MLP output, before temperature and mask. */
  readonly gateLogits: Float64Array;
  /** g = softmax(logits / τ) · logitScale. */
  readonly gateWeights: Float64Array;
  /** c = M g, so that s = c · r. */
  readonly coefficients: Float64Array;
  /** s = g · r' (Eq 4). */
  readonly score: number;
}

/** Throws an `AssertionError` naming the part whose shape does not fit; checks shapes and indices, not values. */
export function assertRewardHead(head: RewardHead): void {
  const { objectives: k, featureSize: d, gate } = head;
  assert(Number.isInteger(k) && k > 0, () => `objectives must be a positive integer, got ${k}`);
  assert(Number.isInteger(d) && d > 0, () => `featureSize must be a positive integer, got ${d}`);
  assertLength('regression', head.regression, k * d);
  assertLength('transform', head.transform, k * k);
  assert(gate.layers.length > 0, 'the gate has no layers');
  let width = d;
  for (const [index, layer] of gate.layers.entries()) {
    assert(layer.inputSize === width, () => `gate layer ${index} takes ${layer.inputSize} inputs, ${width} arrive`);
    assertLength(`gate layer ${index} weight`, layer.weight, layer.inputSize * layer.outputSize);
    assertLength(`gate layer ${index} bias`, layer.bias, layer.outputSize);
    width = layer.outputSize;
  }
  assert(width === k, () => `the gate ends in ${width} outputs for ${k} objectives`);
  assert(gate.temperature > 0, () => `temperature must be positive, got ${gate.temperature}`);
  if (gate.activeObjectives !== undefined) assertActiveObjectives(gate.activeObjectives, k);
}

/**
 * r = W h (Eq 1). `feature` `[d]`, f32 or f64, the final-norm hidden state of the scored token.
 * @returns new f64 `[k]`, unbounded.
 * @throws AssertionError when `feature` is not `[d]`.
 */
export function rewards(
  head: Pick<RewardHead, 'objectives' | 'featureSize' | 'regression'>,
  feature: Float32Array | Float64Array,
): Float64Array {
  assertLength('feature', feature, head.featureSize);
  return multiplyRows(head.regression, feature, head.objectives);
}

/**
 * The gate MLP: affine, ReLU between layers, nothing after the last (armorm.md I4). `gateFeature` `[d]`.
 * @returns new f64 `[k]`: logits before temperature and mask.
 * @throws AssertionError when `gateFeature` is not `[d]`.
 */
export function gateLogits(
  head: Pick<RewardHead, 'featureSize' | 'gate'>,
  gateFeature: Float32Array | Float64Array,
): Float64Array {
  assertLength('gateFeature', gateFeature, head.featureSize);
  const { layers } = head.gate;
  let activation: Float64Array = Float64Array.from(gateFeature);
  for (const [index, layer] of layers.entries()) {
    const output = multiplyRows(layer.weight, activation, layer.outputSize);
    const last = index === layers.length - 1;
    for (let o = 0; o < output.length; o++) {
      const value = output[o]! + layer.bias[o]!;
      output[o] = last || value > 0 || Number.isNaN(value) ? value : 0;
    }
    activation = output;
  }
  return activation;
}

/**
 * g = softmax(logits / τ) · logitScale over the active objectives; the others get exactly 0, so Σg = logitScale with or
 * without a mask (the mask acts before the softmax: proven on the multi-domain golden). `logits` `[k]`.
 * @returns new f64 `[k]`, each in [0, logitScale].
 * @throws AssertionError when `logits` is not `[k]` or no objective is active.
 */
export function gateWeights(
  head: { readonly objectives: number; readonly gate: GateSoftmax },
  logits: Float32Array | Float64Array,
): Float64Array {
  assertLength('logits', logits, head.objectives);
  const { activeObjectives } = head.gate;
  if (activeObjectives !== undefined) assertActiveObjectives(activeObjectives, head.objectives);
  const weights = new Float64Array(head.objectives);
  // Ascending whatever the mask's own order is, so that the sum has the same bits wherever it is made.
  const active = activeObjectives?.toSorted((a, b) => a - b) ?? Array.from(weights.keys());
  writeGateWeights(head.gate, active, logits, weights);
  return weights;
}

/**
 * The same for the k entries from `start` of `logits`, into those of `weights`: for many prompts, where a new array each would
 * cost more. `active`: the gate's active objectives, or all, ascending; other entries are not touched.
 */
export function writeGateWeights(
  { temperature, logitScale }: GateSoftmax,
  active: readonly number[],
  logits: Float32Array | Float64Array,
  weights: Float64Array,
  start = 0,
): void {
  // Shifting by the largest logit keeps exp in range and changes nothing else.
  let largest = -Infinity;
  for (const j of active) largest = Math.max(largest, logits[start + j]!);
  let sum = 0;
  for (const j of active) {
    const value = exponentialOf((logits[start + j]! - largest) / temperature);
    weights[start + j] = value;
    sum += value;
  }
  for (const j of active) weights[start + j] = (weights[start + j]! / sum) * logitScale;
}

/**
 * r' = r M (Eq 2). `r` `[k]`.
 * @returns new f64 `[k]`.
 * @throws AssertionError when `r` is not `[k]`.
 */
export function adjustedRewards(
  head: Pick<RewardHead, 'objectives' | 'transform'>,
  r: Float32Array | Float64Array,
): Float64Array {
  const k = head.objectives;
  assertLength('rewards', r, k);
  const adjusted = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    const ri = r[i]!;
    for (let j = 0; j < k; j++) adjusted[j] = adjusted[j]! + ri * head.transform[i * k + j]!;
  }
  return adjusted;
}

/**
 * c = M g: the weight each raw reward has in the score, s = c · r (armorm.md I6). `g` `[k]`.
 * @returns new f64 `[k]`, of either sign.
 * @throws AssertionError when `g` is not `[k]`.
 */
export function coefficients(
  head: Pick<RewardHead, 'objectives' | 'transform'>,
  g: Float32Array | Float64Array,
): Float64Array {
  assertLength('gateWeights', g, head.objectives);
  return multiplyRows(head.transform, g, head.objectives);
}

/**
 * s = g · r' (Eq 4); the same number as c · r. Both arguments `[k]`.
 * @throws AssertionError when the lengths differ.
 */
export function score(g: Float32Array | Float64Array, adjusted: Float32Array | Float64Array): number {
  assertLength('adjustedRewards', adjusted, g.length);
  let sum = 0;
  for (let j = 0; j < g.length; j++) sum += g[j]! * adjusted[j]!;
  return sum;
}

/**
 * The whole head on one response: Eq 1, 2 and 4. `feature` and `gateFeature` `[d]`, the final-norm hidden states of the
 * scored and of the gate's token.
 * @throws AssertionError when a shape does not fit.
 */
export function evaluateHead(
  head: RewardHead,
  feature: Float32Array | Float64Array,
  gateFeature: Float32Array | Float64Array,
): HeadEvaluation {
  const r = rewards(head, feature);
  const adjusted = adjustedRewards(head, r);
  const logits = gateLogits(head, gateFeature);
  const g = gateWeights(head, logits);
  return {
    rewards: r,
    adjustedRewards: adjusted,
    gateLogits: logits,
    gateWeights: g,
    coefficients: coefficients(head, g),
    score: score(g, adjusted),
  };
}

/** `matrix [rows, vector.length]` (row-major) times `vector`, accumulated in f64. */
function multiplyRows(
  matrix: Float32Array | Float64Array,
  vector: Float32Array | Float64Array,
  rows: number,
): Float64Array {
  const columns = vector.length;
  const product = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const base = row * columns;
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += matrix[base + column]! * vector[column]!;
    product[row] = sum;
  }
  return product;
}

function assertLength(what: string, array: ArrayLike<number>, length: number): void {
  assert(array.length === length, () => `${what} has ${array.length} entries, ${length} expected`);
}

function assertActiveObjectives(active: readonly number[], objectives: number): void {
  assert(active.length > 0, 'no objective is active');
  assert(new Set(active).size === active.length, 'activeObjectives names an objective twice');
  for (const j of active)
    assert(Number.isInteger(j) && j >= 0 && j < objectives, () => `active objective ${j} is not one of ${objectives}`);
}
