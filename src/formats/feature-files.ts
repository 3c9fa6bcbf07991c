/**
 * Feature files in the authors' layouts (RLHFlow/RLHF-Reward-Modeling, `armo-rm/`; armorm.md T4):
 * stage 1 `embeddings [N,d]` with `labels [N,k]` (NaN where a label is missing), stage 2 `embeddings [N,2,d]` and
 * `prompt_embeddings [N,2,d]`, index 0 = chosen. Written in F32; read in F32, F16 or BF16, by ranges of rows.
 * A descendant stores one prompt row per pair, `prompt_embeddings [N,d]`: read as such.
 */
import type { ByteSink } from './byte-sink.ts';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import {
  readSafetensorsHeader,
  readTensorRows,
  readTensorRowsAsFloat32,
  requireTensor,
  tensorWhere,
} from './safetensors.ts';
import type { SafetensorsDtype, SafetensorsHeader, TensorInfo } from './safetensors.ts';
import { SafetensorsWriter } from './safetensors-writer.ts';

const EMBEDDINGS = 'embeddings';
const LABELS = 'labels';
const PROMPT_EMBEDDINGS = 'prompt_embeddings';

function checkLength(values: Float32Array, length: number, what: string): Float32Array<ArrayBuffer> {
  if (values.length !== length) throw new RangeError(`${what} has ${values.length} entries, ${length} expected`);
  // A view of shared memory cannot be handed to file APIs.
  return values.buffer instanceof ArrayBuffer
    ? new Float32Array(values.buffer, values.byteOffset, length)
    : new Float32Array(values);
}

/** Writes stage 1 row by row. The sink must write at positions when there are labels (two tensors grow side by side). */
export class Stage1Writer {
  private readonly writer: SafetensorsWriter;
  private readonly hiddenSize: number;
  private readonly objectives: number | undefined;

  /** @param objectives number of labels per row; absent: no `labels` tensor. */
  constructor(sink: ByteSink, rows: number, hiddenSize: number, objectives?: number) {
    this.hiddenSize = hiddenSize;
    this.objectives = objectives;
    this.writer = new SafetensorsWriter(sink, [
      { name: EMBEDDINGS, dtype: 'F32', shape: [rows, hiddenSize] },
      ...(objectives === undefined ? [] : [{ name: LABELS, dtype: 'F32' as const, shape: [rows, objectives] }]),
    ]);
  }

  /** Length of the finished file. */
  get size(): number {
    return this.writer.layout.size;
  }

  /** @param feature [d] @param labels [k], NaN where missing; required exactly when the file has labels. */
  async append(feature: Float32Array, labels?: Float32Array): Promise<void> {
    await this.writer.append(EMBEDDINGS, checkLength(feature, this.hiddenSize, 'feature'));
    if (this.objectives !== undefined)
      await this.writer.append(LABELS, checkLength(labels ?? new Float32Array(0), this.objectives, 'labels'));
    else if (labels !== undefined) throw new RangeError('this file was declared without labels');
  }

  /** @throws FormatError when rows are missing. */
  finish(): Promise<void> {
    return this.writer.finish();
  }
}

/** Features of one pair, each [d]. */
export interface PairFeatures {
  readonly chosen: Float32Array;
  readonly rejected: Float32Array;
  readonly chosenPrompt: Float32Array;
  readonly rejectedPrompt: Float32Array;
}

/** Writes stage 2 pair by pair. The sink must write at positions. */
export class Stage2Writer {
  private readonly writer: SafetensorsWriter;
  private readonly hiddenSize: number;

  constructor(sink: ByteSink, pairs: number, hiddenSize: number) {
    this.hiddenSize = hiddenSize;
    this.writer = new SafetensorsWriter(sink, [
      { name: EMBEDDINGS, dtype: 'F32', shape: [pairs, 2, hiddenSize] },
      { name: PROMPT_EMBEDDINGS, dtype: 'F32', shape: [pairs, 2, hiddenSize] },
    ]);
  }

  /** Length of the finished file. */
  get size(): number {
    return this.writer.layout.size;
  }

  async append(pair: PairFeatures): Promise<void> {
    await this.writer.append(EMBEDDINGS, this.rows(pair.chosen, pair.rejected));
    await this.writer.append(PROMPT_EMBEDDINGS, this.rows(pair.chosenPrompt, pair.rejectedPrompt));
  }

  /** @throws FormatError when pairs are missing. */
  finish(): Promise<void> {
    return this.writer.finish();
  }

  private rows(chosen: Float32Array, rejected: Float32Array): Float32Array<ArrayBuffer> {
    const both = new Float32Array(2 * this.hiddenSize);
    both.set(checkLength(chosen, this.hiddenSize, 'chosen feature'));
    both.set(checkLength(rejected, this.hiddenSize, 'rejected feature'), this.hiddenSize);
    return both;
  }
}

/** A stage-1 file, read by rows. */
export interface Stage1Features {
  readonly rows: number;
  readonly hiddenSize: number;
  /** k; `undefined` when the file has no labels. */
  readonly objectives: number | undefined;
  readonly dtype: SafetensorsDtype;
  /** f32 [count, d]. */
  readEmbeddings(firstRow: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
  /** f32 [count, k], NaN where missing. @throws FormatError when the file has no labels. */
  readLabels(firstRow: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
}

/** @throws FormatError naming the tensor whose dtype or shape does not fit. */
export async function openStage1Features(source: ByteSource, signal?: AbortSignal): Promise<Stage1Features> {
  const header = await readSafetensorsHeader(source, signal);
  const embeddings = featureTensor(header, EMBEDDINGS);
  const [rows = 0, hiddenSize = 0] = embeddings.shape;
  if (embeddings.shape.length !== 2) refuseShape(header, embeddings, '[N, d]');
  const labels = header.tensors.has(LABELS) ? featureTensor(header, LABELS) : undefined;
  if (labels !== undefined && (labels.shape.length !== 2 || labels.shape[0] !== rows))
    refuseShape(header, labels, `[${rows}, k]`);
  return {
    rows,
    hiddenSize,
    objectives: labels?.shape[1],
    dtype: embeddings.dtype,
    readEmbeddings: (first, count, abort) => readTensorRowsAsFloat32(source, header, EMBEDDINGS, first, count, abort),
    readLabels: async (first, count, abort) => readTensorRowsAsFloat32(source, header, LABELS, first, count, abort),
  };
}

/** A stage-2 file, read by pairs. */
export interface Stage2Features {
  readonly pairs: number;
  readonly hiddenSize: number;
  /** Prompt rows per pair: 2 as the authors write (chosen's, rejected's), 1 where both share one. */
  readonly promptRows: 1 | 2;
  readonly dtype: SafetensorsDtype;
  readonly promptDtype: SafetensorsDtype;
  /** f32 [count, 2, d], chosen first. */
  readEmbeddings(firstPair: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
  /** f32 [count, promptRows, d]. */
  readPromptEmbeddings(firstPair: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
  /** The same as stored, in `promptDtype`. */
  readPromptBytes(firstPair: number, count: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

/** @throws FormatError naming the tensor whose dtype or shape does not fit. */
export async function openStage2Features(source: ByteSource, signal?: AbortSignal): Promise<Stage2Features> {
  const header = await readSafetensorsHeader(source, signal);
  const embeddings = featureTensor(header, EMBEDDINGS);
  const [pairs = 0, two, hiddenSize = 0] = embeddings.shape;
  if (embeddings.shape.length !== 3 || two !== 2) refuseShape(header, embeddings, '[N, 2, d]');
  const prompts = featureTensor(header, PROMPT_EMBEDDINGS);
  const shape = prompts.shape.join();
  if (shape !== `${pairs},2,${hiddenSize}` && shape !== `${pairs},${hiddenSize}`)
    refuseShape(header, prompts, `[${pairs}, 2, ${hiddenSize}] or [${pairs}, ${hiddenSize}]`);
  return {
    pairs,
    hiddenSize,
    promptRows: prompts.shape.length === 3 ? 2 : 1,
    dtype: embeddings.dtype,
    promptDtype: prompts.dtype,
    readEmbeddings: (first, count, abort) => readTensorRowsAsFloat32(source, header, EMBEDDINGS, first, count, abort),
    readPromptEmbeddings: (first, count, abort) =>
      readTensorRowsAsFloat32(source, header, PROMPT_EMBEDDINGS, first, count, abort),
    readPromptBytes: (first, count, abort) => readTensorRows(source, header, PROMPT_EMBEDDINGS, first, count, abort),
  };
}

function featureTensor(header: SafetensorsHeader, name: string): TensorInfo {
  const tensor = requireTensor(header, name);
  if (tensor.dtype !== 'F32' && tensor.dtype !== 'F16' && tensor.dtype !== 'BF16')
    throw new FormatError(
      'unsupported',
      tensorWhere(header.fileName, name),
      `is ${tensor.dtype}, not F32, F16 or BF16.`,
    );
  return tensor;
}

function refuseShape(header: SafetensorsHeader, tensor: TensorInfo, expected: string): never {
  throw new FormatError(
    'mismatch',
    tensorWhere(header.fileName, tensor.name),
    `has shape [${tensor.shape.join(', ')}] where ${expected} is expected.`,
  );
}
