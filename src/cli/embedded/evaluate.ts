/**
 * Judges heads on a split: per objective within each source, built contrasts by kind, preferences by source beside the length
 * baselines, and what the gate does. Pure; texts never appear in a result.
 */
import { evaluateHead } from '@/core/reward-head.ts';
import type { HeadEvaluation, RewardHead } from '@/core/reward-head.ts';
import { spearman } from '@/core/rank-correlation.ts';
import type { Group } from './dataset.ts';
import type { Example, LabelRow } from './label-rows.ts';
import type { Split } from './records.ts';

/** Fewest rows a correlation is reported for. */
const FEWEST_ROWS = 12;

export interface SourceFit {
  readonly source: string;
  readonly n: number;
  /** Spearman's ρ of reward and label; absent where it does not exist. */
  readonly spearman?: number;
  /** Area under the ROC curve, for labels of two values. */
  readonly auc?: number;
  /** Share of pairs in the right order, for sources of pairs. */
  readonly pairAccuracy?: number;
}

export interface Accuracy {
  readonly n: number;
  readonly accuracy: number;
}

/** Probability that a positive example's score exceeds a negative one's, ties half (Mann-Whitney). NaN without both. */
export function areaUnderCurve(scores: readonly number[], positive: readonly boolean[]): number {
  const above = scores.filter((_, i) => positive[i]);
  const below = scores.filter((_, i) => !positive[i]);
  let wins = 0;
  for (const a of above) for (const b of below) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return wins / (above.length * below.length);
}

/** How well the rewards of one objective follow each source's labels on `split`. */
export function fitBySource(
  rows: readonly LabelRow[],
  examples: readonly Example[],
  rewardOf: (example: number) => number,
  split: Split,
): SourceFit[] {
  const bySource = new Map<string, LabelRow[]>();
  for (const row of rows) {
    if (examples[row.example]?.split !== split || row.source.startsWith('anchor')) continue;
    const list = bySource.get(row.source);
    if (list === undefined) bySource.set(row.source, [row]);
    else list.push(row);
  }
  return [...bySource].map(([source, list]) => {
    const pairs = list.flatMap(({ example, worse }) =>
      worse === undefined ? [] : [{ better: example, worse, label: '' }],
    );
    const plain = list.filter(({ worse }) => worse === undefined);
    const rewards = plain.map(({ example }) => rewardOf(example));
    const raw = plain.map((row) => row.raw);
    const ofPairs = pairs.length < FEWEST_ROWS ? {} : { pairAccuracy: pairAccuracy(pairs, rewardOf) };
    const values = new Set(raw);
    if (plain.length === 0) return { source, n: pairs.length, ...ofPairs };
    if (plain.length < FEWEST_ROWS || values.size < 2) return { source, n: plain.length, ...ofPairs };
    const rho = round(spearman(rewards, raw));
    if (values.size > 2) return { source, n: plain.length, spearman: rho, ...ofPairs };
    const top = Math.max(...values);
    const auc = areaUnderCurve(
      rewards,
      raw.map((value) => value === top),
    );
    return { source, n: plain.length, spearman: rho, auc: round(auc), ...ofPairs };
  });
}

/** Four decimals: more would pretend. */
export function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

/** All head outputs of the examples, in order. `featureOf` and `gateFeatureOf` give f32 [d]. */
export function evaluateExamples(
  head: RewardHead,
  examples: readonly Example[],
  featureOf: (example: Example) => Float32Array,
  gateFeatureOf: (group: Group) => Float32Array,
): HeadEvaluation[] {
  return examples.map((example) => evaluateHead(head, featureOf(example), gateFeatureOf(example.group)));
}

export interface JudgedPair {
  /** Indices into the examples. */
  readonly better: number;
  readonly worse: number;
  /** Source of a preference, kind of a contrast. */
  readonly label: string;
}

/** The real preferences whose both responses have features. */
export function preferencePairs(
  groups: readonly Group[],
  index: ReadonlyMap<string, number>,
  split: Split,
): JudgedPair[] {
  return pairsOf(groups, index, split, (group) =>
    group.preferences.map(({ chosen, rejected, source }) => ({ better: chosen, worse: rejected, label: source })),
  );
}

/** Good answer over twin, by kind of contrast. @param which of them: the judged ones, the additional off-topic ones, or all. */
export function contrastPairs(
  groups: readonly Group[],
  index: ReadonlyMap<string, number>,
  split: Split,
  which: 'judged' | 'extra' | 'all' = 'judged',
): JudgedPair[] {
  return pairsOf(groups, index, split, (group) =>
    group.contrasts
      .filter(({ extra }) => which === 'all' || (extra === true) === (which === 'extra'))
      .map(({ good, twin, kind }) => ({ better: good, worse: twin, label: kind })),
  );
}

function pairsOf(
  groups: readonly Group[],
  index: ReadonlyMap<string, number>,
  split: Split,
  list: (group: Group) => JudgedPair[],
): JudgedPair[] {
  const pairs: JudgedPair[] = [];
  for (const group of groups) {
    if (group.split !== split) continue;
    for (const { better, worse, label } of list(group)) {
      const first = index.get(`${group.key}/${better}`);
      const second = index.get(`${group.key}/${worse}`);
      if (first !== undefined && second !== undefined) pairs.push({ better: first, worse: second, label });
    }
  }
  return pairs;
}

/** Share of pairs in which `value` is higher for the better side; a tie counts half. NaN for no pair. */
export function pairAccuracy(pairs: readonly JudgedPair[], value: (example: number) => number): number {
  const wins = pairs.reduce((sum, { better, worse }) => {
    const margin = value(better) - value(worse);
    return sum + (margin > 0 ? 1 : margin === 0 ? 0.5 : 0);
  }, 0);
  return round(wins / pairs.length);
}

export function groupByLabel(pairs: readonly JudgedPair[]): Map<string, JudgedPair[]> {
  const grouped = new Map<string, JudgedPair[]>();
  for (const pair of [...pairs].sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0))) {
    const list = grouped.get(pair.label);
    if (list === undefined) grouped.set(pair.label, [pair]);
    else list.push(pair);
  }
  return grouped;
}

export type PromptKind = 'safety' | 'code' | 'sums' | 'short facts' | 'open';

const PROMPT_KINDS: ReadonlyMap<string, PromptKind> = new Map([
  ['gptfuzz', 'safety'],
  ['jailbreakbench', 'safety'],
  ['diasafety', 'safety'],
  ['dices', 'safety'],
  ['hh_harmless', 'safety'],
  ['bigcodebench_pass', 'code'],
  ['ilf_mbpp', 'code'],
  ['gsm8k_solutions', 'sums'],
  ['truthfulqa_judge', 'short facts'],
  ['factool', 'short facts'],
]);

export function promptKind(group: Group): PromptKind {
  return PROMPT_KINDS.get(group.source) ?? 'open';
}

export interface GateSummary {
  readonly prompts: number;
  /** Mean Shannon entropy of the normalised gate, in nats; ln 19 = 2.944 is a gate that does nothing. */
  readonly meanEntropy: number;
  /** Mean gate weight by objective, manifest order. */
  readonly meanWeights: readonly number[];
}

/** What the gate does on prompts of each kind. `weightsOf` gives g [k]. */
export function summariseGate(
  groups: readonly Group[],
  weightsOf: (group: Group) => Float64Array,
): Partial<Record<PromptKind | 'all', GateSummary>> {
  const kinds = new Map<PromptKind | 'all', Float64Array[]>();
  for (const group of groups)
    for (const kind of ['all', promptKind(group)] as const)
      kinds.set(kind, [...(kinds.get(kind) ?? []), weightsOf(group)]);
  const summary: Partial<Record<PromptKind | 'all', GateSummary>> = {};
  for (const [kind, gates] of [...kinds].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const mean = Array.from(gates[0] ?? [], (_, j) => gates.reduce((sum, g) => sum + (g[j] ?? 0), 0) / gates.length);
    const entropies = gates.map((g) => {
      const total = g.reduce((sum, value) => sum + value, 0);
      return -g.reduce((sum, value) => sum + (value > 0 ? (value / total) * Math.log(value / total) : 0), 0);
    });
    summary[kind] = {
      prompts: gates.length,
      meanEntropy: round(entropies.reduce((sum, value) => sum + value, 0) / entropies.length),
      meanWeights: mean.map(round),
    };
  }
  return summary;
}
