/**
 * Stage-2 feature files as what the gate's trainer needs: one pass over the shards that turns each pair of responses into the k
 * numbers the loss reads, numbers the prompts, and hands the gate's rows on chunk by chunk. Memory is bounded by the chunk and by
 * n · k numbers, whatever the files' size.
 */
import { FormatError } from './errors.ts';
import type { Stage2Features } from './feature-files.ts';
import type { Stage2Shards } from './feature-shards.ts';
import type { SafetensorsDtype } from './safetensors.ts';
import { tensorWhere } from './safetensors.ts';

/** The linear part of a head (Eq 1 and 2). */
export interface LinearHead {
  readonly objectives: number;
  readonly featureSize: number;
  /** W `[k, d]`. */
  readonly regression: Float32Array;
  /** M `[k, k]`. */
  readonly transform: Float64Array;
}

/** Something odd in the data that can be worked with; the message says what it means. */
export interface DataWarning {
  readonly code:
    | 'prompts-differ'
    | 'few-rows'
    | 'unlabelled-objective'
    | 'identical-pair'
    | 'mixed-dtypes'
    | 'no-transform';
  readonly message: string;
}

/** A chunk of gate rows on its way to wherever they are kept. */
export interface PromptChunk {
  /** Pair of the first row. */
  readonly first: number;
  /** f32 [count, d]: chosen's prompt row of each pair. */
  readonly values: Float32Array;
  /** The same rows as stored, [count, d] in `dtype`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly dtype: SafetensorsDtype;
}

export interface PairReading {
  /** r'_chosen − r'_rejected, f64 [n, k]. */
  readonly rewardDifferences: Float64Array;
  /** Raw rewards, f64 [n, 2, k]; only when asked for. */
  readonly rawRewards?: Float64Array;
  /** Number of each pair's prompt [n]: equal where the prompt rows are equal to the bit. */
  readonly prompts: Uint32Array;
  readonly warnings: readonly DataWarning[];
}

export interface PairReadingOptions {
  readonly rawRewards?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (donePairs: number, totalPairs: number) => void;
  /** Takes the gate's rows, in order. The arrays are the caller's to keep. */
  readonly onPrompts?: (chunk: PromptChunk) => void | Promise<void>;
}

/** Bytes of f32 rows in one read. */
const chunkBytes = 16 * 1024 * 1024;

/**
 * @throws FormatError when the head is for another width, or naming the shard, tensor, pair and column of a number that is NaN or
 * infinite; AbortError.
 */
export async function readPreferencePairs(
  shards: Stage2Shards,
  head: LinearHead,
  options: PairReadingOptions = {},
): Promise<PairReading> {
  const { rows: n, hiddenSize: d } = shards;
  const k = head.objectives;
  if (head.featureSize !== d)
    throw new FormatError(
      'mismatch',
      shards.shards[0]?.name ?? 'features',
      `the features are ${d} wide, but the regression layer takes ${head.featureSize}.`,
      'Features and heads must belong to the same backbone.',
    );
  const rewardDifferences = new Float64Array(n * k);
  const rawRewards = options.rawRewards === true ? new Float64Array(n * 2 * k) : undefined;
  const prompts = new Uint32Array(n);
  const numbers = new Map<string, number>();
  let differing = 0;
  let identical = 0;
  for (const { source, first, features } of shards.files) {
    const step = Math.max(1, Math.floor(chunkBytes / (4 * 2 * d)));
    for (let row = 0; row < features.pairs; row += step) {
      options.signal?.throwIfAborted();
      const count = Math.min(step, features.pairs - row);
      const embeddings = await features.readEmbeddings(row, count, options.signal);
      requireFinite(embeddings, 2 * d, d, source.name, 'embeddings', row);
      const chunk = await readPrompts(features, source.name, row, count, d, options.signal);
      differing += chunk.differing;
      for (let i = 0; i < count; i++) {
        const pair = first + row + i;
        const key = rowKey(chunk.bytes, i, chunk.bytes.length / count);
        let number = numbers.get(key);
        if (number === undefined) numbers.set(key, (number = numbers.size));
        prompts[pair] = number;
        identical += reward(head, embeddings, i, pair, rewardDifferences, rawRewards) ? 1 : 0;
      }
      const { values, bytes } = chunk;
      await options.onPrompts?.({ first: first + row, values, bytes, dtype: features.promptDtype });
      options.onProgress?.(first + row + count, n);
    }
  }
  return {
    rewardDifferences,
    ...(rawRewards === undefined ? {} : { rawRewards }),
    prompts,
    warnings: warningsOf(shards, differing, identical),
  };
}

/** Chosen's prompt rows, as values and as stored; counts pairs whose two rows differ. */
async function readPrompts(
  features: Stage2Features,
  file: string,
  row: number,
  count: number,
  d: number,
  signal?: AbortSignal,
): Promise<{ values: Float32Array; bytes: Uint8Array<ArrayBuffer>; differing: number }> {
  const stored = await features.readPromptBytes(row, count, signal);
  const decoded = await features.readPromptEmbeddings(row, count, signal);
  requireFinite(decoded, features.promptRows * d, d, file, 'prompt_embeddings', row);
  if (features.promptRows === 1) return { values: decoded, bytes: stored, differing: 0 };
  const values = new Float32Array(count * d);
  const rowBytes = stored.length / (2 * count);
  const bytes = new Uint8Array(count * rowBytes);
  let differing = 0;
  for (let i = 0; i < count; i++) {
    values.set(decoded.subarray(2 * i * d, (2 * i + 1) * d), i * d);
    bytes.set(stored.subarray(2 * i * rowBytes, (2 * i + 1) * rowBytes), i * rowBytes);
    for (let t = 0; t < d; t++)
      if (decoded[2 * i * d + t] !== decoded[(2 * i + 1) * d + t]) {
        differing++;
        break;
      }
  }
  return { values, bytes, differing };
}

/** Rewards of pair `i` of the chunk into row `pair` of the results. @returns whether chosen and rejected are the same vector. */
function reward(
  { objectives: k, featureSize: d, regression, transform }: LinearHead,
  embeddings: Float32Array,
  i: number,
  pair: number,
  differences: Float64Array,
  rawRewards: Float64Array | undefined,
): boolean {
  const chosen = 2 * i * d;
  const rejected = chosen + d;
  let same = true;
  for (let t = 0; t < d && same; t++) same = embeddings[chosen + t] === embeddings[rejected + t];
  for (let objective = 0; objective < k; objective++) {
    const weights = objective * d;
    let difference = 0;
    if (rawRewards === undefined) {
      for (let t = 0; t < d; t++)
        difference += regression[weights + t]! * (embeddings[chosen + t]! - embeddings[rejected + t]!);
    } else {
      let first = 0;
      let second = 0;
      for (let t = 0; t < d; t++) {
        const weight = regression[weights + t]!;
        first += weight * embeddings[chosen + t]!;
        second += weight * embeddings[rejected + t]!;
      }
      rawRewards[2 * pair * k + objective] = first;
      rawRewards[(2 * pair + 1) * k + objective] = second;
      difference = first - second;
    }
    for (let j = 0; j < k; j++)
      differences[pair * k + j] = differences[pair * k + j]! + difference * transform[objective * k + j]!;
  }
  return same;
}

function warningsOf(shards: Stage2Shards, differing: number, identical: number): DataWarning[] {
  const warnings: DataWarning[] = [];
  const pairs = (count: number) =>
    `${count.toLocaleString('en')} of ${shards.rows.toLocaleString('en')} pair${shards.rows === 1 ? '' : 's'}`;
  if (differing > 0)
    warnings.push({
      code: 'prompts-differ',
      message:
        `In ${pairs(differing)} the prompt rows of chosen and rejected differ. They should be equal, because the gate reads the prompt ` +
        'alone: the rows may come from different prompts, from a padded batch or from a gate position inside the response. ' +
        'Chosen’s row is used for both.',
    });
  if (identical > 0)
    warnings.push({
      code: 'identical-pair',
      message:
        `In ${pairs(identical)} chosen and rejected have the same features: their margin is always 0, so they teach the gate nothing ` +
        'and count as wrong.',
    });
  const dtypes = new Set(shards.files.flatMap(({ features }) => [features.dtype, features.promptDtype]));
  if (dtypes.size > 1)
    warnings.push({
      code: 'mixed-dtypes',
      message: `The features are stored in ${[...dtypes].sort().join(' and ')}: rows of different precision are trained on together.`,
    });
  return warnings;
}

/** @throws FormatError at the first number that is not finite. */
export function requireFinite(
  values: Float32Array,
  rowLength: number,
  d: number,
  file: string,
  tensor: string,
  firstRow: number,
): void {
  for (let i = 0; i < values.length; i++) {
    // A finite number minus itself is zero; this is much faster than Number.isFinite here.
    const value = values[i]!;
    if (value - value !== 0)
      throw new FormatError(
        'mismatch',
        tensorWhere(file, tensor),
        `holds ${value} in row ${firstRow + Math.floor(i / rowLength)}, column ${i % d}.`,
        Number.isNaN(value)
          ? 'The features were not computed correctly: extract them again.'
          : 'A number overflowed: extract the features in a wider type (bf16 or f32).',
      );
  }
}

/** A 64-bit FNV-1a-like hash of a row's bytes, as text: two 32-bit lanes with different primes. */
function rowKey(bytes: Uint8Array, row: number, rowBytes: number): string {
  let a = 0x811c_9dc5;
  let b = 0x9e37_79b9;
  for (let i = row * rowBytes; i < (row + 1) * rowBytes; i++) {
    const byte = bytes[i]!;
    a = Math.imul(a ^ byte, 0x0100_0193);
    b = Math.imul(b ^ byte, 0x85eb_ca6b) ^ (b >>> 15);
  }
  return `${a >>> 0}.${b >>> 0}`;
}
