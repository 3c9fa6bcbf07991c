/**
 * Reads the container of a GGUF file (llama.cpp's format, versions 2 and 3, little-endian): metadata and the table of tensors,
 * every size checked against the file before anything is allocated by it. Which types have their values read: `gguf-blocks.ts`.
 *
 * Lineage: `docs/gguf.md` of ggml; type numbers and block sizes as in `gguf` 0.19.0 (`GGML_QUANT_SIZES`).
 */
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';

/** A list's elements are not kept: the vocabulary comes from tokenizer.json. */
export interface GgufList {
  readonly elements: number;
}
export type GgufValue = string | number | boolean | bigint | GgufList;

export interface GgufTensor {
  readonly name: string;
  /** Row-major, outermost first (the reverse of the file's order); every size ≥ 1. */
  readonly shape: readonly number[];
  /** ggml's name of the type, e.g. `Q4_1`. */
  readonly type: string;
  /** Absolute offset and length in the file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface GgufFile {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly source: ByteSource;
}

/** ggml type number → name, elements a block, bytes a block. */
const TENSOR_TYPES: ReadonlyMap<number, readonly [name: string, elements: number, bytes: number]> = new Map([
  [0, ['F32', 1, 4]],
  [1, ['F16', 1, 2]],
  [2, ['Q4_0', 32, 18]],
  [3, ['Q4_1', 32, 20]],
  [6, ['Q5_0', 32, 22]],
  [7, ['Q5_1', 32, 24]],
  [8, ['Q8_0', 32, 34]],
  [9, ['Q8_1', 32, 40]],
  [10, ['Q2_K', 256, 84]],
  [11, ['Q3_K', 256, 110]],
  [12, ['Q4_K', 256, 144]],
  [13, ['Q5_K', 256, 176]],
  [14, ['Q6_K', 256, 210]],
  [15, ['Q8_K', 256, 292]],
  [16, ['IQ2_XXS', 256, 66]],
  [17, ['IQ2_XS', 256, 74]],
  [18, ['IQ3_XXS', 256, 98]],
  [19, ['IQ1_S', 256, 50]],
  [20, ['IQ4_NL', 32, 18]],
  [21, ['IQ3_S', 256, 110]],
  [22, ['IQ2_S', 256, 82]],
  [23, ['IQ4_XS', 256, 136]],
  [24, ['I8', 1, 1]],
  [25, ['I16', 1, 2]],
  [26, ['I32', 1, 4]],
  [27, ['I64', 1, 8]],
  [28, ['F64', 1, 8]],
  [29, ['IQ1_M', 256, 56]],
  [30, ['BF16', 1, 2]],
  [34, ['TQ1_0', 256, 54]],
  [35, ['TQ2_0', 256, 66]],
  [39, ['MXFP4', 32, 17]],
  [40, ['NVFP4', 64, 36]],
  [41, ['Q1_0', 128, 18]],
]);

const MAGIC = 0x46554747;
/** ggml's GGML_MAX_DIMS. */
const MAX_RANK = 4;
/** gguf.md: the default of `general.alignment`. */
const DEFAULT_ALIGNMENT = 32;
const MAX_ALIGNMENT = 1 << 20;
/** Read at first; the tables of SmolLM2 take 2.2 MB, Llama-3's 8 MB. */
const FIRST_READ_BYTES = 4 * 1024 * 1024;
/** Metadata and tensor table at most. */
const MAX_HEADER_BYTES = 256 * 1024 * 1024;
/** Lists may hold lists; nothing known does. */
const MAX_LIST_DEPTH = 4;

/** Bytes of the metadata types of fixed size, by number. */
const FIXED_SIZES: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];
const TEXT = 8;
const LIST = 9;

/** Thrown when the header goes on beyond the bytes at hand. */
class OutOfBytes extends Error {}

class Cursor {
  at = 0;
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private readonly where: string;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });

  constructor(bytes: Uint8Array, where: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.where = where;
  }

  refuse(what: string): never {
    throw new FormatError('malformed', this.where, what);
  }

  private take(count: number): number {
    const from = this.at;
    if (count > this.bytes.length - from) throw new OutOfBytes();
    this.at += count;
    return from;
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  size(what: string): number {
    const value = this.view.getBigUint64(this.take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.refuse(`the header names an impossible ${what}: ${value}.`);
    return Number(value);
  }

  text(what: string): string {
    const length = this.size(`length of ${what}`);
    if (length > MAX_HEADER_BYTES) this.refuse(`${what} is said to be ${length} bytes long.`);
    const from = this.take(length);
    try {
      return this.decoder.decode(this.bytes.subarray(from, from + length));
    } catch {
      return this.refuse(`${what} is not valid UTF-8.`);
    }
  }

  /** One metadata value; a list is walked over. */
  value(kind: number, key: string, depth = 0): GgufValue {
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
      case TEXT:
        // A vocabulary's texts are skipped: some hold bytes that are no UTF-8.
        if (depth === 0) return this.text(`the value of ${key}`);
        this.take(this.size(`length in ${key}`));
        return '';
      case LIST:
        return this.list(key, depth);
      case 10:
        return this.view.getBigUint64(this.take(8), true);
      case 11:
        return this.view.getBigInt64(this.take(8), true);
      case 12:
        return this.view.getFloat64(this.take(8), true);
      default:
        return this.refuse(`${key} has the unknown metadata type ${kind}.`);
    }
  }

  private list(key: string, depth: number): GgufList {
    if (depth === MAX_LIST_DEPTH) this.refuse(`${key} holds lists more than ${MAX_LIST_DEPTH} deep.`);
    const kind = this.u32();
    const elements = this.size(`number of elements of ${key}`);
    const fixed = FIXED_SIZES[kind];
    if (fixed !== undefined) this.take(elements * fixed);
    else for (let i = 0; i < elements; i += 1) this.value(kind, key, depth + 1);
    return { elements };
  }
}

interface TensorRecord {
  readonly name: string;
  readonly shape: readonly number[];
  readonly typeNumber: number;
  readonly offset: number;
}

/**
 * Reads metadata and table of a GGUF file.
 * @throws FormatError when it is not GGUF, is cut short, or its table does not fit its size; naming key or tensor.
 */
export async function openGguf(source: ByteSource, signal?: AbortSignal): Promise<GgufFile> {
  for (let limit = FIRST_READ_BYTES; ; limit *= 4) {
    const length = Math.min(source.size, limit, MAX_HEADER_BYTES);
    const bytes = await source.read(0, length, signal);
    try {
      return parseGguf(bytes, source);
    } catch (error) {
      if (!(error instanceof OutOfBytes)) throw error;
      if (length === source.size)
        throw new FormatError('truncated', source.name, `its header goes on beyond its end at byte ${length}.`);
      if (length === MAX_HEADER_BYTES)
        throw new FormatError('malformed', source.name, `its header is longer than ${MAX_HEADER_BYTES} bytes.`);
    }
  }
}

function parseGguf(bytes: Uint8Array, source: ByteSource): GgufFile {
  const cursor = new Cursor(bytes, source.name);
  if (bytes.length < 4 || cursor.u32() !== MAGIC)
    throw new FormatError('malformed', source.name, 'not a GGUF file (its first four bytes are not "GGUF").');
  const version = cursor.u32();
  if (version !== 2 && version !== 3)
    throw new FormatError(
      'unsupported',
      source.name,
      version === 0x03000000 ? 'a big-endian GGUF file.' : `GGUF version ${version}; 2 and 3 are read.`,
    );
  const tensorCount = cursor.size('number of tensors');
  const metadataCount = cursor.size('number of metadata entries');
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < metadataCount; i += 1) {
    const key = cursor.text('a metadata key');
    if (metadata.has(key)) cursor.refuse(`the metadata key ${key} occurs twice.`);
    metadata.set(key, cursor.value(cursor.u32(), key));
  }
  const records: TensorRecord[] = [];
  for (let i = 0; i < tensorCount; i += 1) {
    const name = cursor.text('the name of a tensor');
    const rank = cursor.u32();
    if (rank < 1 || rank > MAX_RANK)
      cursor.refuse(`tensor "${name}" has ${rank} dimensions; 1 to ${MAX_RANK} are read.`);
    const shape: number[] = [];
    for (let axis = 0; axis < rank; axis += 1) shape.unshift(cursor.size(`size of tensor "${name}"`));
    records.push({ name, shape, typeNumber: cursor.u32(), offset: cursor.size(`offset of tensor "${name}"`) });
  }
  const alignment = alignmentOf(metadata, source);
  const dataStart = Math.ceil(cursor.at / alignment) * alignment;
  return { metadata, tensors: placeTensors(records, dataStart, alignment, source), source };
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, source: ByteSource): number {
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  if (
    typeof alignment !== 'number' ||
    !(alignment >= 1 && alignment <= MAX_ALIGNMENT) ||
    (alignment & (alignment - 1)) !== 0
  )
    throw new FormatError('malformed', `${source.name}: general.alignment`, 'must be a power of two.');
  return alignment;
}

/** Checks every tensor against the file, and all of them against each other. */
function placeTensors(
  records: readonly TensorRecord[],
  dataStart: number,
  alignment: number,
  source: ByteSource,
): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const { name, shape, typeNumber, offset } of records) {
    const where = ggufWhere(source.name, name);
    if (tensors.has(name)) throw new FormatError('malformed', where, 'occurs twice.');
    const known = TENSOR_TYPES.get(typeNumber);
    if (known === undefined) throw new FormatError('unsupported', where, `has the unknown ggml type ${typeNumber}.`);
    const [type, blockElements, blockBytes] = known;
    if ((shape.at(-1) ?? 0) % blockElements !== 0)
      throw new FormatError('malformed', where, `its rows of ${shape.at(-1)} do not fill blocks of ${blockElements}.`);
    // The running product is checked at every step, so that nothing is compared after it was rounded.
    let elements = 1;
    for (const size of shape) {
      elements *= size;
      if (size < 1 || !Number.isSafeInteger(elements))
        throw new FormatError('malformed', where, `has the impossible shape [${shape.join(', ')}].`);
    }
    const bytes = (elements / blockElements) * blockBytes;
    if (offset % alignment !== 0)
      throw new FormatError('malformed', where, `its offset ${offset} is no multiple of ${alignment}.`);
    if (!Number.isSafeInteger(bytes) || dataStart + offset + bytes > source.size)
      throw new FormatError(
        'truncated',
        where,
        `its data lie beyond the end of the file at byte ${source.size}.`,
        'Copy or download it again.',
      );
    tensors.set(name, { name, shape, type, offset: dataStart + offset, bytes });
  }
  let end = dataStart;
  for (const tensor of [...tensors.values()].sort((a, b) => a.offset - b.offset)) {
    if (tensor.offset < end)
      throw new FormatError('malformed', ggufWhere(source.name, tensor.name), 'overlaps another tensor.');
    end = tensor.offset + tensor.bytes;
  }
  return tensors;
}

/** `file: tensor "name"`, for messages. */
export function ggufWhere(file: string, tensor: string): string {
  return `${file}: tensor "${tensor}"`;
}

/** @throws FormatError `mismatch` when the file has no such tensor. */
export function requireGgufTensor(file: GgufFile, name: string): GgufTensor {
  const tensor = file.tensors.get(name);
  if (tensor === undefined) throw new FormatError('mismatch', ggufWhere(file.source.name, name), 'is missing.');
  return tensor;
}
