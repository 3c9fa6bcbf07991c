/**
 * Turns the label recipes into rows: which example, which objective, what label, what weight. Pure.
 */
import type { ContrastKind, Group } from './dataset.ts';
import type { ComputedMeasure, LabelRecipe, LabelSource } from './label-recipes.ts';
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
  /** As the source says it, in [0, 1] or the measure's own unit. */
  readonly raw: number;
  /** Within-source mean 0.5, standard deviation 0.08, cut to [0, 1]. */
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
  const rows: LabelRow[] = [];
  for (const source of recipe.sources) {
    const found = rawRows(source, recipe, examples, groups, index);
    const training = found.filter(({ example }) => examples[example]?.split === 'train').map(({ raw }) => raw);
    if (training.length < 8) continue;
    const mean = training.reduce((sum, value) => sum + value, 0) / training.length;
    const deviation = Math.sqrt(training.reduce((sum, value) => sum + (value - mean) ** 2, 0) / training.length);
    if (deviation < 1e-6) continue;
    const weight = source.weight / Math.sqrt(training.length);
    for (const { example, raw } of found) {
      const label = LABEL_MEAN + (LABEL_DEVIATION * (raw - mean)) / deviation;
      rows.push({
        example,
        raw,
        label: Math.min(1, Math.max(0, label)),
        weight,
        source: `${source.from}: ${source.name}`,
      });
    }
  }
  return rows;
}

type RawRow = Pick<LabelRow, 'example' | 'raw'>;

function rawRows(
  source: LabelSource,
  recipe: LabelRecipe,
  examples: readonly Example[],
  groups: ReadonlySet<Group>,
  index: ReadonlyMap<string, number>,
): RawRow[] {
  const rows: RawRow[] = [];
  const add = (group: Group, response: number, raw: number): void => {
    const example = index.get(`${group.key}/${response}`);
    if (example !== undefined) rows.push({ example, raw });
  };
  if (source.from === 'computed') {
    const measure = MEASURES[source.name];
    for (const [example, { text, tokens, twinOf }] of examples.entries()) {
      const raw = measure(text, tokens, twinOf);
      if (raw !== undefined) rows.push({ example, raw });
    }
    return rows;
  }
  for (const group of groups) {
    if (source.from === 'rating') {
      for (const { name, response, value } of group.ratings) if (name === source.name) add(group, response, value);
    } else if (source.from === 'pairs') {
      for (const pair of group.preferences) {
        if (!`${pair.source}/${pair.subset}`.startsWith(source.name)) continue;
        add(group, pair.chosen, 1);
        add(group, pair.rejected, 0);
      }
    } else {
      const levels = recipe.levels ?? {};
      const goods = new Set<number>();
      for (const { kind, good, twin } of group.contrasts) {
        const level = levels[kind];
        if (level === undefined) continue;
        add(group, twin, level);
        goods.add(good);
      }
      for (const good of goods) add(group, good, 1);
    }
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
