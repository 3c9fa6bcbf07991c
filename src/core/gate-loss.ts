/**
 * The losses of stage 2 and their gradients by the gate's logits, in f64: Eq 5 (arXiv 2406.12845), and what the authors' script
 * computes instead (armorm.md "Where the authors' scripts leave the paper").
 */

/** What the loss is made of, besides the parameters. */
export interface GateLossOptions {
  /** τ > 0. */
  readonly temperature: number;
  /** Σg, fixed during training. Not used by `chosen-rejected`, which learns it. */
  readonly logitScale: number;
  /** Objectives the softmax runs over. */
  readonly activeObjectives: readonly number[];
  /** Probability that a hidden unit is dropped in training; 0 for none. */
  readonly dropout: number;
  /**
   * What the softmax runs over. `objectives`: Eq 5, one gate row a pair. `chosen-rejected`: the authors' script, two gate rows a pair
   * (chosen's and rejected's), normalised against each other objective by objective, on raw rewards, without β.
   */
  readonly softmaxOver?: 'objectives' | 'chosen-rejected';
}

/** Statistics of one batch, taken before any update. */
export interface GateBatchStatistics {
  /** Mean of softplus(−β · margin), nats. */
  readonly loss: number;
  /** Share of pairs with margin > 0. */
  readonly accuracy: number;
  /** Mean entropy of softmax(logits / τ), nats: ln k for an even gate, 0 for a gate on one objective. */
  readonly gateEntropy: number;
}

export interface GateLoss {
  readonly statistics: GateBatchStatistics;
  /** By the learned scalar: β, or the script's logit_scale. */
  readonly scalarGradient: number;
}

/** log(1 + e^−z), which does not overflow. */
export function softplusOfMinus(z: number): number {
  return z > 0 ? Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z)) - z;
}

/** −σ(−z): the derivative of log(1 + e^−z), in the form that does not overflow. */
function slopeAt(z: number): number {
  return z > 0 ? -Math.exp(-z) / (1 + Math.exp(-z)) : -1 / (1 + Math.exp(z));
}

/**
 * p = softmax(logits / τ) over the active objectives of one row at `at`, written into `target` at the same place.
 * @returns the entropy of p, nats.
 */
export function softmaxRow(
  target: Float64Array,
  logits: Float64Array,
  at: number,
  { temperature, activeObjectives }: Pick<GateLossOptions, 'temperature' | 'activeObjectives'>,
): number {
  let largest = -Infinity;
  for (const j of activeObjectives) largest = Math.max(largest, logits[at + j]!);
  let sum = 0;
  for (const j of activeObjectives) {
    const value = Math.exp((logits[at + j]! - largest) / temperature);
    target[at + j] = value;
    sum += value;
  }
  let weighted = 0; // Σ p (l − largest) / τ
  for (const j of activeObjectives) {
    const p = target[at + j]! / sum;
    target[at + j] = p;
    weighted += (p * (logits[at + j]! - largest)) / temperature;
  }
  return Math.log(sum) - weighted;
}

/**
 * Eq 5: mean of −log σ(β g · (r'_chosen − r'_rejected)).
 * @param logits `[B, k]`. @param differences `[n, k]`, of which `rows` `[B]` are this batch.
 * @param delta `[B, k]`, overwritten with the gradient by the logits; also serves as scratch memory.
 * @param batch pairs that the mean is over: more than B where `rows` are a part of the batch, whose parts then add up to it.
 */
export function bradleyTerryLoss(
  logits: Float64Array,
  beta: number,
  differences: Float64Array,
  rows: ArrayLike<number>,
  k: number,
  options: GateLossOptions,
  delta: Float64Array,
  batch = rows.length,
): GateLoss {
  const { temperature, logitScale, activeObjectives } = options;
  delta.fill(0);
  let loss = 0;
  let correct = 0;
  let entropy = 0;
  let betaGradient = 0;
  for (let b = 0; b < rows.length; b++) {
    const at = b * k;
    const row = rows[b]! * k;
    entropy += softmaxRow(delta, logits, at, options);
    let mean = 0; // p · difference
    for (const j of activeObjectives) mean += delta[at + j]! * differences[row + j]!;
    const margin = logitScale * mean;
    const z = beta * margin;
    loss += softplusOfMinus(z);
    correct += margin > 0 ? 1 : 0;
    const slope = slopeAt(z) / batch;
    betaGradient += slope * margin;
    const byLogit = (slope * beta * logitScale) / temperature;
    for (const j of activeObjectives) delta[at + j] = byLogit * delta[at + j]! * (differences[row + j]! - mean);
  }
  const statistics = { loss: loss / batch, accuracy: correct / batch, gateEntropy: entropy / batch };
  return { statistics, scalarGradient: betaGradient };
}

/**
 * The authors' script: gate rows 2b (chosen) and 2b + 1 (rejected), g = softmax over the two of each objective, times logit_scale;
 * mean of −log σ(g_chosen · r_chosen − g_rejected · r_rejected).
 * @param logits `[2B, k]`. @param rewards raw r `[n, 2, k]`. @param delta `[2B, k]`, overwritten with the gradient by the logits.
 * @param batch as for `bradleyTerryLoss`.
 */
export function authorsScriptLoss(
  logits: Float64Array,
  logitScale: number,
  rewards: Float64Array,
  rows: ArrayLike<number>,
  k: number,
  options: GateLossOptions,
  delta: Float64Array,
  batch = rows.length,
): GateLoss {
  const { temperature, activeObjectives } = options;
  let loss = 0;
  let correct = 0;
  let entropy = 0;
  let scaleGradient = 0;
  const both = new Float64Array(2 * k);
  for (let b = 0; b < rows.length; b++) {
    const chosen = 2 * b * k;
    const rejected = chosen + k;
    const reward = 2 * rows[b]! * k;
    both.set(logits.subarray(chosen, chosen + 2 * k));
    // The entropy that is logged is that of the gate as it is used afterwards: over the objectives.
    entropy += (softmaxRow(delta, logits, chosen, options) + softmaxRow(delta, logits, rejected, options)) / 2;
    delta.fill(0, chosen, chosen + 2 * k);
    let mean = 0; // the margin without logit_scale
    for (const j of activeObjectives) {
      const first = 1 / (1 + Math.exp((both[k + j]! - both[j]!) / temperature));
      delta[chosen + j] = first;
      mean += first * rewards[reward + j]! - (1 - first) * rewards[reward + k + j]!;
    }
    const margin = logitScale * mean;
    loss += softplusOfMinus(margin);
    correct += margin > 0 ? 1 : 0;
    const slope = slopeAt(margin) / batch;
    scaleGradient += slope * mean;
    for (const j of activeObjectives) {
      const first = delta[chosen + j]!;
      const sum = rewards[reward + j]! + rewards[reward + k + j]!;
      const byLogit = (slope * logitScale * first * (1 - first) * sum) / temperature;
      delta[chosen + j] = byLogit;
      delta[rejected + j] = -byLogit;
    }
  }
  const statistics = { loss: loss / batch, accuracy: correct / batch, gateEntropy: entropy / batch };
  return { statistics, scalarGradient: scaleGradient };
}
