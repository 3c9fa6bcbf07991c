/** What the results say, in numbers: contributions, pair comparison, the gate's summary. Pure; shapes [k] in manifest order. */
import { bradleyTerry } from '@/core/attribution.ts';
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { shortObjectiveLabel } from '@/components/objective-language.ts';
import type { RadarAxis } from '@/components/objective-radar.tsx';
import type { ObjectiveRow } from '@/components/objective-table.tsx';
import type { RewardView } from '@/state/inspect-store.ts';

/** One row per objective; contributions c_i · r_i sum to the score (Eq 4 rewritten on raw rewards, armorm.md I6). */
export function objectiveRows(manifest: Manifest, scored: ScoredResponse): readonly ObjectiveRow[] {
  const known = rowsOf.get(scored);
  if (known !== undefined) return known;
  const rows = manifest.objectives.map((objective, index) => {
    const reward = scored.rewards[index] ?? Number.NaN;
    const coefficient = scored.coefficients[index] ?? Number.NaN;
    return {
      objective,
      reward,
      adjusted: scored.adjustedRewards[index] ?? Number.NaN,
      gateWeight: scored.gateWeights[index] ?? Number.NaN,
      coefficient,
      contribution: coefficient * reward,
    };
  });
  rowsOf.set(scored, rows);
  return rows;
}

/** A response was scored by one model, so its rows never change: the same array is the same rows. */
const rowsOf = new WeakMap<ScoredResponse, readonly ObjectiveRow[]>();

/** Sum of the contributions in float64: the score again, up to rounding. */
export function contributionSum(rows: readonly ObjectiveRow[]): number {
  return rows.reduce((sum, row) => sum + row.contribution, 0);
}

export interface PairComparison {
  /** score of the first minus score of the second. */
  readonly margin: number;
  /** σ(β · margin): Bradley-Terry probability that the first is preferred. */
  readonly probability: number;
  readonly beta: number;
  /** False when the package publishes no β and 1 stands in. */
  readonly betaPublished: boolean;
}

/** Bradley-Terry on the margin, with the β the gate was trained with where the manifest has it. */
export function comparePair(manifest: Manifest, first: number, second: number): PairComparison {
  const beta = manifest.bradleyTerryBeta ?? 1;
  const margin = first - second;
  return {
    margin,
    probability: bradleyTerry(beta, margin),
    beta,
    betaPublished: manifest.bradleyTerryBeta !== undefined,
  };
}

export interface GateSummary {
  /** Σg; equals the manifest's logit_scale up to rounding. */
  readonly sum: number;
  readonly logitScale: number;
  /** Share of Σg on verbosity dimensions whose adjusted reward is exactly zero: weight that reaches no score. */
  readonly deadMass: number;
  readonly deadObjectives: readonly string[];
  /** Indices by falling gate weight. */
  readonly order: readonly number[];
}

/** What one gate reading amounts to. */
export function gateSummary(manifest: Manifest, scored: ScoredResponse): GateSummary {
  const sum = scored.gateWeights.reduce((total, weight) => total + weight, 0);
  const dead = manifest.verbosityDimensions.filter((index) => scored.adjustedRewards[index] === 0);
  const deadWeight = dead.reduce((total, index) => total + (scored.gateWeights[index] ?? 0), 0);
  return {
    sum,
    logitScale: manifest.gate.logitScale,
    deadMass: sum === 0 ? 0 : deadWeight / sum,
    deadObjectives: dead.map((index) => manifest.objectives[index]?.name ?? String(index)),
    order: [...scored.gateWeights.keys()].sort(
      (a, b) => (scored.gateWeights[b] ?? 0) - (scored.gateWeights[a] ?? 0) || a - b,
    ),
  };
}

/** Objectives with a published native scale, for the native view. */
export function nativeIndices(manifest: Manifest): number[] {
  return manifest.objectives.flatMap((objective, index) => (objective.nativeScale === undefined ? [] : [index]));
}

/** Values of one response in a view, for the objectives at `indices`. Native: scale · r + offset (armorm.md I10). */
export function viewValues(
  manifest: Manifest,
  scored: ScoredResponse,
  view: RewardView,
  indices: readonly number[],
): number[] {
  return indices.map((index) => {
    const raw = scored.rewards[index] ?? Number.NaN;
    if (view === 'adjusted') return scored.adjustedRewards[index] ?? Number.NaN;
    const native = manifest.objectives[index]?.nativeScale;
    return view === 'native' && native !== undefined ? native.scale * raw + native.offset : raw;
  });
}

/** Spokes of a radar for the objectives at `indices`. */
export function radarAxes(manifest: Manifest, indices: readonly number[]): RadarAxis[] {
  return indices.flatMap((index) => {
    const objective = manifest.objectives[index];
    return objective === undefined
      ? []
      : [{ name: objective.name, label: shortObjectiveLabel(objective), group: objective.group }];
  });
}
