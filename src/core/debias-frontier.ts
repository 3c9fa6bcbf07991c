/**
 * The price of a correction: accuracy against what is left of the correlation with verbosity and length, as all penalties are
 * scaled by t from 0 (none) through 1 (the penalties) to 1.5 (too much).
 */
import type { DimensionPenalties } from './debias.ts';
import { transformFromPenalties } from './debias.ts';
import { columnOf } from './debias-report.ts';
import { pairAccuracy, type Accuracy } from './pair-accuracy.ts';
import { spearman } from './rank-correlation.ts';
import type { Comparisons, ScoredSet } from './scored-set.ts';
import { scoresUnderTransform, setAdjustedRewards } from './set-scores.ts';

export interface FrontierPoint {
  /** t. */
  readonly scale: number;
  readonly accuracy: Accuracy;
  /** Mean over the objectives of |Spearman(r'_j, r_v)|; the verbosity objective and constant columns are left out. */
  readonly meanResidual: number;
  /** Largest of them. */
  readonly largestResidual: number;
  /** Spearman of the score with the raw verbosity reward. */
  readonly scoreWithVerbosity: number;
  /** Spearman of the score with the response's tokens; NaN where they are not all known. */
  readonly scoreWithLength: number;
}

/** 0, 0.05 … 1.5. */
export const frontierScales: readonly number[] = Array.from({ length: 31 }, (_, i) => i / 20);

/** The penalties that a transform has for one verbosity dimension: λ_j = δ_vj − M[v, j]. */
export function penaltiesOf(transform: Float64Array, objectives: number, dimension: number): DimensionPenalties {
  const penalties = Float64Array.from(
    { length: objectives },
    (_, j) => (j === dimension ? 1 : 0) - transform[dimension * objectives + j]!,
  );
  return { dimension, penalties };
}

/** The penalties times `scale`. The verbosity dimension's own is scaled too: at 0 nothing is changed. */
export function scaledPenalties({ dimension, penalties }: DimensionPenalties, scale: number): DimensionPenalties {
  return { dimension, penalties: penalties.map((penalty) => scale * penalty) };
}

/** @param comparisons may be empty: accuracies are NaN then. */
export function debiasFrontier(
  set: ScoredSet,
  comparisons: Comparisons,
  penalties: DimensionPenalties,
  scales: readonly number[] = frontierScales,
): FrontierPoint[] {
  const k = set.objectives.length;
  const verbosity = columnOf(set.rewards, k, penalties.dimension);
  const tokens = set.responseTokens.every((count) => count >= 0) ? Float64Array.from(set.responseTokens) : undefined;
  return scales.map((scale) => {
    const transform = transformFromPenalties(k, [scaledPenalties(penalties, scale)]);
    const scores = scoresUnderTransform(set, transform);
    const adjusted = setAdjustedRewards(set, transform);
    const residuals = set.objectives
      .map((_, j) => (j === penalties.dimension ? Number.NaN : spearman(columnOf(adjusted, k, j), verbosity)))
      .filter((rho) => !Number.isNaN(rho))
      .map(Math.abs);
    return {
      scale,
      accuracy: pairAccuracy(scores, comparisons),
      meanResidual: residuals.reduce((sum, rho) => sum + rho, 0) / residuals.length,
      largestResidual: residuals.reduce((largest, rho) => Math.max(largest, rho), 0),
      scoreWithVerbosity: spearman(scores, verbosity),
      scoreWithLength: tokens === undefined ? Number.NaN : spearman(scores, tokens),
    };
  });
}
