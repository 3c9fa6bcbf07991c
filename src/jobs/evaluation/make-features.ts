/**
 * A feature file in the authors' layouts from a dataset whose responses have been scored: hidden states come from the result cache, so
 * nothing is computed here, and a row at a time is in memory. Rows follow the dataset's order.
 */
import type { DatasetEntry } from '@/formats/datasets/read-dataset.ts';
import { FormatError } from '@/formats/errors.ts';
import { Stage1Writer, Stage2Writer } from '@/formats/feature-files.ts';
import type { DraftStore } from '@/formats/file-store.ts';
import { contentHasher } from './content-hash.ts';
import { labelsOf, pairsOf, type FeaturePlan } from './feature-plan.ts';
import type { ResultCache, ResultFeatures } from './result-cache.ts';

export interface FeatureMaking {
  readonly plan: FeaturePlan;
  /** The dataset from its beginning, with its ratings, each time it is called. */
  readonly entries: (signal?: AbortSignal) => AsyncIterable<DatasetEntry>;
  /** Opened for `modelId`, with the results of a run over these entries. */
  readonly cache: ResultCache;
  readonly modelId: string;
  readonly store: DraftStore;
  readonly fileName: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (doneRows: number, totalRows: number) => void;
}

export interface MadeFeatures {
  readonly rows: number;
  /** Items that gave no row: no pair in them, or responses that could not be scored. */
  readonly skippedItems: number;
  /** Rows that carry at least one label (stage 1). */
  readonly labelledRows: number;
}

/** A row by the hashes of its responses; for stage 1 one response with its labels. */
interface Row {
  readonly hashes: readonly string[];
  readonly labels?: Float32Array;
}

const reportEvery = 64;

/** @throws FormatError where the dataset gives no row; AbortError; what the store throws. Nothing is left behind then. */
export async function makeFeatures(options: FeatureMaking): Promise<MadeFeatures> {
  const { plan, cache, modelId, store, fileName, signal, onProgress } = options;
  const hash = await contentHasher(modelId);
  let skippedItems = 0;
  async function* rows(): AsyncGenerator<Row> {
    skippedItems = 0;
    for await (const entry of options.entries(signal)) {
      if (entry.kind === 'rejected') continue;
      const { messages, responses } = entry.item;
      const hashes = responses.map(({ text }) => hash(messages, text));
      const places = plan.kind === 'pairs' ? pairsOf(entry.item) : responses.map((_, at) => [at]);
      let made = 0;
      for (const each of places) {
        const wanted = each.map((at) => hashes[at]!);
        if (!wanted.every((one) => cache.get(one) !== undefined)) continue;
        made += 1;
        if (plan.kind === 'pairs') yield { hashes: wanted };
        else yield { hashes: wanted, labels: labelsOf(plan.columns, responses[each[0] ?? 0]?.ratings ?? {}) };
      }
      if (made === 0) skippedItems += 1;
    }
  }
  let totalRows = 0;
  let first: string | undefined;
  let labelledRows = 0;
  for await (const { hashes, labels } of rows()) {
    totalRows += 1;
    first ??= hashes[0];
    if (labels?.some((label) => !Number.isNaN(label)) === true) labelledRows += 1;
  }
  if (first === undefined)
    throw new FormatError(
      'mismatch',
      fileName,
      plan.kind === 'pairs'
        ? 'no item of the dataset holds a chosen and a rejected response, or two responses of different ratings.'
        : 'no response of the dataset could be used.',
    );
  const d = (await featuresOf(cache, first, fileName)).feature.length;
  const draft = await store.create(fileName);
  try {
    const stage1 = plan.kind === 'labels' ? new Stage1Writer(draft, totalRows, d, plan.columns.length) : undefined;
    const stage2 = plan.kind === 'pairs' ? new Stage2Writer(draft, totalRows, d) : undefined;
    let done = 0;
    for await (const { hashes, labels } of rows()) {
      signal?.throwIfAborted();
      const [one, other] = await Promise.all(hashes.map((each) => featuresOf(cache, each, fileName)));
      if (one !== undefined) await stage1?.append(one.feature, labels);
      if (one !== undefined && other !== undefined)
        await stage2?.append({
          chosen: one.feature,
          rejected: other.feature,
          chosenPrompt: one.gateFeature,
          rejectedPrompt: other.gateFeature,
        });
      done += 1;
      if (done % reportEvery === 0 || done === totalRows) onProgress?.(done, totalRows);
    }
    await stage1?.finish();
    await stage2?.finish();
    await draft.commit();
  } catch (error) {
    await draft.discard();
    throw error;
  }
  return { rows: totalRows, skippedItems, labelledRows };
}

async function featuresOf(cache: ResultCache, hash: string, fileName: string): Promise<ResultFeatures> {
  const features = await cache.features(hash);
  if (features === undefined)
    throw new FormatError(
      'missing-file',
      fileName,
      'a hidden state that was kept is gone, or was kept without features.',
      'Make the features again: what is missing is computed anew.',
    );
  return features;
}
