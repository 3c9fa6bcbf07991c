/**
 * What one objective's reward is, in figures: how well it follows labels it never saw, and what raises it. For `report.json`,
 * where the page reads it ("each objective explains itself"). Pure; texts never appear in a result.
 */
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';
import { spearman } from '@/core/rank-correlation.ts';
import type { ContrastKind } from './dataset.ts';
import { groupByLabel, round } from './evaluate.ts';
import type { JudgedPair, SourceFit } from './evaluate.ts';
import { LABEL_RECIPES } from './label-recipes.ts';
import type { LabelRecipe } from './label-recipes.ts';
import type { Example } from './label-rows.ts';

/** The better side of every built contrast, to be read after "raised when the response …". */
export const CONTRAST_WORDS: Readonly<Record<ContrastKind, string>> = {
  'off-topic': 'answers this question rather than another one',
  shuffled: 'keeps its sentences in order',
  truncated: 'is whole rather than cut off',
  repeated: 'does not repeat itself',
  padded: 'has no empty filler',
  rude: 'is polite rather than insulting',
  typos: 'is spelt right',
  terse: 'says something rather than a few words',
  evasive: 'answers rather than evades or refuses',
  overclaim: 'does not claim total certainty',
  flattering: 'does not flatter',
  unsafe: 'refuses a harmful request rather than serving it',
  'code-comments': 'has comments in its code',
  'code-names': 'has meaningful names in its code',
  'code-layout': 'has well laid out code',
  'code-cut': 'has whole code rather than cut code',
  'code-other-task': 'has code for this task rather than another one',
  'code-bare': 'explains its code in words',
  'code-talk': 'has code rather than talk about code',
};

/** The effect of one difference on a reward. */
export interface RewardEffect {
  /** Kind of built contrast. */
  readonly kind: string;
  /** What the better response does; reads after "raised when the response …". */
  readonly words: string;
  readonly pairs: number;
  /** Mean of (reward of the better − of the spoiled response), in standard deviations of this reward; negative: it is lowered. */
  readonly effect: number;
  /** Half width of the mean's 95 % interval, same unit (1.96 standard errors). */
  readonly within: number;
}

export interface ObjectiveFacts {
  readonly name: string;
  readonly description: string;
  readonly labels: { readonly kind: LabelRecipe['kind']; readonly note: string };
  /** On the test split, within each source of labels. */
  readonly agreement: readonly SourceFit[];
  /** The source of the most rows that are not built contrasts, else the contrasts: the figure to show first. Absent: too few. */
  readonly headline?: {
    readonly source: string;
    readonly n: number;
    readonly measure: 'auc' | 'spearman';
    readonly value: number;
  };
  /** Falling effect. Measured on the test split. */
  readonly raisedBy: readonly RewardEffect[];
  readonly length: {
    /** Spearman's ρ of the reward and the tokens of natural responses. */
    readonly spearman: number;
    /** Least-squares change of the reward for twice the tokens, in standard deviations. */
    readonly perDoubling: number;
  };
  /** One standard deviation of the reward over natural responses of the test split, in its own unit. */
  readonly deviation: number;
}

/** The figure to show first; see `ObjectiveFacts.headline`. */
export function headlineOf(agreement: readonly SourceFit[]): ObjectiveFacts['headline'] {
  const judged = agreement.filter(({ auc, spearman: rho }) => auc !== undefined || rho !== undefined);
  const rated = judged.filter(({ source }) => !source.startsWith('contrasts'));
  const [first] = [...(rated.length > 0 ? rated : judged)].sort((a, b) => b.n - a.n);
  if (first === undefined) return undefined;
  const { source, n, auc } = first;
  return auc === undefined
    ? { source, n, measure: 'spearman', value: first.spearman ?? Number.NaN }
    : { source, n, measure: 'auc', value: auc };
}

/**
 * @param rewardOf reward of objective `j` for an example's index.
 * @param pairs built contrasts of the split to measure on.
 * @param naturals indices of natural responses of that split, at least two.
 */
export function objectiveFacts(
  j: number,
  rewardOf: (example: number) => number,
  examples: readonly Example[],
  pairs: readonly JudgedPair[],
  naturals: readonly number[],
  agreement: readonly SourceFit[],
): ObjectiveFacts {
  const recipe = LABEL_RECIPES[j];
  const named = ARMORM_OBJECTIVES[j];
  if (recipe === undefined || named === undefined) throw new RangeError(`there is no objective ${j}`);
  const rewards = naturals.map((row) => rewardOf(row));
  const mean = meanOf(rewards);
  const deviation = Math.sqrt(meanOf(rewards.map((value) => (value - mean) ** 2)));
  const tokens = naturals.map((row) => examples[row]?.tokens ?? 0);
  const doublings = tokens.map((count) => Math.log2(1 + count));
  const meanDoubling = meanOf(doublings);
  const slope =
    doublings.reduce((sum, value, i) => sum + (value - meanDoubling) * (rewards[i]! - mean), 0) /
    doublings.reduce((sum, value) => sum + (value - meanDoubling) ** 2, 0);
  const headline = headlineOf(agreement);
  const words = new Map<string, string>(Object.entries(CONTRAST_WORDS));
  const raisedBy = [...groupByLabel(pairs)].map(([kind, list]): RewardEffect => {
    const effects = list.map(({ better, worse }) => (rewardOf(better) - rewardOf(worse)) / deviation);
    const effect = meanOf(effects);
    const spread = Math.sqrt(meanOf(effects.map((value) => (value - effect) ** 2)));
    return {
      kind,
      words: words.get(kind) ?? kind,
      pairs: list.length,
      effect: round(effect),
      within: round((1.96 * spread) / Math.sqrt(list.length)),
    };
  });
  return {
    name: named.name,
    description: named.description,
    labels: { kind: recipe.kind, note: recipe.note },
    agreement,
    ...(headline === undefined ? {} : { headline }),
    raisedBy: raisedBy.sort((a, b) => b.effect - a.effect),
    length: { spearman: round(spearman(rewards, tokens)), perDoubling: round(slope / deviation) },
    deviation,
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
