/**
 * Probes whose labels say what a reward should be after the verbosity correction. A label that knows nothing of Eq 3 asks for
 * margins that the correction then takes away, most of all between answers of different length. So the fit is held to have no
 * covariance with the verbosity reward on the reference set (there Eq 3 has nothing to take), and the share of verbosity that the labels bring
 * along by themselves is added back: r = u + λ r_v, of which Eq 3 leaves u.
 */
import { trainProbe } from './train-heads.ts';
import type { Probe, TrainingData } from './train-heads.ts';
import type { LabelRow } from './label-rows.ts';

/** The verbosity reward on the reference set, as the other probes see it. */
export interface VerbosityReference {
  /** w_v [d], for features as they are. */
  readonly weights: Float64Array;
  /** Σ (x − x̄)(r_v − r̄_v) over the reference set [d], x divided by the spread: a reward w · x has covariance 0 with r_v where w is orthogonal to it. */
  readonly covariance: Float64Array;
}

/** @param rows examples of the reference set. @param weights w_v of the verbosity probe. @param spread of `featureSpread`. */
export function verbosityReference(
  weights: Float64Array,
  rows: readonly number[],
  data: TrainingData,
  spread: Float64Array,
): VerbosityReference {
  const { featureSize: d, features } = data;
  const verbosity = rows.map((row) => rewardOf(weights, features, row * d));
  const mean = verbosity.reduce((sum, value) => sum + value, 0) / rows.length;
  const covariance = new Float64Array(d);
  for (const [i, row] of rows.entries()) {
    const deviation = verbosity[i]! - mean;
    for (let j = 0; j < d; j += 1) covariance[j] = covariance[j]! + (deviation * features[row * d + j]!) / spread[j]!;
  }
  return { weights, covariance };
}

/**
 * The probe of one objective. Its α and its error are those of u, fitted to the labels without covariance with r_v; λ is the slope on r_v
 * of the fit that is free.
 */
export function trainCorrectedProbe(
  rows: readonly LabelRow[],
  data: TrainingData,
  spread: Float64Array,
  reference: VerbosityReference,
): Probe {
  const free = trainProbe(rows, data, spread);
  const corrected = trainProbe(rows, data, spread, reference.covariance);
  const slope = slopeOnVerbosity(free.weights, spread, reference);
  return { ...corrected, weights: corrected.weights.map((weight, i) => weight + slope * reference.weights[i]!) };
}

/** cov(w h, r_v) / var(r_v) over the reference set. */
function slopeOnVerbosity(
  weights: Float64Array,
  spread: Float64Array,
  { covariance, weights: own }: VerbosityReference,
): number {
  const covarianceOf = (of: Float64Array): number =>
    of.reduce((sum, weight, i) => sum + weight * spread[i]! * covariance[i]!, 0);
  return covarianceOf(weights) / covarianceOf(own);
}

function rewardOf(weights: Float64Array, features: Float32Array, start: number): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i += 1) sum += weights[i]! * features[start + i]!;
  return sum;
}
