/**
 * Scores of a whole set under another transform, from what the model said once: c = M g for each prompt, then s = c · r for each
 * response. Nothing is scored again; 100,000 responses take a few milliseconds. Steering of sets: `steering-batch.ts`.
 */
import { assert } from '@/base/assert.ts';
import type { ScoredSet } from './scored-set.ts';

/**
 * c = M g of every prompt.
 * @param transform M `[k, k]`. @param gateWeights g `[p, k]`.
 * @returns new f64 `[p, k]`.
 */
export function setCoefficients(transform: Float64Array, gateWeights: Float64Array, objectives: number): Float64Array {
  const k = objectives;
  assert(transform.length === k * k, () => `the transform is not [${k}, ${k}]`);
  assert(gateWeights.length % k === 0, () => `${gateWeights.length} gate weights are not rows of ${k}`);
  const coefficients = new Float64Array(gateWeights.length);
  for (let base = 0; base < gateWeights.length; base += k)
    for (let i = 0; i < k; i++) {
      let sum = 0;
      for (let j = 0; j < k; j++) sum += transform[i * k + j]! * gateWeights[base + j]!;
      coefficients[base + i] = sum;
    }
  return coefficients;
}

/** s = c · r of every response `[n]`, c `[p, k]` by prompt. */
export function setScores(set: ScoredSet, coefficients: Float64Array): Float64Array {
  const k = set.objectives.length;
  assert(coefficients.length === set.prompts * k, () => `coefficients are not [${set.prompts}, ${k}]`);
  const { rewards, promptOf } = set;
  const scores = new Float64Array(set.rows);
  for (let row = 0; row < scores.length; row++) {
    const c = promptOf[row]! * k;
    const r = row * k;
    let sum = 0;
    for (let j = 0; j < k; j++) sum += coefficients[c + j]! * rewards[r + j]!;
    scores[row] = sum;
  }
  return scores;
}

/** Scores under the transform M with the set's own gate. */
export function scoresUnderTransform(set: ScoredSet, transform: Float64Array): Float64Array {
  return setScores(set, setCoefficients(transform, set.gateWeights, set.objectives.length));
}

/** r' = r M of every response `[n, k]`. */
export function setAdjustedRewards(
  set: Pick<ScoredSet, 'rewards' | 'objectives'>,
  transform: Float64Array,
): Float64Array {
  const k = set.objectives.length;
  assert(transform.length === k * k, () => `the transform is not [${k}, ${k}]`);
  const adjusted = new Float64Array(set.rewards.length);
  // M is the identity but for a row or two: the zeros are skipped.
  const entries: [number, number, number][] = [];
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++) if (transform[i * k + j] !== 0) entries.push([i, j, transform[i * k + j]!]);
  for (let base = 0; base < adjusted.length; base += k)
    for (const [i, j, value] of entries) adjusted[base + j]! += set.rewards[base + i]! * value;
  return adjusted;
}

/** Comparisons whose preferred side is another under `after` than under `before`: what a change flips. */
export function flippedComparisons(
  before: Float64Array,
  after: Float64Array,
  { chosen, rejected }: { readonly chosen: Int32Array; readonly rejected: Int32Array },
): Int32Array {
  const flipped: number[] = [];
  for (let i = 0; i < chosen.length; i++) {
    const a = chosen[i]!;
    const b = rejected[i]!;
    if (Math.sign(before[a]! - before[b]!) !== Math.sign(after[a]! - after[b]!)) flipped.push(i);
  }
  return Int32Array.from(flipped);
}
