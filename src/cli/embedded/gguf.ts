/**
 * Reads a GGUF file (llama.cpp's container, versions 2 and 3) far enough for the embedded model's source: metadata scalars
 * and the tensor types F32, F16, Q8_0 and Q4_1. Everything else is refused by name.
 *
 * Invariant: dequantisation is done in f64 and rounded once to f32, so a Q4_1 weight is the nearest f32 to d·q + m.
 * Lineage: ggml's `ggml-quants.c` (block layouts), `gguf.md` (container).
 */
import { f16ToF32 } from '@/base/half.ts';
import { FormatError } from '@/formats/errors.ts';
import type { ByteSource } from '@/formats/byte-source.ts';

export type GgufTensorType = 'F32' | 'F16' | 'Q8_0' | 'Q4_1';

export interface GgufTensor {
  readonly name: string;
  /** Row-major shape, outermost first (the reverse of the file's order). */
  readonly shape: readonly number[];
  readonly type: GgufTensorType;
  /** Absolute offset and length in the file. */
  readonly offset: number;
  readonly bytes: number;
}

export type GgufScalar = string | number | boolean | bigint;

export interface GgufFile {
  readonly metadata: ReadonlyMap<string, GgufScalar>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly source: ByteSource;
}

/** ggml type number → name, elements a block, bytes a block. */
const TENSOR_TYPES: ReadonlyMap<
  number,
  { readonly type: GgufTensorType; readonly block: number; readonly bytes: number }
> = new Map([
  [0, { type: 'F32', block: 1, bytes: 4 }],
  [1, { type: 'F16', block: 1, bytes: 2 }],
  [3, { type: 'Q4_1', block: 32, bytes: 20 }],
  [8, { type: 'Q8_0', block: 32, bytes: 34 }],
]);

/** Header and tensor table of the file at most; the tables of SmolLM2 take 2.2 MB. */
const HEADER_LIMIT_BYTES = 64 * 1024 * 1024;

class Cursor {
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private readonly where: string;
  at = 0;
  constructor(bytes: Uint8Array, where: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.where = where;
  }
  private take(count: number): number {
    const from = this.at;
    if (count > this.bytes.length - from)
      throw new FormatError('truncated', this.where, `the GGUF header ends at byte ${this.bytes.length}.`);
    this.at += count;
    return from;
  }
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  u64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }
  size(): number {
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new FormatError('malformed', this.where, `the GGUF header names an impossible size ${value}.`);
    return Number(value);
  }
  text(): string {
    const length = this.size();
    const from = this.take(length);
    return new TextDecoder().decode(this.bytes.subarray(from, from + length));
  }
  /** One metadata value; arrays are walked over and not kept (the vocabulary comes from tokenizer.json). */
  value(kind: number): GgufScalar | undefined {
    switch (kind) {
      case 0:
        return this.view.getUint8(this.take(1));
      case 1:
        return this.view.getInt8(this.take(1));
      case 2:
        return this.view.getUint16(this.take(2), true);
      case 3:
        return this.view.getInt16(this.take(2), true);
      case 4:
        return this.u32();
      case 5:
        return this.view.getInt32(this.take(4), true);
      case 6:
        return this.view.getFloat32(this.take(4), true);
      case 7:
        return this.view.getUint8(this.take(1)) !== 0;
      case 8:
        return this.text();
      case 9: {
        const element = this.u32();
        const count = this.size();
        for (let i = 0; i < count; i += 1) this.value(element);
        return undefined;
      }
      case 10:
        return this.u64();
      case 11:
        return this.view.getBigInt64(this.take(8), true);
      case 12:
        return this.view.getFloat64(this.take(8), true);
      default:
        throw new FormatError('malformed', this.where, `unknown GGUF metadata type ${kind}.`);
    }
  }
}

/**
 * Reads the header of a GGUF file.
 * @throws FormatError when it is not GGUF, is cut short, or holds a tensor type that is not read here.
 */
export async function openGguf(source: ByteSource): Promise<GgufFile> {
  const head = await source.read(0, Math.min(source.size, HEADER_LIMIT_BYTES));
  const cursor = new Cursor(head, source.name);
  if (source.size < 24 || cursor.u32() !== 0x46554747)
    throw new FormatError('malformed', source.name, 'not a GGUF file (its first four bytes are not "GGUF").');
  const version = cursor.u32();
  if (version !== 2 && version !== 3)
    throw new FormatError('unsupported', source.name, `GGUF version ${version}; 2 and 3 are read.`);
  const tensorCount = cursor.size();
  const metadataCount = cursor.size();
  const metadata = new Map<string, GgufScalar>();
  for (let i = 0; i < metadataCount; i += 1) {
    const key = cursor.text();
    const value = cursor.value(cursor.u32());
    if (value !== undefined) metadata.set(key, value);
  }
  const found: { name: string; shape: number[]; typeNumber: number; offset: number }[] = [];
  for (let i = 0; i < tensorCount; i += 1) {
    const name = cursor.text();
    const rank = cursor.u32();
    const shape: number[] = [];
    for (let axis = 0; axis < rank; axis += 1) shape.unshift(cursor.size());
    found.push({ name, shape, typeNumber: cursor.u32(), offset: cursor.size() });
  }
  const alignment = Number(metadata.get('general.alignment') ?? 32);
  const dataStart = Math.ceil(cursor.at / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const { name, shape, typeNumber, offset } of found) {
    const type = TENSOR_TYPES.get(typeNumber);
    if (type === undefined)
      throw new FormatError(
        'unsupported',
        `${source.name}: ${name}`,
        `ggml type ${typeNumber} is not read; F32, F16, Q8_0 and Q4_1 are.`,
      );
    const elements = shape.reduce((product, size) => product * size, 1);
    if ((shape.at(-1) ?? 0) % type.block !== 0)
      throw new FormatError('malformed', `${source.name}: ${name}`, `rows do not divide into blocks of ${type.block}.`);
    const bytes = (elements / type.block) * type.bytes;
    if (dataStart + offset + bytes > source.size)
      throw new FormatError('truncated', `${source.name}: ${name}`, 'its data lie beyond the end of the file.');
    tensors.set(name, { name, shape, type: type.type, offset: dataStart + offset, bytes });
  }
  return { metadata, tensors, source };
}

/**
 * Dequantises raw block data to f32, in file order.
 * @param raw bytes of whole blocks of `type`; not changed.
 * @returns f32, one value an element; Q4_1 is d·q + m, Q8_0 is d·q (ggml-quants.c `dequantize_row_q4_1`, `_q8_0`).
 */
export function dequantiseGguf(raw: Uint8Array, type: GgufTensorType): Float32Array<ArrayBuffer> {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (type === 'F32') {
    const out = new Float32Array(raw.byteLength / 4);
    for (let i = 0; i < out.length; i += 1) out[i] = view.getFloat32(i * 4, true);
    return out;
  }
  if (type === 'F16') return Float32Array.from(halves(view, 0, 2, raw.byteLength / 2));
  if (type === 'Q8_0') {
    const blocks = raw.byteLength / 34;
    const scales = halves(view, 0, 34, blocks);
    const out = new Float32Array(blocks * 32);
    for (let b = 0; b < blocks; b += 1) {
      const d = scales[b]!;
      for (let i = 0; i < 32; i += 1) out[b * 32 + i] = d * view.getInt8(b * 34 + 2 + i);
    }
    return out;
  }
  const blocks = raw.byteLength / 20;
  const scales = halves(view, 0, 20, blocks);
  const minima = halves(view, 2, 20, blocks);
  const out = new Float32Array(blocks * 32);
  for (let b = 0; b < blocks; b += 1) {
    const d = scales[b]!;
    const m = minima[b]!;
    for (let i = 0; i < 16; i += 1) {
      const pair = view.getUint8(b * 20 + 4 + i);
      out[b * 32 + i] = d * (pair & 15) + m;
      out[b * 32 + i + 16] = d * (pair >> 4) + m;
    }
  }
  return out;
}

/** `count` binary16 numbers at `from`, `from + stride`, … as f32, exact. */
function halves(view: DataView, from: number, stride: number, count: number): Float32Array {
  const bits = new Uint16Array(count);
  for (let i = 0; i < count; i += 1) bits[i] = view.getUint16(from + i * stride, true);
  return f16ToF32(bits);
}

/** Reads one tensor as f32 in row-major order. @throws FormatError when the file has no such tensor. */
export async function readGgufTensor(file: GgufFile, name: string): Promise<Float32Array<ArrayBuffer>> {
  const tensor = file.tensors.get(name);
  if (tensor === undefined)
    throw new FormatError('mismatch', file.source.name, `there is no tensor "${name}" in the GGUF file.`);
  return dequantiseGguf(await file.source.read(tensor.offset, tensor.bytes), tensor.type);
}

/**
 * Undoes llama.cpp's row order of Q and K (interleaved rotary pairs) into Hugging Face's (two halves).
 * @param weights f32 `[heads·headDim, columns]`; not changed.
 * @returns a new array of the same shape (llama.cpp `convert_hf_to_gguf.py`, `permute`, inverted).
 */
export function unpermuteRotaryRows(
  weights: Float32Array,
  heads: number,
  headDim: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(weights.length);
  const half = headDim / 2;
  for (let head = 0; head < heads; head += 1)
    for (let pair = 0; pair < half; pair += 1)
      for (let side = 0; side < 2; side += 1) {
        const from = (head * headDim + pair * 2 + side) * columns;
        out.set(weights.subarray(from, from + columns), (head * headDim + side * half + pair) * columns);
      }
  return out;
}
