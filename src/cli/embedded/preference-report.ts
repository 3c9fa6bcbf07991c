/** Real preferences judged by a head, beside everything simpler it must beat. Pure; texts never appear in a result. */
import type { HeadEvaluation } from '@/core/reward-head.ts';
import { pairAccuracy } from './evaluate.ts';
import type { Accuracy, JudgedPair } from './evaluate.ts';
import type { Example } from './label-rows.ts';
import { balancedAccuracy, matchedAccuracy, wilson } from './length-fairness.ts';
import type { IntervalAccuracy } from './length-fairness.ts';

/** One way to score a response, and how it does. */
export interface ScorerAccuracy {
  readonly accuracy: number;
  /** Re-weighted so that the longer answer is preferred half of the time. */
  readonly balanced: number;
  /** On pairs of about equal length, with its 95 % interval. */
  readonly matched: IntervalAccuracy;
}

/** The heads and what their gates average to. */
export interface JudgedHeads {
  /** Head outputs by example, of the package's head. */
  readonly corrected: readonly HeadEvaluation[];
  /** The same rewards under M = I with a gate trained so. */
  readonly uncorrected: readonly HeadEvaluation[];
  /** Mean gate over the training prompts, [k]. */
  readonly correctedMeanGate: ArrayLike<number>;
  readonly uncorrectedMeanGate: ArrayLike<number>;
  /** Score of the plain Bradley-Terry linear head by example. */
  readonly linear: ArrayLike<number>;
}

export interface PreferenceReport extends Accuracy {
  /** 95 % interval of `accuracy`. */
  readonly interval: readonly [low: number, high: number];
  /** Share of the pairs in which the longer (shorter) answer is preferred. */
  readonly longerWins: number;
  readonly shorterWins: number;
  readonly uncorrectedAccuracy: number;
  readonly meanGate: number;
  readonly uncorrectedMeanGate: number;
  /** The plain mean of the 19 raw rewards, without a gate. */
  readonly meanReward: number;
  readonly linearHead: number;
}

type Scorer = (example: number) => number;

function weighted(values: ArrayLike<number> | undefined, weights: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < weights.length; j += 1) sum += (weights[j] ?? 0) * (values?.[j] ?? Number.NaN);
  return sum;
}

function sumOf(values: ArrayLike<number> | undefined): number {
  let sum = 0;
  for (let j = 0; j < (values?.length ?? 0); j += 1) sum += values?.[j] ?? Number.NaN;
  return sum;
}

function scorersOf(heads: JudgedHeads) {
  const { corrected, uncorrected } = heads;
  return {
    gated: (example: number) => corrected[example]?.score ?? Number.NaN,
    gatedUncorrected: (example: number) => uncorrected[example]?.score ?? Number.NaN,
    meanGate: (example: number) => weighted(corrected[example]?.adjustedRewards, heads.correctedMeanGate),
    meanGateUncorrected: (example: number) => weighted(uncorrected[example]?.rewards, heads.uncorrectedMeanGate),
    meanReward: (example: number) => sumOf(corrected[example]?.rewards),
    linearHead: (example: number) => heads.linear[example] ?? Number.NaN,
  } satisfies Record<string, Scorer>;
}

/** The package's head and its baselines on some pairs, for one line of a table. */
export function judgePreferences(
  pairs: readonly JudgedPair[],
  examples: readonly Example[],
  heads: JudgedHeads,
): PreferenceReport {
  const scorers = scorersOf(heads);
  const tokens: Scorer = (example) => examples[example]?.tokens ?? 0;
  const accuracy = pairAccuracy(pairs, scorers.gated);
  const { low, high } = wilson(accuracy, pairs.length);
  return {
    n: pairs.length,
    accuracy,
    interval: [low, high],
    longerWins: pairAccuracy(pairs, tokens),
    shorterWins: pairAccuracy(pairs, (example) => -tokens(example)),
    uncorrectedAccuracy: pairAccuracy(pairs, scorers.gatedUncorrected),
    meanGate: pairAccuracy(pairs, scorers.meanGate),
    uncorrectedMeanGate: pairAccuracy(pairs, scorers.meanGateUncorrected),
    meanReward: pairAccuracy(pairs, scorers.meanReward),
    linearHead: pairAccuracy(pairs, scorers.linearHead),
  };
}

/** Every scorer on all pairs, with what length cannot explain. */
export function compareScorers(
  pairs: readonly JudgedPair[],
  examples: readonly Example[],
  heads: JudgedHeads,
): Record<keyof ReturnType<typeof scorersOf>, ScorerAccuracy> & { readonly longerWins: ScorerAccuracy } {
  const tokens: Scorer = (example) => examples[example]?.tokens ?? 0;
  const judge = (scorer: Scorer): ScorerAccuracy => ({
    accuracy: pairAccuracy(pairs, scorer),
    balanced: balancedAccuracy(pairs, scorer, tokens).accuracy,
    matched: matchedAccuracy(pairs, scorer, tokens),
  });
  const scorers = scorersOf(heads);
  return {
    gated: judge(scorers.gated),
    meanGate: judge(scorers.meanGate),
    gatedUncorrected: judge(scorers.gatedUncorrected),
    meanGateUncorrected: judge(scorers.meanGateUncorrected),
    meanReward: judge(scorers.meanReward),
    linearHead: judge(scorers.linearHead),
    longerWins: judge(tokens),
  };
}

/** Accuracy of every raw reward alone, manifest order. */
export function singleObjectives(pairs: readonly JudgedPair[], evaluations: readonly HeadEvaluation[]): number[] {
  const k = evaluations[0]?.rewards.length ?? 0;
  return Array.from({ length: k }, (_, j) =>
    pairAccuracy(pairs, (example) => evaluations[example]?.rewards[j] ?? Number.NaN),
  );
}
