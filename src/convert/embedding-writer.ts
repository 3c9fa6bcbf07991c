/**
 * Writes `embedding.safetensors` (README "The model package"), streaming over rows.
 */
import { f16ToF32, f32ToF16 } from '@/base/half.ts';
import type { CheckpointTensors } from '@/formats/checkpoint-tensors.ts';
import { blockValues } from '@/formats/gguf-blocks.ts';
import type { Architecture, FileEntry } from '@/formats/manifest.ts';
import { sequentialSink } from '@/formats/byte-sink.ts';
import type { SafetensorsDtype } from '@/formats/safetensors.ts';
import { SafetensorsWriter } from '@/formats/safetensors-writer.ts';
import { EMBEDDING_TENSOR } from './backbone-tensors.ts';
import { fitsHalfPrecision, type RoundingError, type SymmetricBlocks } from './block-quantisation.ts';
import { type BlockSource, carriedForm } from './carried-blocks.ts';
import { requireFinite } from './finite.ts';
import { BLOCK_SIZE, carriesBlocks, type Dtype, ErrorTotal } from './linear-encoder.ts';
import type { PackageSink } from './package-sink.ts';
import { roundHere, type SlabRounder } from './slab-rounder.ts';

export const EMBEDDING_FILE = 'embedding.safetensors';
/** Values read at a time. */
const SLAB_VALUES = 8 * 1024 * 1024;

export interface WrittenEmbedding {
  readonly entry: FileEntry;
  readonly error: RoundingError;
  readonly form: string;
}

export interface EmbeddingOptions {
  readonly signal?: AbortSignal;
  /** The table's own blocks, where it has any. */
  readonly blocks?: BlockSource;
  /** Where rows are rounded; default: on this thread. */
  readonly rounder?: SlabRounder;
  /** After every slab: bytes of the checkpoint read since the last call. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * q4 and q8 packages: 8 bits in blocks of 32 with f16 scales, which holds blocks of 4 or 8 bits exactly, unless they have minima:
 * those are narrowed to F16. Otherwise the checkpoint's own numbers; an f16 package narrows an F32 table to F16.
 * @throws FormatError naming the tensor.
 */
export async function writeEmbedding(
  tensors: CheckpointTensors,
  architecture: Architecture,
  dtype: Dtype,
  sink: PackageSink,
  options: EmbeddingOptions,
): Promise<WrittenEmbedding> {
  const { hiddenSize } = architecture;
  const stored = tensors.require(EMBEDDING_TENSOR).dtype;
  if (carriesBlocks(dtype) && options.blocks?.formOf(EMBEDDING_TENSOR)?.hasMinima === true)
    return writeRows(tensors, architecture, 'F16', sink, options);
  if (carriesBlocks(dtype) && hiddenSize % BLOCK_SIZE === 0) return writeBlocks(tensors, architecture, sink, options);
  const target = stored === 'F64' ? 'F32' : stored === 'F32' && dtype === 'f16' ? 'F16' : stored;
  return writeRows(tensors, architecture, target, sink, options);
}

async function writeRows(
  tensors: CheckpointTensors,
  { vocabSize, hiddenSize }: Pick<Architecture, 'vocabSize' | 'hiddenSize'>,
  target: SafetensorsDtype,
  sink: PackageSink,
  options: EmbeddingOptions,
): Promise<WrittenEmbedding> {
  const file = await sink.create(EMBEDDING_FILE);
  const writer = new SafetensorsWriter(
    sequentialSink((bytes) => file.append(bytes)),
    [{ name: 'weight', dtype: target, shape: [vocabSize, hiddenSize] }],
    undefined,
    EMBEDDING_FILE,
  );
  const error = new ErrorTotal();
  for (const [first, rows] of slabs(vocabSize, hiddenSize)) {
    options.signal?.throwIfAborted();
    if (target === tensors.require(EMBEDDING_TENSOR).dtype) {
      await writer.append('weight', await tensors.readRows(EMBEDDING_TENSOR, first, rows, options.signal));
    } else {
      const values = await readRows(tensors, first, rows, options.signal);
      if (target === 'F16') {
        if (!fitsHalfPrecision(values)) {
          await file.finish();
          return writeRows(tensors, { vocabSize, hiddenSize }, 'F32', sink, options);
        }
        const halves = new Uint16Array(values.length);
        f32ToF16(values, halves);
        error.addDifference(values, f16ToF32(halves));
        await writer.append('weight', halves);
      } else await writer.append('weight', values);
    }
    options.onBytes(rowBytes(tensors, vocabSize) * rows);
  }
  await writer.finish();
  return { entry: await file.finish(), error, form: target };
}

async function writeBlocks(
  tensors: CheckpointTensors,
  { vocabSize, hiddenSize }: Architecture,
  sink: PackageSink,
  options: EmbeddingOptions,
): Promise<WrittenEmbedding> {
  const source = options.blocks;
  const form = source?.formOf(EMBEDDING_TENSOR);
  const blocksPerRow = hiddenSize / BLOCK_SIZE;
  const error = new ErrorTotal();
  // The file holds the scales first, and they are known only after the last row: the integers wait in memory, at a byte each
  // half of what the checkpoint's tensor takes.
  const scales = new Uint16Array(vocabSize * blocksPerRow);
  const weights: Int8Array<ArrayBuffer>[] = [];
  const rounder = options.rounder ?? roundHere;
  // One slab is rounded while the next one is read.
  let rounding: Promise<SymmetricBlocks> | undefined;
  const take = async (): Promise<void> => {
    if (rounding === undefined) return;
    const blocks = await rounding;
    rounding = undefined;
    place(blocks);
    error.add(blocks);
  };
  let filled = 0;
  const place = (blocks: Pick<SymmetricBlocks, 'quants' | 'scales'>): void => {
    scales.set(blocks.scales, filled);
    filled += blocks.scales.length;
    weights.push(blocks.quants);
  };
  for (const [first, rows] of slabs(vocabSize, hiddenSize)) {
    options.signal?.throwIfAborted();
    const carried =
      form === undefined ? undefined : await source?.readRows(EMBEDDING_TENSOR, first, rows, options.signal);
    const values = carried === undefined ? await readRows(tensors, first, rows, options.signal) : blockValues(carried);
    await take();
    if (!fitsHalfPrecision(values)) return writeRows(tensors, { vocabSize, hiddenSize }, 'F32', sink, options);
    if (carried !== undefined) place(carried);
    else {
      rounding = rounder.round('symmetric8', values, BLOCK_SIZE);
      // Waited for by `take`, unless the next read fails first.
      rounding.catch(() => undefined);
    }
    options.onBytes(rowBytes(tensors, vocabSize) * rows);
  }
  await take();
  const file = await sink.create(EMBEDDING_FILE);
  const writer = new SafetensorsWriter(
    sequentialSink((bytes) => file.append(bytes)),
    [
      { name: 'weight', dtype: 'I8', shape: [vocabSize, hiddenSize] },
      { name: 'scales', dtype: 'F16', shape: [vocabSize, blocksPerRow] },
    ],
    undefined,
    EMBEDDING_FILE,
  );
  await writer.append('scales', scales);
  for (const slab of weights) await writer.append('weight', slab);
  await writer.finish();
  return {
    entry: await file.finish(),
    error,
    form: form === undefined ? `I8 in blocks of ${BLOCK_SIZE} with F16 scales` : carriedForm(form.name),
  };
}

function rowBytes(tensors: CheckpointTensors, vocabSize: number): number {
  const { begin, end } = tensors.require(EMBEDDING_TENSOR);
  return (end - begin) / vocabSize;
}

async function readRows(
  tensors: CheckpointTensors,
  first: number,
  rows: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array<ArrayBuffer>> {
  const values = await tensors.readRowsAsFloat32(EMBEDDING_TENSOR, first, rows, signal);
  requireFinite(values, tensors.where(EMBEDDING_TENSOR));
  return values;
}

/** First row and number of rows of every slab. */
function* slabs(rows: number, width: number): Generator<readonly [number, number]> {
  const step = Math.max(1, Math.floor(SLAB_VALUES / width));
  for (let first = 0; first < rows; first += step) yield [first, Math.min(step, rows - first)];
}
