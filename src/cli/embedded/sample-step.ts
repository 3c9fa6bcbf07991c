/**
 * The sample files of the page (`public/sample/`): features, labels and rewards of training prompts, so that Debias and Train
 * have something real to open. Numbers only; no text of the data.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { f32ToBf16 } from '@/base/half.ts';
import { evaluateHead } from '@/core/reward-head.ts';
import type { TensorData } from '@/formats/safetensors-writer.ts';
import { writeSafetensors } from '@/formats/safetensors-writer.ts';
import { preferencePairs } from './evaluate.ts';
import type { TrainedHeads } from './heads-step.ts';
import { LABEL_RECIPES } from './label-recipes.ts';
import { hashFraction } from './seeded.ts';
import { referenceRows } from './train-heads.ts';
import type { TrainingData } from './train-heads.ts';

/** Rows and pairs: each file stays below 2.5 MB. */
const STAGE_1_ROWS = 1800;
const STAGE_2_PAIRS = 500;
const REFERENCE_ROWS = 2000;

function bf16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint16Array(values.length);
  f32ToBf16(values, bits);
  return bits;
}

function some<T>(items: readonly T[], count: number, keyOf: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, at: hashFraction('sample', keyOf(item)) }))
    .sort((a, b) => a.at - b.at)
    .slice(0, count)
    .map(({ item }) => item);
}

/** The Eq 3 reference set: rewards, gate weights, lengths, and which rows share a prompt. */
function referenceTensors(trained: TrainedHeads, data: TrainingData): TensorData[] {
  const { featureSize: d, features, examples } = data;
  const k = trained.head.objectives;
  const rows = some(referenceRows(examples), REFERENCE_ROWS, (row) => exampleKey(data, row)).sort((a, b) => a - b);
  const rewards = new Float32Array(rows.length * k);
  const gates = new Float32Array(rows.length * k);
  const tokens = new Int32Array(rows.length);
  const groups = new Int32Array(rows.length);
  const groupIds = new Map<unknown, number>();
  for (const [i, row] of rows.entries()) {
    const example = examples[row];
    if (example === undefined) continue;
    const evaluation = evaluateHead(
      trained.head,
      features.slice(row * d, (row + 1) * d),
      data.gateFeatureOf(example.group),
    );
    rewards.set(evaluation.rewards, i * k);
    gates.set(evaluation.gateWeights, i * k);
    tokens[i] = example.tokens;
    if (!groupIds.has(example.group)) groupIds.set(example.group, groupIds.size);
    groups[i] = groupIds.get(example.group) ?? 0;
  }
  return [
    { name: 'rewards', dtype: 'F32', shape: [rows.length, k], data: rewards },
    { name: 'gate_weights', dtype: 'F32', shape: [rows.length, k], data: gates },
    { name: 'response_tokens', dtype: 'I32', shape: [rows.length], data: tokens },
    { name: 'prompt_group', dtype: 'I32', shape: [rows.length], data: groups },
  ];
}

function exampleKey(data: TrainingData, row: number): string {
  const example = data.examples[row];
  return `${example?.group.key}/${example?.response}`;
}

/** Features with the labels they have on the common scale, NaN elsewhere; difference rows and anchors are no labels. */
function stage1Tensors(trained: TrainedHeads, data: TrainingData): TensorData[] {
  const { featureSize: d, features, examples } = data;
  const k = LABEL_RECIPES.length;
  const labels = new Map<number, Float32Array>();
  for (const [j, rows] of trained.rows.entries())
    for (const { example, worse, label, source } of rows) {
      if (worse !== undefined || source.startsWith('anchor') || examples[example]?.split !== 'train') continue;
      const found = labels.get(example) ?? new Float32Array(k).fill(Number.NaN);
      found[j] = label;
      labels.set(example, found);
    }
  const rows = some([...labels.keys()], STAGE_1_ROWS, (row) => exampleKey(data, row)).sort((a, b) => a - b);
  const embeddings = new Float32Array(rows.length * d);
  const values = new Float32Array(rows.length * k);
  for (const [i, row] of rows.entries()) {
    embeddings.set(features.subarray(row * d, (row + 1) * d), i * d);
    values.set(labels.get(row) ?? [], i * k);
  }
  return [
    { name: 'embeddings', dtype: 'BF16', shape: [rows.length, d], data: bf16(embeddings) },
    { name: 'labels', dtype: 'F32', shape: [rows.length, k], data: values },
  ];
}

/** Real preferences of the training split, index 0 = chosen. */
function stage2Tensors(data: TrainingData): TensorData[] {
  const { featureSize: d, features, examples } = data;
  const pairs = some(preferencePairs(data.groups, data.index, 'train'), STAGE_2_PAIRS, ({ better, worse }) =>
    [exampleKey(data, better), exampleKey(data, worse)].join(' '),
  );
  const embeddings = new Float32Array(pairs.length * 2 * d);
  const prompts = new Float32Array(pairs.length * 2 * d);
  for (const [i, { better, worse }] of pairs.entries())
    for (const [side, row] of [better, worse].entries()) {
      const example = examples[row];
      if (example === undefined) continue;
      embeddings.set(features.subarray(row * d, (row + 1) * d), (2 * i + side) * d);
      prompts.set(data.gateFeatureOf(example.group), (2 * i + side) * d);
    }
  const shape = [pairs.length, 2, d];
  return [
    { name: 'embeddings', dtype: 'BF16', shape, data: bf16(embeddings) },
    { name: 'prompt_embeddings', dtype: 'BF16', shape, data: bf16(prompts) },
  ];
}

/** Writes the three files into `folder`. */
export async function writeSamples(folder: string, trained: TrainedHeads, data: TrainingData): Promise<void> {
  await mkdir(folder, { recursive: true });
  const files: readonly (readonly [string, TensorData[]])[] = [
    ['embedded-reference.safetensors', referenceTensors(trained, data)],
    ['embedded-stage1.safetensors', stage1Tensors(trained, data)],
    ['embedded-stage2.safetensors', stage2Tensors(data)],
  ];
  for (const [name, tensors] of files) await writeFile(join(folder, name), writeSafetensors(tensors));
}
