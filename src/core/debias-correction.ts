/**
 * From a reference set to a correction: which rows the penalties are found on, the penalties one method found, and the transform M
 * they make beside a model's other verbosity dimensions (arXiv 2406.12845 Eq 2, 3; armorm.md I5).
 */
import { penaltiesOf, scaledPenalties } from './debias-frontier.ts';
import { transformFromPenalties, type DimensionPenalties, type PenaltyMethod } from './debias.ts';
import type { PenaltyComparison, ReferenceSet } from './debias-report.ts';
import { spearman } from './rank-correlation.ts';
import type { ScoredSet } from './scored-set.ts';

/** The rows of a scored set as a reference set. Lengths count only where every row has its tokens; groups are resampled whole. */
export function referenceOfScored(set: ScoredSet, verbosity: number): ReferenceSet {
  const { objectives, rewards, responseTokens, groupOf } = set;
  return {
    objectives,
    verbosity,
    rewards,
    promptOf: groupOf,
    ...(responseTokens.every((count) => count >= 0) ? { responseTokens } : {}),
  };
}

/**
 * λ `[k]` as `method` found it. The verbosity objective's own is 1, that of other verbosity dimensions 0 (both stay dead in M).
 * @param compared one entry an objective, in order.
 */
export function penaltiesBy(
  method: PenaltyMethod,
  compared: readonly PenaltyComparison[],
  dimension: number,
  verbosityDimensions: readonly number[],
): DimensionPenalties {
  const penalties = Float64Array.from(compared, ({ objective, exact, pearson, grid }) => {
    if (objective === dimension) return 1;
    if (verbosityDimensions.includes(objective)) return 0;
    const found = method === 'exact' ? exact : method === 'pearson' ? pearson : grid;
    return found?.penalty ?? 0;
  });
  return { dimension, penalties };
}

/**
 * M `[k, k]` of a correction at `scale` (0: none, 1: as found). The rows of the model's other verbosity dimensions stay as the model
 * has them.
 * @param own the model's M `[k, k]`.
 */
export function correctionTransform(
  own: Float64Array,
  penalties: DimensionPenalties,
  verbosityDimensions: readonly number[],
  scale = 1,
): Float64Array {
  const k = penalties.penalties.length;
  const others = verbosityDimensions.filter((dimension) => dimension !== penalties.dimension);
  return transformFromPenalties(k, [
    scaledPenalties(penalties, scale),
    ...others.map((dimension) => penaltiesOf(own, k, dimension)),
  ]);
}

/** What the objectives keep of verbosity under a transform. */
export interface Residual {
  /** Mean of |Spearman(r'_j, r_v)| over the objectives that have one, the verbosity objective left out. */
  readonly mean: number;
  readonly largest: number;
  /** Index of the objective that has it; undefined where none has a correlation. */
  readonly objective: number | undefined;
}

/** @param adjusted r' `[n, k]` of the set's rows. */
export function residualOf(set: ReferenceSet, adjusted: Float64Array): Residual {
  const k = set.objectives.length;
  const rows = set.rewards.length / k;
  const column = (values: Float64Array, j: number) =>
    Float64Array.from({ length: rows }, (_, row) => values[row * k + j]!);
  const verbosity = column(set.rewards, set.verbosity);
  let [sum, count, largest]: [number, number, number] = [0, 0, Number.NaN];
  let objective: number | undefined;
  for (let j = 0; j < k; j++) {
    if (j === set.verbosity) continue;
    const rho = Math.abs(spearman(column(adjusted, j), verbosity));
    if (Number.isNaN(rho)) continue;
    sum += rho;
    count += 1;
    if (!(rho <= largest)) [largest, objective] = [rho, j];
  }
  return { mean: sum / count, largest, objective };
}
