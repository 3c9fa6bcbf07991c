/**
 * Verbosity on a reference set: how each objective goes with the verbosity reward and with the response's length in tokens, before
 * and after a transform, with bootstrap intervals; every way of finding λ side by side, and what it leaves (arXiv 2406.12845 Eq 3).
 */
import { assert } from '@/base/assert.ts';
import {
  bootstrapPlan,
  estimate,
  percentileInterval,
  rankable,
  weightedMidRanks,
  weightedPearson,
  type BootstrapPlan,
  type Estimate,
  type RankableColumn,
} from './bootstrap.ts';
import { exactPenalty, gridPenalty, pearsonPenalty, type ExactPenalty, type GridPenalty } from './debias.ts';
import { DataError } from './errors.ts';
import { centredMoments, pearson, spearman } from './rank-correlation.ts';

/** What correlations are computed on. */
export interface ReferenceSet {
  readonly objectives: readonly string[];
  /** Index of the verbosity objective. */
  readonly verbosity: number;
  /** Raw r `[n, k]`. */
  readonly rewards: Float64Array;
  /** Tokens of each response `[n]`; absent: no correlation with length. */
  readonly responseTokens?: Int32Array;
  /** Prompt of each response `[n]`, for the bootstrap. */
  readonly promptOf?: Int32Array;
}

export interface Correlations {
  readonly spearman: Estimate;
  readonly pearson: Estimate;
}

export interface ObjectiveCorrelations {
  readonly objective: number;
  /** With the verbosity reward. */
  readonly withVerbosity: Correlations;
  /** With the response's tokens, where they are known. */
  readonly withLength: Correlations | undefined;
}

export interface BootstrapOptions {
  /** 0: no intervals. */
  readonly resamples: number;
  readonly seed: number;
}

/** Column j of rows of k. */
export function columnOf(values: Float64Array, objectives: number, j: number): Float64Array {
  return Float64Array.from({ length: values.length / objectives }, (_, row) => values[row * objectives + j]!);
}

/**
 * Correlations of every objective of `values` `[n, k]` (raw or adjusted rewards) with the raw verbosity reward and with length.
 * A constant column has none (NaN).
 * @throws DataError on NaN, naming the objective.
 */
export function correlationsOf(
  set: ReferenceSet,
  values: Float64Array,
  options: BootstrapOptions,
): ObjectiveCorrelations[] {
  const k = set.objectives.length;
  const n = set.rewards.length / k;
  assert(values.length === set.rewards.length, () => `${values.length} values for ${set.rewards.length} rewards`);
  const plan = bootstrapPlan(n, options.resamples, options.seed, set.promptOf);
  const verbosity = prepared(columnOf(set.rewards, k, set.verbosity), plan);
  const length = set.responseTokens === undefined ? undefined : prepared(Float64Array.from(set.responseTokens), plan);
  return set.objectives.map((name, j) => {
    const column = prepared(columnOf(values, k, j), plan, name);
    return {
      objective: j,
      withVerbosity: correlations(column, verbosity, plan),
      withLength: length === undefined ? undefined : correlations(column, length, plan),
    };
  });
}

/** A column with its ranks in every resample. */
interface Prepared {
  readonly column: RankableColumn;
  readonly ranks: Map<Uint16Array, Float64Array>;
}

function prepared(values: Float64Array, plan: BootstrapPlan, where?: string): Prepared {
  const column = rankable(values, where);
  return { column, ranks: new Map(plan.resamples.map((weights) => [weights, weightedMidRanks(column, weights)])) };
}

function correlations(a: Prepared, b: Prepared, plan: BootstrapPlan): Correlations {
  const ranksOf = ({ column, ranks }: Prepared, weights: Uint16Array): Float64Array =>
    ranks.get(weights) ?? weightedMidRanks(column, weights);
  const ofRanks = estimate(plan, (weights) => weightedPearson(ranksOf(a, weights), ranksOf(b, weights), weights));
  const ofValues = estimate(plan, (weights) => weightedPearson(a.column.values, b.column.values, weights));
  // On the rows themselves, the exact arithmetic of `rank-correlation.ts`.
  return {
    spearman: { ...ofRanks, value: spearman(a.column.values, b.column.values) },
    pearson: { ...ofValues, value: pearson(a.column.values, b.column.values) },
  };
}

/** One objective's penalty by each method, and the Spearman and Pearson correlation with verbosity that each leaves. */
export interface PenaltyComparison {
  readonly objective: number;
  /** Undefined for the verbosity objective itself, whose penalty is 1 by definition, and where verbosity is constant. */
  readonly exact: (ExactPenalty & Left & { readonly interval: Estimate['interval'] }) | undefined;
  readonly pearson: ({ readonly penalty: number } & Left) | undefined;
  readonly grid: (GridPenalty & Left) | undefined;
}

/** What a penalty leaves. */
export interface Left {
  readonly spearman: number;
  readonly pearson: number;
}

/**
 * λ of every objective by the exact root (negative and above 1 allowed), by Pearson's closed form and by the authors' grid.
 * @throws DataError on NaN or infinity, or where verbosity is the same in every row.
 */
export function comparePenalties(set: ReferenceSet, options: BootstrapOptions): PenaltyComparison[] {
  const k = set.objectives.length;
  const v = columnOf(set.rewards, k, set.verbosity);
  if (v.every((value) => value === v[0]))
    throw new DataError('verbosity', 'is the same in every row, so no penalty changes the correlation');
  const plan = bootstrapPlan(v.length, options.resamples, options.seed, set.promptOf);
  return set.objectives.map((_, objective) => {
    if (objective === set.verbosity) return { objective, exact: undefined, pearson: undefined, grid: undefined };
    const r = columnOf(set.rewards, k, objective);
    const left = (penalty: number): Left => {
      const rest = r.map((value, i) => value - penalty * v[i]!);
      return { spearman: spearman(rest, v), pearson: pearson(rest, v) };
    };
    const exact = exactPenalty(r, v);
    const closed = pearsonPenalty(r, v);
    const grid = gridPenalty(r, v);
    const draws = plan.resamples.map((weights) => exactOfResample(r, v, weights));
    return {
      objective,
      exact: { ...exact, ...left(exact.penalty), interval: intervalOf(draws) },
      pearson: { penalty: closed, ...left(closed) },
      grid: { ...grid, ...left(grid.penalty) },
    };
  });
}

function exactOfResample(r: Float64Array, v: Float64Array, weights: Uint16Array): number {
  const rows: number[] = [];
  for (const [row, weight] of weights.entries()) for (let i = 0; i < weight; i++) rows.push(row);
  const verbosity = rows.map((row) => v[row]!);
  if (verbosity.every((value) => value === verbosity[0])) return Number.NaN;
  return exactPenalty(
    rows.map((row) => r[row]!),
    verbosity,
  ).penalty;
}

function intervalOf(draws: readonly number[]): Estimate['interval'] {
  return draws.length === 0 ? undefined : percentileInterval(draws);
}

/** The straight line through the points by least squares, y = intercept + slope · x. */
export interface FittedLine {
  readonly slope: number;
  readonly intercept: number;
  /** Pearson's r. */
  readonly r: number;
}

/** @returns slope NaN where x is constant. @throws DataError on NaN or infinity. */
export function fitLine(x: Float64Array, y: Float64Array): FittedLine {
  const { xx, xy } = centredMoments(x, y);
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const slope = xx === 0 ? Number.NaN : xy / xx;
  return { slope, intercept: mean(y) - slope * mean(x), r: pearson(x, y) };
}
