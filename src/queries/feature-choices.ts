/** What features the open dataset can be made into: told from its first records. Pure. */
import { ratingsOf } from '@/formats/datasets/ratings.ts';
import {
  defaultLabelColumns,
  nativeColumn,
  pairsOf,
  type FeaturePlan,
  type LabelColumn,
} from '@/jobs/evaluation/feature-plan.ts';
import type { OpenDataset } from '@/state/evaluation-store.ts';
import { previewRecords, wholeMapping } from './dataset-mapping.ts';

interface Objective {
  readonly name: string;
  readonly nativeScale?: { readonly scale: number; readonly offset: number } | undefined;
}

export interface FeatureChoices {
  /** What it is most likely meant for. */
  readonly kind: FeaturePlan['kind'];
  /** Whether any record has, or may have together with its neighbours, a better and a worse response. */
  readonly hasPairs: boolean;
  /** Numeric fields that rate a response, in the order of their first appearance. */
  readonly keys: readonly string[];
  /** The label of each objective, unless the person says otherwise. */
  readonly columns: readonly LabelColumn[];
}

/** `undefined` while the columns are not mapped. */
export function featureChoices(dataset: OpenDataset, objectives: readonly Objective[]): FeatureChoices | undefined {
  const { samples, columns, recognised, ownMapping } = dataset;
  const mapping = wholeMapping(dataset.mapping, columns);
  if (mapping === undefined) return undefined;
  const keys = new Set<string>();
  let paired = false;
  let labelled = false;
  for (const record of previewRecords(dataset, mapping, samples.length)) {
    if ('problem' in record) continue;
    const { responses } = record.item;
    paired ||= responses[0]?.role !== 'candidate' && pairsOf(record.item).length > 0;
    labelled ||= responses.some(({ label }) => label !== undefined);
    const sample = samples[record.row - 1] ?? {};
    for (const ratings of ratingsOf(mapping, sample, responses)) for (const key of Object.keys(ratings)) keys.add(key);
  }
  const layout = ownMapping ? undefined : recognised?.layout;
  return {
    kind: paired ? 'pairs' : 'labels',
    hasPairs: paired || labelled,
    keys: [...keys],
    columns: defaultLabelColumns(objectives, [...keys], layout),
  };
}

/** The plan of a choice. @param chosen fields by objective, where the person named one; '' for no label. */
export function featurePlan(
  kind: FeaturePlan['kind'],
  { columns }: FeatureChoices,
  objectives: readonly Objective[],
  chosen: Readonly<Record<number, string>>,
): FeaturePlan {
  if (kind === 'pairs') return { kind };
  return {
    kind,
    columns: columns.map((column, index) => {
      const key = chosen[index];
      if (key === undefined || key === column.key) return column;
      return key === '' ? null : nativeColumn(key, objectives[index] ?? { name: '' });
    }),
  };
}
