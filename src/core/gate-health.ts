/**
 * Is a gate worth having? Three ways in which it is not, told from its weights on many prompts (armorm.md, "checkpoint doctor").
 *
 * A collapsed gate puts nearly everything on one objective whatever the prompt. A constant gate gives every prompt the same
 * weights: one linear head would do. Dead mass is weight on objectives whose adjusted reward is zero (a zero column of M, I5):
 * it can never move a score.
 */
import { assert } from '@/base/assert.ts';

export interface GateHealthWarning {
  readonly code: 'collapsed' | 'constant' | 'dead-mass' | 'not-finite';
  /** What was seen and what it means. */
  readonly message: string;
}

/** Statistics of a gate's weights; shares are of Σg. */
export interface GateHealth {
  /** Mean weight by objective `[k]`, summing to 1. */
  readonly meanGate: readonly number[];
  /** Mean entropy of a prompt's weights, nats: 0 for one objective, ln k for an even gate. */
  readonly meanEntropy: number;
  /** Entropy of the mean gate, nats; at least `meanEntropy`. */
  readonly entropyOfMean: number;
  /** Mean over prompts of half the sum of |g − mean g|: 0 where every prompt has the same weights, at most 1. */
  readonly variation: number;
  /** Share of the weight on objectives whose adjusted reward is always zero. */
  readonly deadMass: number;
  /** The objective with the largest mean weight, and that weight. */
  readonly top: { readonly objective: number; readonly share: number };
  readonly warnings: readonly GateHealthWarning[];
}

/** Mean share of one objective from which the gate counts as collapsed. */
const collapsedShare = 0.95;
/** Variation below which the gate counts as constant: a thousandth of the weight moves between prompts. */
const constantVariation = 1e-3;
/** Dead share worth a word; an even ArmoRM gate has 1/19 = 0.053. */
const noteworthyDeadMass = 0.1;

/** Objectives whose column of M `[k, k]` (row-major) is zero: their adjusted reward is always 0. */
export function deadObjectives(transform: Float64Array, objectives: number): number[] {
  assert(transform.length === objectives ** 2, () => `transform has ${transform.length} entries, not ${objectives}²`);
  return Array.from({ length: objectives }, (_, j) => j).filter((j) => {
    for (let i = 0; i < objectives; i++) if (transform[i * objectives + j] !== 0) return false;
    return true;
  });
}

/**
 * Health of a gate from its weights on `n` prompts.
 * @param weights g `[n, k]` (row-major), n ≥ 1, each row ≥ 0 with a positive sum; any Σg.
 * @param dead objectives from `deadObjectives`.
 * @param name writes an objective's name in messages. Default its index.
 * @throws AssertionError on a wrong shape.
 */
export function gateHealth(
  weights: Float64Array | Float32Array,
  objectives: number,
  dead: readonly number[],
  name: (objective: number) => string = (objective) => `objective ${objective}`,
): GateHealth {
  const k = objectives;
  const n = weights.length / k;
  assert(Number.isInteger(n) && n > 0, () => `${weights.length} weights are not rows of ${k}`);
  const mean = new Float64Array(k);
  let meanEntropy = 0;
  const share = new Float64Array(weights.length);
  for (let row = 0; row < n; row++) {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += weights[row * k + j]!;
    let entropy = 0;
    for (let j = 0; j < k; j++) {
      const p = weights[row * k + j]! / sum;
      share[row * k + j] = p;
      mean[j] = mean[j]! + p / n;
      if (p > 0 || Number.isNaN(p)) entropy -= p * Math.log(p);
    }
    meanEntropy += entropy / n;
  }
  let variation = 0;
  for (let row = 0; row < n; row++)
    for (let j = 0; j < k; j++) variation += Math.abs(share[row * k + j]! - mean[j]!) / (2 * n);
  let entropyOfMean = 0;
  for (const p of mean) if (p > 0 || Number.isNaN(p)) entropyOfMean -= p * Math.log(p);
  const deadMass = dead.reduce((sum, j) => sum + mean[j]!, 0);
  let best = 0;
  for (let j = 1; j < k; j++) if (mean[j]! > mean[best]!) best = j;
  const top = { objective: best, share: mean[best]! };
  const statistics = { meanGate: [...mean], meanEntropy, entropyOfMean, variation, deadMass, top };
  return { ...statistics, warnings: warningsOf(statistics, n, k, dead, name) };
}

function warningsOf(
  { meanEntropy, variation, deadMass, top }: Omit<GateHealth, 'warnings'>,
  prompts: number,
  objectives: number,
  dead: readonly number[],
  name: (objective: number) => string,
): GateHealthWarning[] {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  if (!Number.isFinite(meanEntropy) || !Number.isFinite(variation))
    return [
      {
        code: 'not-finite',
        message: 'The gate’s weights are not finite numbers: the run diverged. Try a lower learning rate.',
      },
    ];
  const warnings: GateHealthWarning[] = [];
  if (objectives > 1 && top.share >= collapsedShare)
    warnings.push({
      code: 'collapsed',
      message:
        `The gate has collapsed: ${percent(top.share)} of its weight is on ${name(top.objective)}, whatever the prompt. ` +
        'The score is that one objective. Try a higher temperature, weight decay or fewer steps.',
    });
  if (objectives > 1 && prompts > 1 && variation < constantVariation)
    warnings.push({
      code: 'constant',
      message:
        'The gate is constant: every prompt gets the same weights, so one fixed set of coefficients would do as well. ' +
        'It may not have trained at all (see the authors’ softmax axis), or the prompt features do not differ.',
    });
  if (deadMass >= noteworthyDeadMass)
    warnings.push({
      code: 'dead-mass',
      message:
        `${percent(deadMass)} of the gate’s weight is on ${dead.map(name).join(', ')}, whose adjusted reward is always zero: ` +
        'it scales the score down and cannot move it otherwise.',
    });
  return warnings;
}
