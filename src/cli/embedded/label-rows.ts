/**
 * Turns the label recipes into rows: which example, which objective, what label, what weight. Pure.
 */
import type { ContrastKind, Group } from './dataset.ts';
import type { ComputedMeasure, ContrastLevels, LabelRecipe, LabelSource } from './label-recipes.ts';
import type { Split } from './records.ts';
import { codeBlocks, codeComplexity, codeExplanation, readingComplexity, words } from './text-measures.ts';

/** One response with its features' place; the same for every objective. */
export interface Example {
  readonly group: Group;
  /** Index into `group.responses`. */
  readonly response: number;
  readonly text: string;
  readonly split: Split;
  /** Tokens of the response. */
  readonly tokens: number;
  /** A built text, by kind of contrast; absent for natural responses. */
  readonly twinOf?: ContrastKind;
}

export interface LabelRow {
  /** Index into the examples. */
  readonly example: number;
  /**
   * Present: a difference row. Its features are those of `example` minus those of this one, and its label is by how much the
   * reward of the first should exceed that of the second. Without an intercept the two kinds of rows mix in one ridge.
   */
  readonly worse?: number;
  /** As the source says it, in [0, 1] or the measure's own unit. */
  readonly raw: number;
  /** Within-source mean 0.5, standard deviation 0.08, cut to [0, 1]; of a difference row the wanted difference. */
  readonly label: number;
  readonly weight: number;
  readonly source: string;
}

/**
 * Centre and spread of labels within a source. The spread fixes what β = 100 of Eq 5 means: with 0.2 the pairs are so noisy for
 * their margins that the gate flees to the dead verbosity column (half of its mass on dev); with 0.08 it does not.
 */
const LABEL_MEAN = 0.5;
const LABEL_DEVIATION = 0.08;
/** Wanted difference between a good answer and its worst twin. */
const CONTRAST_STEP = 0.2;
/** Share of a contrast source's weight that its texts have as plain rows, so that a spoiled text is low on the common scale too. */
const PLAIN_CONTRAST_SHARE = 0.3;
/** Wanted difference between a preferred answer and the other one. */
const PAIR_STEP = 0.15;
/** Rare kinds of twins weigh more: a row's weight has this power of (mean count / its kind's count). */
const KIND_BALANCE = 0.2;
/** No kind counts as rarer than this. */
const FEWEST_OF_KIND = 8;

/** Every response of the groups that `has` features, in group order. */
export function listExamples(
  groups: readonly Group[],
  tokensOf: (group: Group, response: string) => number | undefined,
): Example[] {
  const examples: Example[] = [];
  for (const group of groups) {
    const twins = new Map(group.contrasts.map(({ twin, kind }) => [twin, kind]));
    // The better side of this kind is a refusal we wrote.
    for (const { kind, good } of group.contrasts) if (kind === 'unsafe') twins.set(good, kind);
    for (const natural of naturalResponses(group)) twins.delete(natural);
    for (const [response, text] of group.responses.entries()) {
      const tokens = tokensOf(group, text);
      if (tokens === undefined) continue;
      const twinOf = twins.get(response);
      examples.push({ group, response, text, split: group.split, tokens, ...(twinOf === undefined ? {} : { twinOf }) });
    }
  }
  return examples;
}

function naturalResponses(group: Group): Set<number> {
  const natural = new Set(group.ratings.map(({ response }) => response));
  for (const { chosen, rejected } of group.preferences) natural.add(chosen).add(rejected);
  return natural;
}

/** Index of every example by group key and response index. */
export function indexExamples(examples: readonly Example[]): Map<string, number> {
  return new Map(examples.map(({ group, response }, index) => [`${group.key}/${response}`, index]));
}

/**
 * The rows of one objective over all splits. Centre, spread and weights come from the training rows alone.
 * @param index of `indexExamples(examples)`.
 */
export function labelRows(
  recipe: LabelRecipe,
  examples: readonly Example[],
  index: ReadonlyMap<string, number>,
): LabelRow[] {
  const groups = new Set(examples.map(({ group }) => group));
  const splitOf = (example: number): Split | undefined => examples[example]?.split;
  return recipe.sources.flatMap((source) => {
    const name = `${source.from}: ${source.name}`;
    if (source.from === 'pairs') return pairRows(source, name, groups, index, splitOf);
    if (source.from === 'contrasts') {
      const levels = recipe.levels ?? {};
      const holdsCode = (example: number): boolean => codeBlocks(examples[example]?.text ?? '').length > 0;
      const among = source.name.endsWith('of code') ? groupsOf(groups, index, holdsCode) : groups;
      const plain = plainContrasts(levels, among, index);
      return [
        ...plainRows(plain, source.weight * PLAIN_CONTRAST_SHARE, name, splitOf),
        ...contrastRows(levels, source.weight, name, among, index, splitOf),
      ];
    }
    if (source.from === 'anchor') return anchorRows(source, name, examples);
    return plainRows(rawRows(source, examples, groups, index), source.weight, name, splitOf);
  });
}

type RawRow = Pick<LabelRow, 'example' | 'raw'>;
type SplitOf = (example: number) => Split | undefined;
type ExampleIndex = ReadonlyMap<string, number>;

function at(index: ExampleIndex, group: Group, response: number): number | undefined {
  return index.get(`${group.key}/${response}`);
}

/** The groups whose good answers are such. */
function groupsOf(
  groups: ReadonlySet<Group>,
  index: ExampleIndex,
  isSuch: (example: number) => boolean,
): ReadonlySet<Group> {
  return new Set(
    [...groups].filter((group) =>
      group.contrasts.some(({ good }) => {
        const example = at(index, group, good);
        return example !== undefined && isSuch(example);
      }),
    ),
  );
}

/** Rows brought to the common scale by the training rows' mean and deviation; none where the training rows say nothing. */
function plainRows(found: readonly RawRow[], sourceWeight: number, source: string, splitOf: SplitOf): LabelRow[] {
  const training = found.filter(({ example }) => splitOf(example) === 'train').map(({ raw }) => raw);
  if (training.length < 8) return [];
  const mean = training.reduce((sum, value) => sum + value, 0) / training.length;
  const deviation = Math.sqrt(training.reduce((sum, value) => sum + (value - mean) ** 2, 0) / training.length);
  if (deviation < 1e-6) return [];
  const weight = sourceWeight / Math.sqrt(training.length);
  return found.map(({ example, raw }) => {
    const label = LABEL_MEAN + (LABEL_DEVIATION * (raw - mean)) / deviation;
    return { example, raw, label: Math.min(1, Math.max(0, label)), weight, source };
  });
}

/** Preferred minus other, of the source's pairs. */
function pairRows(
  { name, weight }: LabelSource,
  source: string,
  groups: ReadonlySet<Group>,
  index: ExampleIndex,
  splitOf: SplitOf,
): LabelRow[] {
  const found: { example: number; worse: number }[] = [];
  for (const group of groups)
    for (const pair of group.preferences) {
      if (name !== 'all' && !`${pair.source}/${pair.subset}`.startsWith(name)) continue;
      const example = at(index, group, pair.chosen);
      const worse = at(index, group, pair.rejected);
      if (example !== undefined && worse !== undefined) found.push({ example, worse });
    }
  const training = found.filter(({ example }) => splitOf(example) === 'train').length;
  if (training < 8) return [];
  return found.map((row) => ({ ...row, raw: 1, label: PAIR_STEP, weight: weight / Math.sqrt(training), source }));
}

/** Good answer minus twin, by how bad the twin is. */
function contrastRows(
  levels: ContrastLevels,
  sourceWeight: number,
  source: string,
  groups: ReadonlySet<Group>,
  index: ExampleIndex,
  splitOf: SplitOf,
): LabelRow[] {
  const found: { example: number; worse: number; kind: ContrastKind; level: number }[] = [];
  for (const group of groups)
    for (const { kind, good, twin } of group.contrasts) {
      const level = levels[kind];
      const example = at(index, group, good);
      const worse = at(index, group, twin);
      if (level !== undefined && example !== undefined && worse !== undefined)
        found.push({ example, worse, kind, level });
    }
  const counts = new Map<ContrastKind, number>();
  for (const { example, kind } of found)
    if (splitOf(example) === 'train') counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const training = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (training < 8) return [];
  const meanCount = training / counts.size;
  return found.map(({ example, worse, kind, level }) => ({
    example,
    worse,
    raw: 1 - level,
    label: CONTRAST_STEP * (1 - level),
    weight:
      (sourceWeight / Math.sqrt(training)) *
      (meanCount / Math.max(counts.get(kind) ?? 0, FEWEST_OF_KIND)) ** KIND_BALANCE,
    source,
  }));
}

/** Every good answer once, and every twin, by level. */
function plainContrasts(levels: ContrastLevels, groups: ReadonlySet<Group>, index: ExampleIndex): RawRow[] {
  const rows: RawRow[] = [];
  for (const group of groups) {
    const goods = new Set<number>();
    const add = (response: number, raw: number): void => {
      const example = at(index, group, response);
      if (example !== undefined) rows.push({ example, raw });
    };
    for (const { kind, good, twin } of group.contrasts) {
      const level = levels[kind];
      if (level === undefined) continue;
      add(twin, level);
      goods.add(good);
    }
    for (const good of goods) add(good, 1);
  }
  return rows;
}

/** Natural responses (those with code, for `code`) at the middle of the scale: what is not asked about should not move the reward. */
function anchorRows({ name, weight }: LabelSource, source: string, examples: readonly Example[]): LabelRow[] {
  const found = [...examples.keys()].filter((row) => {
    const example = examples[row];
    return (
      example !== undefined && example.twinOf === undefined && (name !== 'code' || codeBlocks(example.text).length > 0)
    );
  });
  const training = found.filter((row) => examples[row]?.split === 'train').length;
  return found.map((example) => ({
    example,
    raw: LABEL_MEAN,
    label: LABEL_MEAN,
    weight: weight / Math.sqrt(training),
    source,
  }));
}

function rawRows(
  source: LabelSource,
  examples: readonly Example[],
  groups: ReadonlySet<Group>,
  index: ExampleIndex,
): RawRow[] {
  const rows: RawRow[] = [];
  if (source.from === 'computed') {
    const measure = MEASURES[source.name];
    for (const [example, { text, tokens, twinOf }] of examples.entries()) {
      const raw = measure(text, tokens, twinOf);
      if (raw !== undefined) rows.push({ example, raw });
    }
    return rows;
  }
  for (const group of groups)
    for (const { name, response, value } of group.ratings) {
      const example = name === source.name ? at(index, group, response) : undefined;
      if (example !== undefined) rows.push({ example, raw: value });
    }
  return rows;
}

/** A measure of a response, or `undefined` where it does not apply. */
const MEASURES: Readonly<
  Record<ComputedMeasure, (text: string, tokens: number, twinOf: ContrastKind | undefined) => number | undefined>
> = {
  length: (_text, tokens) => Math.log(1 + tokens),
  'reading-complexity': (text, _tokens, twinOf) =>
    // Misspelt words and code have no meaningful readability.
    twinOf === 'typos' || codeBlocks(text).length > 0 || words(text).length < 12 ? undefined : readingComplexity(text),
  'code-complexity': (text) =>
    codeBlocks(text).length === 0 ? undefined : codeComplexity(codeBlocks(text).join('\n')),
  'code-explanation': (text) => (codeBlocks(text).length === 0 ? undefined : codeExplanation(text)),
};
