/**
 * The numbers in a GGUF file's tensors: types F32, F16, BF16, Q8_0, Q4_0 and Q4_1 as f32, and the blocks of the last three as
 * they are. Other types are refused by name.
 *
 * A block is 32 values along a row. Q4_0: value = d·(q − 8); Q4_1: d·q + m; Q8_0: d·q. d and m are f16, q of 4 bits lie in the
 * lower halves of 16 bytes for the first 16 values and in the upper halves for the others (ggml-quants.c,
 * `dequantize_row_q4_0`, `_q4_1`, `_q8_0`).
 */
import { f16ToF32 } from '@/base/half.ts';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { type GgufFile, type GgufTensor, ggufWhere, requireGgufTensor } from './gguf.ts';
import { decodeFloat32 } from './safetensors.ts';

/** Types whose values are read. */
export const GGUF_VALUE_TYPES = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_1'] as const;
export type GgufValueType = (typeof GGUF_VALUE_TYPES)[number];
export type GgufBlockType = 'Q8_0' | 'Q4_0' | 'Q4_1';

const BLOCK = 32;
const BLOCK_BYTES: Readonly<Record<GgufBlockType, number>> = { Q8_0: 34, Q4_0: 18, Q4_1: 20 };

export function isGgufBlockType(type: string): type is GgufBlockType {
  return Object.hasOwn(BLOCK_BYTES, type);
}

/** @throws FormatError `unsupported` naming tensor and type. */
export function requireValueType({ name, type }: GgufTensor, file: string): GgufValueType {
  const found = GGUF_VALUE_TYPES.find((candidate) => candidate === type);
  if (found === undefined)
    throw new FormatError(
      'unsupported',
      ggufWhere(file, name),
      `is of type ${type}; ${GGUF_VALUE_TYPES.join(', ')} are read.`,
      'Quantise the model to Q4_0, Q4_1 or Q8_0 without mixing in other types (llama-quantize --pure).',
    );
  return found;
}

/** Blocks of 32 with their integers and f16 parameters, in order: value = scale · q + minimum. */
export interface GgufBlocks {
  /** [values]: q − 8 of Q4_0, q of Q4_1 (0…15) and of Q8_0 (−128…127). */
  readonly quants: Int8Array<ArrayBuffer>;
  /** f16 bits, [blocks]. */
  readonly scales: Uint16Array<ArrayBuffer>;
  /** f16 bits, [blocks]; Q4_1 alone has them. */
  readonly minima?: Uint16Array<ArrayBuffer>;
}

/** Takes whole blocks apart. `raw` is not changed; its length is a multiple of the block's. */
export function unpackGgufBlocks(raw: Uint8Array, type: GgufBlockType): GgufBlocks {
  const stride = BLOCK_BYTES[type];
  const blocks = raw.length / stride;
  const scales = halvesAt(raw, 0, stride);
  const quants = new Int8Array(blocks * BLOCK);
  if (type === 'Q8_0') {
    for (let b = 0; b < blocks; b++)
      for (let i = 0, from = b * stride + 2; i < BLOCK; i++) quants[b * BLOCK + i] = raw[from + i]!;
    return { quants, scales };
  }
  const header = type === 'Q4_0' ? 2 : 4;
  const zero = type === 'Q4_0' ? 8 : 0;
  for (let b = 0; b < blocks; b++)
    for (let i = 0, from = b * stride + header, to = b * BLOCK; i < BLOCK / 2; i++) {
      const pair = raw[from + i]!;
      quants[to + i] = (pair & 15) - zero;
      quants[to + i + BLOCK / 2] = (pair >> 4) - zero;
    }
  return type === 'Q4_0' ? { quants, scales } : { quants, scales, minima: halvesAt(raw, 2, stride) };
}

/** The 16-bit words at `from`, `from + stride`, … */
function halvesAt(raw: Uint8Array, from: number, stride: number): Uint16Array<ArrayBuffer> {
  const bits = new Uint16Array(raw.length / stride);
  for (let i = 0; i < bits.length; i++) bits[i] = raw[from + i * stride]! | (raw[from + i * stride + 1]! << 8);
  return bits;
}

/**
 * The values of raw tensor bytes as f32, in file order. Blocks are computed in f64 and rounded once, so that a Q4_1 weight is the
 * nearest f32 to d·q + m. May be a view of `raw`.
 */
export function dequantiseGguf(raw: Uint8Array<ArrayBuffer>, type: GgufValueType): Float32Array<ArrayBuffer> {
  if (!isGgufBlockType(type)) return decodeFloat32(raw, type, type);
  return blockValues(unpackGgufBlocks(raw, type));
}

/** Values of blocks of 32: scale · q + minimum in f64, rounded once. */
export function blockValues({ quants, scales, minima }: GgufBlocks): Float32Array<ArrayBuffer> {
  const steps = f16ToF32(scales);
  // Adding −0 changes nothing, not even the sign of a zero.
  const offsets = minima === undefined ? new Float32Array(steps.length).fill(-0) : f16ToF32(minima);
  const values = new Float32Array(quants.length);
  for (let b = 0; b < steps.length; b++) {
    const step = steps[b]!;
    const offset = offsets[b]!;
    for (let i = b * BLOCK; i < (b + 1) * BLOCK; i++) values[i] = step * quants[i]! + offset;
  }
  return values;
}

/** A whole tensor as f32, row-major. @throws FormatError when it is missing or of a type that is not read. */
export async function readGgufTensor(
  file: GgufFile,
  name: string,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const tensor = requireGgufTensor(file, name);
  const type = requireValueType(tensor, file.source.name);
  return dequantiseGguf(await file.source.read(tensor.offset, tensor.bytes, signal), type);
}

/** Raw bytes of rows `[first, first + count)` of a tensor's first axis. */
export async function readGgufRows(
  source: ByteSource,
  { shape, offset, bytes }: GgufTensor,
  first: number,
  count: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const rowBytes = bytes / shape[0]!;
  return source.read(offset + first * rowBytes, count * rowBytes, signal);
}

/**
 * Undoes llama.cpp's row order of Q and K (interleaved rotary pairs) into Hugging Face's (two halves).
 * @param rows whole heads of `headDim` rows, as bytes or values; not changed.
 * @param out of the same length; overwritten (llama.cpp `convert_hf_to_gguf.py`, `permute`, inverted).
 */
export function unpermuteRotaryRows<T extends Uint8Array | Float32Array>(
  rows: T,
  out: T,
  heads: number,
  headDim: number,
): T {
  const width = rows.length / (heads * headDim);
  const half = headDim / 2;
  for (let head = 0; head < heads; head += 1)
    for (let pair = 0; pair < half; pair += 1)
      for (let side = 0; side < 2; side += 1) {
        const from = (head * headDim + pair * 2 + side) * width;
        out.set(rows.subarray(from, from + width), (head * headDim + side * half + pair) * width);
      }
  return out;
}
