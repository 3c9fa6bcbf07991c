/** What a feature file made from a dataset is to hold, and how the dataset's ratings become the model's labels. */
import type { DatasetItem } from '@/formats/datasets/dataset.ts';

/** Where the label of one objective comes from. */
export interface LabelColumn {
  /** Field of the ratings. */
  readonly key: string;
  /** The field is on the objective's published scale, native = scale · r + offset: the label is r. Absent: taken as it is. */
  readonly scale?: { readonly scale: number; readonly offset: number };
}

/** Serialisable: it is kept with a run, so that the run goes on after a reload. */
export type FeaturePlan =
  /** Stage 2: a row for each chosen response with each rejected one; among rated responses, the best with the worst. */
  | { readonly kind: 'pairs' }
  /** Stage 1: a row for each response. @param columns one per objective; `null` (it crosses JSON): no label. */
  | { readonly kind: 'labels'; readonly columns: readonly (LabelColumn | null)[] };

interface ScaledObjective {
  readonly name: string;
  readonly nativeScale?: { readonly scale: number; readonly offset: number } | undefined;
}

/** Layouts whose rating columns are ArmoRM objectives without their prefix. */
const ratedLayouts: ReadonlySet<string> = new Set(['helpsteer', 'ultrafeedback']);

/**
 * The label of each objective: the field of its name, or `labels[i]`, as they are; in HelpSteer's and UltraFeedback's own layouts the
 * field named like the objective without the layout's name, brought from the objective's native scale where one is published.
 * @param keys ratings that were seen. @param layout as recognised.
 */
export function defaultLabelColumns(
  objectives: readonly ScaledObjective[],
  keys: readonly string[],
  layout: string | undefined,
): readonly LabelColumn[] {
  const seen = new Set(keys);
  return objectives.map((objective, index) => {
    const { name } = objective;
    if (seen.has(name)) return { key: name };
    const listed = `labels[${index}]`;
    if (seen.has(listed)) return { key: listed };
    const prefix = `${layout ?? ''}-`;
    const short = name.slice(prefix.length);
    if (layout !== undefined && ratedLayouts.has(layout) && name.startsWith(prefix) && seen.has(short))
      return nativeColumn(short, objective);
    // Not among the first records, perhaps among later ones.
    return { key: name };
  });
}

/** A rating that a person takes for an objective: on its native scale where one is published. */
export function nativeColumn(key: string, { nativeScale }: ScaledObjective): LabelColumn {
  return nativeScale === undefined ? { key } : { key, scale: { scale: nativeScale.scale, offset: nativeScale.offset } };
}

/** f32 labels `[k]` of one response; NaN where there is none. */
export function labelsOf(
  columns: readonly (LabelColumn | null)[],
  ratings: Readonly<Record<string, number>>,
): Float32Array {
  return Float32Array.from(columns, (column) => {
    const value = column === null ? undefined : ratings[column.key];
    if (value === undefined || column === null) return Number.NaN;
    return column.scale === undefined ? value : (value - column.scale.offset) / column.scale.scale;
  });
}

/** The pairs of an item by the places of its responses, chosen first. */
export function pairsOf({ responses }: DatasetItem): readonly (readonly [number, number])[] {
  const places = (role: string) => responses.flatMap((each, at) => (each.role === role ? [at] : []));
  const chosen = places('chosen');
  const rejected = places('rejected');
  if (chosen.length > 0 || rejected.length > 0)
    return chosen.flatMap((first) => rejected.map((second) => [first, second] as const));
  const rated = responses.flatMap(({ label }, at) => (label === undefined ? [] : [{ label, at }]));
  const [best] = rated.toSorted((a, b) => b.label - a.label || a.at - b.at);
  const [worst] = rated.toSorted((a, b) => a.label - b.label || a.at - b.at);
  return best === undefined || worst === undefined || best.label === worst.label ? [] : [[best.at, worst.at]];
}
