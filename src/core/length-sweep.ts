/**
 * The length sweep of one answer (armorm.md 8): cut at sentence ends, and padded with its own sentences said again, marked as
 * such; then the slopes of the score over length with and without the transform, which differ by exactly (c_v − g_v) dr_v/dlen.
 */
import { assert } from '@/base/assert.ts';
import { fitLine } from './debias-report.ts';

/** One version of the answer. */
export interface SweepVariant {
  readonly text: string;
  /** Sentences kept of the answer: fewer than all where it is cut. */
  readonly sentences: number;
  /** Sentences said again; 0 where it is not padded. */
  readonly restated: number;
}

/** What goes before the repeated sentences, so that nobody takes the padding for an answer's own words. */
export const restatementMark = 'To restate the above: ';

/**
 * The sentences of a text with the white space that follows each, so that joining them gives the text back. A sentence ends at
 * . ! ? … or a full-width one, with closing quotes and brackets, before white space; and at every line break.
 */
export function sentencesOf(text: string): string[] {
  const pieces = text.match(/[\s\S]*?(?:[.!?…]+["'”’)\]]*(?=\s|$)|[。！？]+["'”’)\]」』]*|\n|$)\s*/g) ?? [];
  return pieces.filter((piece) => piece !== '');
}

/**
 * Versions from short to long: the first 1, 2, … sentences, the whole, then the whole with its first 1, 2, … sentences restated.
 * At most `most` of each kind, spread evenly; the whole answer is always among them, once.
 */
export function lengthVariants(text: string, most = 6): SweepVariant[] {
  assert(Number.isInteger(most) && most >= 1, () => `at least one version of each kind, got ${most}`);
  const sentences = sentencesOf(text);
  const total = sentences.length;
  const cuts = spread(total - 1, most).map((count): SweepVariant => ({
    text: sentences.slice(0, count).join('').trimEnd(),
    sentences: count,
    restated: 0,
  }));
  const padded = spread(total, most).map((count): SweepVariant => ({
    text: `${text.trimEnd()}\n\n${restatementMark}${sentences.slice(0, count).join('').trimEnd()}`,
    sentences: total,
    restated: count,
  }));
  return [...cuts, { text, sentences: total, restated: 0 }, ...padded];
}

/** At most `most` whole numbers from 1 to `last`, spread evenly, `last` included. */
function spread(last: number, most: number): number[] {
  const count = Math.min(last, most);
  return Array.from({ length: Math.max(0, count) }, (_, i) => Math.round(((i + 1) * last) / count));
}

/** One scored version. */
export interface SweepPoint {
  readonly responseTokens: number;
  /** r `[k]`. */
  readonly rewards: Float64Array;
}

export interface SweepSlopes {
  /** Score per token under M = I: s = g · r. */
  readonly uncorrected: number;
  /** Score per token under M: s = g · (r M) = c · r. */
  readonly corrected: number;
  /** dr_v/dlen. */
  readonly verbosity: number;
  /** Scores of every point under M = I and under M. */
  readonly uncorrectedScores: Float64Array;
  readonly correctedScores: Float64Array;
}

/**
 * Least-squares slopes over the versions. One prompt, so one g; the slopes differ by Σ_v (c_v − g_v) dr_v/dlen exactly, as both
 * scores are linear in r and agree elsewhere.
 * @param gateWeights g `[k]`. @param coefficients c = M g `[k]`. @param verbosity the verbosity objective.
 */
export function sweepSlopes(
  points: readonly SweepPoint[],
  gateWeights: Float64Array,
  coefficients: Float64Array,
  verbosity: number,
): SweepSlopes {
  const lengths = Float64Array.from(points, ({ responseTokens }) => responseTokens);
  const scoresWith = (weights: Float64Array): Float64Array =>
    Float64Array.from(points, ({ rewards }) => rewards.reduce((sum, reward, j) => sum + weights[j]! * reward, 0));
  const uncorrectedScores = scoresWith(gateWeights);
  const correctedScores = scoresWith(coefficients);
  return {
    uncorrected: fitLine(lengths, uncorrectedScores).slope,
    corrected: fitLine(lengths, correctedScores).slope,
    verbosity: fitLine(
      lengths,
      Float64Array.from(points, ({ rewards }) => rewards[verbosity]!),
    ).slope,
    uncorrectedScores,
    correctedScores,
  };
}
