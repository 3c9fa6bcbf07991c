/**
 * Everything Evaluate says about a scored set under one choice of scores, as plain data: the one computation behind the view's
 * tables and the command line's report.
 */
import { bestOfN, comparisonsByLabel, type BestOfN } from './best-of-n.ts';
import { calibrationOf, type Calibration } from './calibration.ts';
import {
  accuracyByName,
  lengthBaselines,
  lengthMatched,
  lengthsOf,
  objectiveAccuracies,
  pairAccuracy,
  reweightedAccuracy,
  turnedRound,
  type Accuracy,
  type NamedAccuracy,
  type ReweightedAccuracy,
} from './pair-accuracy.ts';
import { spearman } from './rank-correlation.ts';
import { rewardBenchScore, rewardBenchSection, type RewardBenchScore } from './reward-bench.ts';
import { rmBenchScore, type RmBenchScore } from './rm-bench.ts';
import { comparisonsOf, type Comparisons, type NameColumn, type ScoredSet } from './scored-set.ts';
import { setAdjustedRewards } from './set-scores.ts';

/** Lengths within this share of the longer count as matched. */
export const matchedTolerance = 0.1;

/** An accuracy with what preferring the longer or the shorter would have reached on the same comparisons. */
export interface BaselinedAccuracy extends NamedAccuracy {
  /** Undefined where lengths are not known. */
  readonly longest: Accuracy | undefined;
  readonly shortest: Accuracy | undefined;
}

export interface EvaluationReport {
  readonly rows: number;
  readonly groups: number;
  /** What the comparisons are: chosen against rejected, or by label where there are no roles. */
  readonly comparedBy: 'role' | 'label' | 'nothing';
  readonly overall: BaselinedAccuracy;
  readonly subsets: readonly BaselinedAccuracy[];
  readonly sections: readonly BaselinedAccuracy[];
  /** Each objective as the score by itself: raw reward, and adjusted where a transform is known. */
  readonly objectives: readonly NamedAccuracy[];
  readonly adjustedObjectives: readonly NamedAccuracy[] | undefined;
  readonly length:
    | {
        readonly unit: 'tokens' | 'characters';
        /** Spearman of score and length over all rows. */
        readonly scoreWithLength: number;
        readonly matched: Accuracy;
        readonly matchedTolerance: number;
        readonly reweighted: ReweightedAccuracy;
      }
    | undefined;
  readonly calibration: Calibration;
  /** Where any subset is RewardBench's. */
  readonly rewardBench: RewardBenchScore | undefined;
  /** The same by the training script's counts, the prior sets left out. */
  readonly rewardBenchScript: RewardBenchScore | undefined;
  readonly rmBench: RmBenchScore | undefined;
  /** Without the groups' own rows, which are as many as the groups. */
  readonly bestOfN: Omit<BestOfN, 'groups'> | undefined;
}

/** What of a set the report is made of: numbers and names, neither texts nor gates. */
export type ReportedSet = ReturnType<typeof reportedPart>;

/** That part alone, to be sent elsewhere. */
export function reportedPart(set: ScoredSet) {
  return {
    objectives: set.objectives,
    rows: set.rows,
    groups: set.groups,
    rewards: set.rewards,
    groupStart: set.groupStart,
    roles: set.roles,
    styles: set.styles,
    labels: set.labels,
    responseTokens: set.responseTokens,
    characters: set.characters,
    subsets: set.subsets,
    sections: set.sections,
  } satisfies Partial<ScoredSet>;
}

/** Comparisons of a set: by role where it has any, else by label. */
export function chosenComparisons(set: Pick<ScoredSet, 'groups' | 'groupStart' | 'roles' | 'labels'>): {
  readonly comparisons: Comparisons;
  readonly comparedBy: EvaluationReport['comparedBy'];
} {
  const byRole = comparisonsOf(set);
  if (byRole.chosen.length > 0) return { comparisons: byRole, comparedBy: 'role' };
  const byLabel = comparisonsByLabel(set);
  return { comparisons: byLabel, comparedBy: byLabel.chosen.length > 0 ? 'label' : 'nothing' };
}

/** The section of every row: the dataset's own, else RewardBench's by subset. */
export function sectionsOf({ subsets, sections }: Pick<ScoredSet, 'subsets' | 'sections'>): NameColumn {
  if (sections.names.length > 0) return sections;
  const names: string[] = [];
  const sectionOfSubset = subsets.names.map((subset) => {
    const section = rewardBenchSection(subset);
    if (section === undefined) return -1;
    if (!names.includes(section)) names.push(section);
    return names.indexOf(section);
  });
  return { names, codes: subsets.codes.map((code) => (code < 0 ? -1 : sectionOfSubset[code]!)) };
}

/**
 * @param scores `[n]` to judge by: the set's own, or steered ones.
 * @param transform M `[k, k]` for the adjusted rewards.
 */
export function evaluationReport(
  set: ScoredSet,
  scores: Float64Array = set.scores,
  transform: Float64Array | undefined = set.head?.transform,
): EvaluationReport {
  return reportOn(set, scores, transform);
}

/** The same of the part that it is made of; without a transform there are no adjusted objectives. */
export function reportOn(
  set: ReportedSet,
  scores: Float64Array,
  transform: Float64Array | undefined,
): EvaluationReport {
  const { comparisons, comparedBy } = chosenComparisons(set);
  const known = lengthsOf(set);
  const baselines =
    known === undefined ? { longest: undefined, shortest: undefined } : lengthBaselines(known.lengths, comparisons);
  const byName = (column: NameColumn): BaselinedAccuracy[] => {
    const byLength = known === undefined ? undefined : accuracyByName(known.lengths, comparisons, column);
    return accuracyByName(scores, comparisons, column)
      .map((accuracy, code) => {
        const shortest = byLength === undefined ? undefined : turnedRound(byLength[code]!);
        return { ...accuracy, longest: shortest === undefined ? undefined : turnedRound(shortest), shortest };
      })
      .filter((accuracy) => accuracy.comparisons > 0);
  };
  const subsets = byName(set.subsets);
  const accuracies = new Map(subsets.map(({ name, accuracy }) => [name, accuracy]));
  const isRewardBench = subsets.some(({ name }) => rewardBenchSection(name) !== undefined);
  const { groups: _groups, ...picks } = bestOfN(set, scores) ?? { groups: undefined };
  return {
    rows: set.rows,
    groups: set.groups,
    comparedBy,
    overall: { name: 'all', ...pairAccuracy(scores, comparisons), ...baselines },
    subsets,
    sections: byName(sectionsOf(set)),
    objectives: objectiveAccuracies(set.rewards, set.objectives, comparisons),
    adjustedObjectives:
      transform === undefined
        ? undefined
        : objectiveAccuracies(setAdjustedRewards(set, transform), set.objectives, comparisons),
    length:
      known === undefined
        ? undefined
        : {
            unit: known.unit,
            scoreWithLength: spearman(scores, Float64Array.from(known.lengths)),
            matched: pairAccuracy(scores, comparisons, lengthMatched(known.lengths, comparisons, matchedTolerance)),
            matchedTolerance,
            reweighted: reweightedAccuracy(scores, known.lengths, comparisons),
          },
    calibration: calibrationOf(scores, comparisons),
    rewardBench: isRewardBench ? rewardBenchScore(accuracies) : undefined,
    rewardBenchScript: isRewardBench ? rewardBenchScore(accuracies, 'armorm-script') : undefined,
    rmBench: rmBenchScore(set, scores),
    bestOfN: 'meanRank' in picks ? picks : undefined,
  };
}
