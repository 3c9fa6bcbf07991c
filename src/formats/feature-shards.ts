/**
 * Several feature files as one: the shards of a large extraction, in any order of arrival. Rows follow the shards' names (numbers in
 * them count as numbers, so `part-2` comes before `part-10`): the same files give the same rows, however they were chosen.
 *
 * Nothing is read but headers until rows are asked for, and no read is larger than the rows asked for.
 */
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { openStage1Features, openStage2Features } from './feature-files.ts';
import type { Stage1Features, Stage2Features } from './feature-files.ts';
import { readSafetensorsHeader } from './safetensors.ts';

export interface ShardRows {
  readonly name: string;
  /** Rows, or pairs. */
  readonly rows: number;
}

interface Shards<F> {
  /** Rows (pairs) of all shards. */
  readonly rows: number;
  /** d. */
  readonly hiddenSize: number;
  /** By the order of their rows. */
  readonly shards: readonly ShardRows[];
  readonly files: readonly { readonly source: ByteSource; readonly first: number; readonly features: F }[];
}

export interface Stage1Shards extends Shards<Stage1Features> {
  readonly layout: 'stage-1';
  /** k; `undefined` where no shard has labels. */
  readonly objectives: number | undefined;
  /** f32 [count, d]. */
  readEmbeddings(firstRow: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
  /** f32 [count, k], NaN where missing. */
  readLabels(firstRow: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
}

export interface Stage2Shards extends Shards<Stage2Features> {
  readonly layout: 'stage-2';
  /** f32 [count, 2, d], chosen first. */
  readEmbeddings(firstPair: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
  /** Which shard a pair is in, and its place there. */
  locate(pair: number): { readonly features: Stage2Features; readonly name: string; readonly row: number };
}

const byName = new Intl.Collator('en', { numeric: true });

/** Which of the authors' layouts a file has, by its tensors. @throws FormatError when it has neither. */
export async function featureLayout(source: ByteSource, signal?: AbortSignal): Promise<'stage-1' | 'stage-2'> {
  const { tensors } = await readSafetensorsHeader(source, signal);
  const embeddings = tensors.get('embeddings');
  if (embeddings === undefined)
    throw new FormatError(
      'mismatch',
      source.name,
      `has no tensor "embeddings"${tensors.size === 0 ? '' : ` (it has ${[...tensors.keys()].slice(0, 5).join(', ')}${tensors.size > 5 ? ', …' : ''})`}.`,
      'Features hold embeddings [N,d] with labels [N,k] (stage 1), or embeddings [N,2,d] with prompt_embeddings (stage 2).',
    );
  return embeddings.shape.length === 3 || tensors.has('prompt_embeddings') ? 'stage-2' : 'stage-1';
}

/** @throws FormatError naming the shard that does not fit the first. */
export async function openStage1Shards(sources: readonly ByteSource[], signal?: AbortSignal): Promise<Stage1Shards> {
  const opened = await openAll(sources, openStage1Features, ({ rows }) => rows, 'rows', signal);
  const objectives = opened.files[0]?.features.objectives;
  for (const { source, features } of opened.files)
    if (features.objectives !== objectives)
      throw new FormatError(
        'mismatch',
        source.name,
        `has ${features.objectives ?? 'no'} labels a row where ${opened.shards[0]?.name} has ${objectives ?? 'none'}.`,
      );
  const at = (row: number) => fileAt(opened.files, row);
  return {
    layout: 'stage-1',
    ...opened,
    objectives,
    readEmbeddings: (first, count, abort) =>
      gather(opened, first, count, opened.hiddenSize, at, (file, row, rows) => file.readEmbeddings(row, rows, abort)),
    readLabels: (first, count, abort) =>
      gather(opened, first, count, objectives ?? 0, at, (file, row, rows) => file.readLabels(row, rows, abort)),
  };
}

/** @throws FormatError naming the shard that does not fit the first. */
export async function openStage2Shards(sources: readonly ByteSource[], signal?: AbortSignal): Promise<Stage2Shards> {
  const opened = await openAll(sources, openStage2Features, ({ pairs }) => pairs, 'pairs', signal);
  const at = (row: number) => fileAt(opened.files, row);
  return {
    layout: 'stage-2',
    ...opened,
    readEmbeddings: (first, count, abort) =>
      gather(opened, first, count, 2 * opened.hiddenSize, at, (file, row, rows) =>
        file.readEmbeddings(row, rows, abort),
      ),
    locate(pair) {
      const { source, features, first } = at(pair);
      return { features, name: source.name, row: pair - first };
    },
  };
}

/** Opens the files in the layout that the first one has. @throws FormatError, also where they are of both layouts. */
export async function openFeatureShards(
  sources: readonly ByteSource[],
  signal?: AbortSignal,
): Promise<Stage1Shards | Stage2Shards> {
  const layouts = await Promise.all(sources.map((source) => featureLayout(source, signal)));
  const odd = layouts.findIndex((layout) => layout !== layouts[0]);
  if (odd > 0)
    throw new FormatError(
      'mismatch',
      sources[odd]?.name ?? '',
      `is in the ${layouts[odd]} layout, but ${sources[0]?.name} is in the ${layouts[0]} layout.`,
      'Choose the files of one stage.',
    );
  return layouts[0] === 'stage-1' ? openStage1Shards(sources, signal) : openStage2Shards(sources, signal);
}

async function openAll<F extends { readonly hiddenSize: number }>(
  sources: readonly ByteSource[],
  open: (source: ByteSource, signal?: AbortSignal) => Promise<F>,
  rowsOf: (features: F) => number,
  unit: string,
  signal?: AbortSignal,
): Promise<Shards<F>> {
  if (sources.length === 0) throw new FormatError('missing-file', 'features', 'no file was given.');
  const ordered = [...sources].sort((a, b) => byName.compare(a.name, b.name));
  const files: { source: ByteSource; first: number; features: F }[] = [];
  let rows = 0;
  for (const source of ordered) {
    const features = await open(source, signal);
    const hiddenSize = files[0]?.features.hiddenSize ?? features.hiddenSize;
    if (features.hiddenSize !== hiddenSize)
      throw new FormatError(
        'mismatch',
        source.name,
        `has features of width ${features.hiddenSize} where ${files[0]?.source.name} has ${hiddenSize}.`,
        'All shards must come from the same backbone.',
      );
    files.push({ source, first: rows, features });
    rows += rowsOf(features);
  }
  if (rows === 0) throw new FormatError('mismatch', ordered[0]?.name ?? '', `holds no ${unit}.`);
  const hiddenSize = files[0]?.features.hiddenSize ?? 0;
  if (hiddenSize === 0) throw new FormatError('mismatch', ordered[0]?.name ?? '', 'has features of width 0.');
  const shards = files.map(({ source, features }) => ({ name: source.name, rows: rowsOf(features) }));
  return { rows, hiddenSize, shards, files };
}

/** The last file that begins at or before `row`; empty files before it never hold it. */
function fileAt<T extends { readonly first: number }>(files: readonly T[], row: number): T {
  let low = 0;
  let high = files.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (files[middle]!.first <= row) low = middle;
    else high = middle - 1;
  }
  return files[low]!;
}

/** Rows over the borders of shards, as one array [count, width]. */
async function gather<F>(
  { rows, shards }: Shards<F>,
  first: number,
  count: number,
  width: number,
  at: (row: number) => { readonly first: number; readonly features: F },
  read: (features: F, row: number, rows: number) => Promise<Float32Array<ArrayBuffer>>,
): Promise<Float32Array<ArrayBuffer>> {
  if (first < 0 || count < 0 || first + count > rows)
    throw new FormatError('mismatch', 'features', `have ${rows} rows, not rows ${first} to ${first + count - 1}.`);
  const ends: number[] = [];
  let end = 0;
  for (const shard of shards) ends.push((end += shard.rows));
  let row = first;
  const parts: Float32Array<ArrayBuffer>[] = [];
  while (row < first + count) {
    const file = at(row);
    const stop = Math.min(first + count, ends.find((value) => value > row) ?? rows);
    parts.push(await read(file.features, row - file.first, stop - row));
    row = stop;
  }
  if (parts.length === 1) return parts[0]!;
  const all = new Float32Array(count * width);
  let filled = 0;
  for (const part of parts) {
    all.set(part, filled);
    filled += part.length;
  }
  return all;
}
