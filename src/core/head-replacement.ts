/**
 * Another head on the same features: parts that stand in for the model's own regression, gate or transform (armorm.md I2-I6).
 *
 * What is not replaced is taken from the evaluation the model itself gave, so that a part that stays keeps its numbers to the bit
 * and the model's own arrays (megabytes) need not be at hand.
 */
import { assert } from '@/base/assert.ts';
import {
  adjustedRewards,
  coefficients,
  gateLogits,
  gateWeights,
  rewards,
  score,
  type Gate,
  type HeadEvaluation,
} from './reward-head.ts';

/** Parts of a `RewardHead` that stand in for the model's own; absent ones stay. The objectives are the model's. */
export interface HeadReplacement {
  /** W `[k, d]`, row-major. */
  readonly regression?: Float32Array;
  /** The gate's MLP, temperature, logit scale and mask. */
  readonly gate?: Gate;
  /** M `[k, k]`, row-major. */
  readonly transform?: Float64Array;
}

/** The hidden states a replaced regression or gate reads. `[d]` each. */
export interface HeadFeatures {
  readonly feature?: Float32Array | undefined;
  readonly gateFeature?: Float32Array | undefined;
}

/** Whether the replacement can be evaluated on a response whose features are (not) known. */
export function canReplace(replacement: HeadReplacement, { feature, gateFeature }: HeadFeatures): boolean {
  return (
    (replacement.regression === undefined || feature !== undefined) &&
    (replacement.gate === undefined || gateFeature !== undefined)
  );
}

/**
 * Throws an `AssertionError` naming the part of `replacement` that does not fit a model of `objectives` objectives and
 * `featureSize` hidden units, or holds a number that is not finite.
 */
export function assertReplacement(replacement: HeadReplacement, objectives: number, featureSize: number): void {
  const { regression, gate, transform } = replacement;
  if (regression !== undefined) assertFinite('regression', regression, objectives * featureSize);
  if (transform !== undefined) assertFinite('transform', transform, objectives * objectives);
  if (gate === undefined) return;
  assert(gate.layers.length > 0, 'the gate has no layers');
  let width = featureSize;
  for (const [index, layer] of gate.layers.entries()) {
    assert(layer.inputSize === width, () => `gate layer ${index} takes ${layer.inputSize} inputs, ${width} arrive`);
    assertFinite(`gate layer ${index} weight`, layer.weight, layer.inputSize * layer.outputSize);
    assertFinite(`gate layer ${index} bias`, layer.bias, layer.outputSize);
    width = layer.outputSize;
  }
  assert(width === objectives, () => `the gate ends in ${width} outputs for ${objectives} objectives`);
  assert(gate.temperature > 0, () => `the gate's temperature must be positive, got ${gate.temperature}`);
  assert(Number.isFinite(gate.logitScale), () => `the gate's logit scale is ${gate.logitScale}`);
}

/**
 * The head with its replaced parts on one response. `own` is what the model itself said (arrays `[k]`), `transform` the model's
 * own M `[k, k]`.
 * @returns `own` itself where nothing is replaced; otherwise a new evaluation that shares the arrays that stayed.
 * @throws AssertionError when a shape does not fit, or a feature that a replaced part reads is missing.
 */
export function evaluateReplacement(
  replacement: HeadReplacement,
  own: HeadEvaluation,
  transform: Float64Array,
  { feature, gateFeature }: HeadFeatures,
): HeadEvaluation {
  const { regression, gate } = replacement;
  if (regression === undefined && gate === undefined && replacement.transform === undefined) return own;
  const objectives = own.rewards.length;
  const head = { objectives, transform: replacement.transform ?? transform };
  let r = own.rewards;
  if (regression !== undefined) {
    assert(feature !== undefined, 'another regression needs the feature of the response');
    r = rewards({ objectives, featureSize: feature.length, regression }, feature);
  }
  const sameAdjustment = regression === undefined && replacement.transform === undefined;
  const adjusted = sameAdjustment ? own.adjustedRewards : adjustedRewards(head, r);
  let logits = own.gateLogits;
  let g = own.gateWeights;
  if (gate !== undefined) {
    assert(gateFeature !== undefined, 'another gate needs the gate feature of the response');
    logits = gateLogits({ featureSize: gateFeature.length, gate }, gateFeature);
    g = gateWeights({ objectives, gate }, logits);
  }
  const sameWeights = gate === undefined && replacement.transform === undefined;
  return {
    rewards: r,
    adjustedRewards: adjusted,
    gateLogits: logits,
    gateWeights: g,
    coefficients: sameWeights ? own.coefficients : coefficients(head, g),
    score: score(g, adjusted),
  };
}

function assertFinite(what: string, array: Float32Array | Float64Array, length: number): void {
  assert(array.length === length, () => `${what} has ${array.length} entries, ${length} expected`);
  assert(array.every(Number.isFinite), () => `${what} holds a number that is not finite`);
}
