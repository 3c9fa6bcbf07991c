/**
 * Reader of safetensors files. The header is judged as the reference reader does (huggingface/safetensors,
 * `safetensors/src/tensor.rs`: `read_metadata`, `Metadata::validate`): tensors must tile the data section without a hole
 * or an overlap and end where the file ends. Stricter than the reference in one point the format's README demands:
 * a tensor name that occurs twice is refused instead of the last one winning.
 *
 * Tensors are read on demand by byte range, whole or by rows, so a file may be far larger than memory.
 * Little-endian hosts only (every platform this runs on).
 */
import { bf16ToF32, f16ToF32 } from '@/base/half.ts';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { JsonDecimal, parseStrictJson, StrictJsonError } from './strict-json.ts';
import type { StrictJson, StrictJsonObject } from './strict-json.ts';

/** Bits per element, in the reference's order of increasing alignment (`enum Dtype`), which also orders written files. */
const DTYPE_BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;
export type SafetensorsDtype = keyof typeof DTYPE_BITS;

/** All dtypes, by increasing alignment. */
export const SAFETENSORS_DTYPES: readonly SafetensorsDtype[] = Object.keys(DTYPE_BITS).filter(isSafetensorsDtype);

function isSafetensorsDtype(name: string): name is SafetensorsDtype {
  return Object.hasOwn(DTYPE_BITS, name);
}

/** `MAX_HEADER_SIZE` of the reference. */
export const MAX_HEADER_BYTES = 100_000_000;
/** Bytes of the length field before the header. */
export const LENGTH_FIELD_BYTES = 8;

export interface TensorInfo {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Product of the shape; 1 for a scalar. */
  readonly elementCount: number;
  /** Half-open byte range from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** Name of the file, for messages. */
  readonly fileName: string;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Offset of the data section from the start of the file. */
  readonly dataBegin: number;
}

/** `file: tensor "name"`, the `where` of every error about one tensor. */
export function tensorWhere(fileName: string, tensorName: string): string {
  return `${fileName}: tensor ${JSON.stringify(tensorName.length > 200 ? `${tensorName.slice(0, 200)}…` : tensorName)}`;
}

/**
 * Bytes that `elementCount` elements take.
 * @returns `undefined` when sub-byte elements do not fill whole bytes or the size is beyond 2^53.
 */
export function tensorByteLength(dtype: SafetensorsDtype, elementCount: number): number | undefined {
  const bits = elementCount * DTYPE_BITS[dtype];
  if (!Number.isSafeInteger(bits) || bits % 8 !== 0) return undefined;
  return bits / 8;
}

/** Reads and validates the header. @throws FormatError naming the file and, where one is to blame, the tensor. */
export async function readSafetensorsHeader(source: ByteSource, signal?: AbortSignal): Promise<SafetensorsHeader> {
  const file = source.name;
  if (source.size < LENGTH_FIELD_BYTES)
    throw new FormatError(
      'truncated',
      file,
      `not a safetensors file: ${source.size} bytes, its header length alone takes 8.`,
    );
  const field = await source.read(0, LENGTH_FIELD_BYTES, signal);
  const headerBytes = new DataView(field.buffer, field.byteOffset, LENGTH_FIELD_BYTES).getBigUint64(0, true);
  if (headerBytes > BigInt(MAX_HEADER_BYTES))
    throw new FormatError(
      'malformed',
      file,
      `not a safetensors file: it declares a header of ${headerBytes} bytes, the limit is ${MAX_HEADER_BYTES}.`,
    );
  const headerLength = Number(headerBytes);
  const dataBegin = LENGTH_FIELD_BYTES + headerLength;
  if (dataBegin > source.size)
    throw new FormatError(
      'truncated',
      file,
      `the header is declared to take ${headerLength} bytes, but only ${source.size - LENGTH_FIELD_BYTES} follow.`,
    );
  const bytes = await source.read(LENGTH_FIELD_BYTES, headerLength, signal);
  return parseSafetensorsHeader(file, bytes, source.size);
}

/**
 * Validates header bytes (without the length field) against the length of the whole file.
 * @throws FormatError as `readSafetensorsHeader`.
 */
export function parseSafetensorsHeader(fileName: string, headerBytes: Uint8Array, fileSize: number): SafetensorsHeader {
  const root = parseHeaderJson(fileName, headerBytes);
  const dataBegin = LENGTH_FIELD_BYTES + headerBytes.length;
  let metadata: ReadonlyMap<string, string> = new Map();
  const found: TensorInfo[] = [];
  for (const [name, value] of root)
    if (name === '__metadata__') metadata = parseMetadata(fileName, value);
    else found.push(parseTensorInfo(fileName, name, value, dataBegin));
  found.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = dataBegin;
  for (const tensor of found) {
    if (tensor.begin !== position)
      throw new FormatError(
        'malformed',
        tensorWhere(fileName, tensor.name),
        `its data begins at byte ${tensor.begin - dataBegin} of the data section where ${position - dataBegin} is expected: ` +
          (tensor.begin < position ? 'tensors overlap.' : 'a hole between tensors.'),
      );
    checkTensorSize(fileName, tensor);
    position = tensor.end;
  }
  if (position > fileSize)
    throw new FormatError(
      'truncated',
      fileName,
      `the file has ${fileSize} bytes, its header describes ${position}.`,
      'Copy or download it again.',
    );
  if (position < fileSize)
    throw new FormatError('malformed', fileName, `${fileSize - position} bytes follow the last tensor's data.`);
  return { fileName, tensors: new Map(found.map((tensor) => [tensor.name, tensor])), metadata, dataBegin };
}

function parseHeaderJson(file: string, bytes: Uint8Array): StrictJsonObject {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError('malformed', file, 'the safetensors header is not valid UTF-8.');
  }
  let root: StrictJson;
  try {
    root = parseStrictJson(text);
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new FormatError('malformed', file, `the safetensors header is not valid JSON: ${cause.message}.`);
  }
  if (!(root instanceof Map)) throw new FormatError('malformed', file, 'the safetensors header is not a JSON object.');
  return root;
}

function parseMetadata(file: string, value: StrictJson): ReadonlyMap<string, string> {
  // The reference reads an Option<HashMap<String, String>>: null is no metadata.
  if (value === undefined) return new Map();
  if (!(value instanceof Map))
    throw new FormatError('malformed', `${file}: __metadata__`, 'must be an object of strings.');
  const result = new Map<string, string>();
  for (const [key, text] of value as StrictJsonObject) {
    if (typeof text !== 'string')
      throw new FormatError('malformed', `${file}: __metadata__.${key.slice(0, 200)}`, 'must be a string.');
    result.set(key, text);
  }
  return result;
}

function parseTensorInfo(file: string, name: string, value: StrictJson, dataBegin: number): TensorInfo {
  // Built only when something is wrong: a header may hold tens of thousands of tensors.
  const where = () => tensorWhere(file, name);
  if (!(value instanceof Map))
    throw new FormatError('malformed', where(), 'must be an object with dtype, shape and data_offsets.');
  const entry = value as StrictJsonObject;
  const dtype = entry.get('dtype');
  if (typeof dtype !== 'string' || !isSafetensorsDtype(dtype))
    throw new FormatError(
      'unsupported',
      where(),
      `dtype ${show(dtype)} is not one of ${SAFETENSORS_DTYPES.join(', ')}.`,
    );
  const dimensions = entry.get('shape');
  if (!Array.isArray(dimensions))
    throw new FormatError('malformed', where(), 'shape must be an array of whole numbers.');
  const shape = (dimensions as readonly StrictJson[]).map((size) => wholeNumber(where, 'shape', size));
  const offsets = entry.get('data_offsets');
  if (!Array.isArray(offsets) || offsets.length !== 2)
    throw new FormatError('malformed', where(), 'data_offsets must be an array of two whole numbers.');
  const [first, last] = offsets as readonly StrictJson[];
  const begin = dataBegin + wholeNumber(where, 'data_offsets', first);
  const end = dataBegin + wholeNumber(where, 'data_offsets', last);
  if (!Number.isSafeInteger(begin) || !Number.isSafeInteger(end))
    throw new FormatError('malformed', where(), 'data_offsets overflow: beyond 2^53.');
  if (end < begin) throw new FormatError('malformed', where(), 'data_offsets end before they begin.');
  let elementCount = 1;
  for (const size of shape) {
    elementCount *= size;
    if (!Number.isSafeInteger(elementCount))
      throw new FormatError('malformed', where(), `shape [${showShape(shape)}] overflows: more than 2^53 elements.`);
  }
  return { name, dtype, shape, elementCount, begin, end };
}

function checkTensorSize(file: string, tensor: TensorInfo): void {
  const expected = tensorByteLength(tensor.dtype, tensor.elementCount);
  if (expected === undefined)
    throw new FormatError(
      'malformed',
      tensorWhere(file, tensor.name),
      Number.isSafeInteger(tensor.elementCount * DTYPE_BITS[tensor.dtype])
        ? `${tensor.elementCount} elements of ${tensor.dtype} do not fill whole bytes.`
        : `shape [${showShape(tensor.shape)}] overflows: its size is beyond 2^53 bits.`,
    );
  const actual = tensor.end - tensor.begin;
  if (actual !== expected)
    throw new FormatError(
      'malformed',
      tensorWhere(file, tensor.name),
      `${tensor.dtype} [${showShape(tensor.shape)}] takes ${expected} bytes, but data_offsets span ${actual}.`,
    );
}

function wholeNumber(where: () => string, key: string, value: StrictJson): number {
  if (typeof value === 'number' && value >= 0) return value;
  if (typeof value === 'bigint' && value >= 0n)
    throw new FormatError('malformed', where(), `${key} overflows: ${value} is beyond 2^53.`);
  throw new FormatError('malformed', where(), `${key} must hold whole numbers, not ${show(value)}.`);
}

function show(value: StrictJson): string {
  if (value instanceof JsonDecimal) return String(value.value);
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  if (typeof value === 'object') return value instanceof Map ? 'an object' : 'an array';
  return value === undefined ? 'nothing' : String(value);
}

function showShape(shape: readonly number[]): string {
  return shape.length > 16 ? `${shape.slice(0, 16).join(', ')}, …` : shape.join(', ');
}

/** The entry of a tensor that must be there. @throws FormatError `mismatch` */
export function requireTensor(header: SafetensorsHeader, name: string): TensorInfo {
  const tensor = header.tensors.get(name);
  if (tensor === undefined)
    throw new FormatError('mismatch', tensorWhere(header.fileName, name), 'is not in this file.');
  return tensor;
}

/** The entry of a tensor that must be there with this very shape. @throws FormatError `mismatch` */
export function requireShape(header: SafetensorsHeader, name: string, shape: readonly number[]): TensorInfo {
  const tensor = requireTensor(header, name);
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis]))
    throw new FormatError(
      'mismatch',
      tensorWhere(header.fileName, name),
      `has shape [${showShape(tensor.shape)}] where [${showShape(shape)}] is expected.`,
    );
  return tensor;
}

/** The raw little-endian bytes of a tensor. @throws FormatError */
export function readTensor(
  source: ByteSource,
  header: SafetensorsHeader,
  name: string,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const tensor = requireTensor(header, name);
  return source.read(tensor.begin, tensor.end - tensor.begin, signal);
}

/**
 * Raw bytes of rows `[firstRow, firstRow + rowCount)` along the first axis, so that large tensors stream.
 * @throws FormatError when the tensor is missing, a scalar, of sub-byte elements, or has no such rows.
 */
export function readTensorRows(
  source: ByteSource,
  header: SafetensorsHeader,
  name: string,
  firstRow: number,
  rowCount: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const tensor = requireTensor(header, name);
  const where = tensorWhere(header.fileName, name);
  const rows = tensor.shape[0];
  if (rows === undefined) throw new FormatError('mismatch', where, 'is a scalar and has no rows.');
  if (firstRow < 0 || rowCount < 0 || firstRow + rowCount > rows)
    throw new FormatError('mismatch', where, `has ${rows} rows, not rows ${firstRow} to ${firstRow + rowCount - 1}.`);
  if (rowCount === 0) return Promise.resolve(new Uint8Array(0));
  const rowBytes = (tensor.end - tensor.begin) / rows;
  if (!Number.isInteger(rowBytes)) throw new FormatError('unsupported', where, 'its rows do not fill whole bytes.');
  return source.read(tensor.begin + firstRow * rowBytes, rowCount * rowBytes, signal);
}

/** Dtypes that `decodeFloat32` widens or narrows. */
export function isFloatDtype(dtype: SafetensorsDtype): dtype is 'F32' | 'F16' | 'BF16' | 'F64' {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16' || dtype === 'F64';
}

/**
 * Values of F32, F16, BF16 (exact) or F64 (rounded to nearest even) bytes as f32 [bytes / size]. May be a view of `bytes`.
 * @throws FormatError `unsupported` for any other dtype, naming `where`.
 */
export function decodeFloat32(
  bytes: Uint8Array<ArrayBuffer>,
  dtype: SafetensorsDtype,
  where: string,
): Float32Array<ArrayBuffer> {
  if (dtype === 'F32') return new Float32Array(alignedBuffer(bytes, 4), alignedOffset(bytes, 4), bytes.length / 4);
  if (dtype === 'F64')
    return Float32Array.from(new Float64Array(alignedBuffer(bytes, 8), alignedOffset(bytes, 8), bytes.length / 8));
  if (dtype === 'F16' || dtype === 'BF16') {
    const halves = new Uint16Array(alignedBuffer(bytes, 2), alignedOffset(bytes, 2), bytes.length / 2);
    const result = new Float32Array(halves.length);
    if (dtype === 'F16') f16ToF32(halves, result);
    else bf16ToF32(halves, result);
    return result;
  }
  throw notFloat(dtype, where);
}

function notFloat(dtype: SafetensorsDtype, where: string): FormatError {
  return new FormatError('unsupported', where, `is ${dtype} where F32, F16, BF16 or F64 is expected.`);
}

/** Refuses another dtype before any of the tensor's bytes are read. */
function requireFloatTensor(header: SafetensorsHeader, name: string): { dtype: SafetensorsDtype; where: string } {
  const { dtype } = requireTensor(header, name);
  const where = tensorWhere(header.fileName, name);
  if (!isFloatDtype(dtype)) throw notFloat(dtype, where);
  return { dtype, where };
}

function alignedOffset(bytes: Uint8Array<ArrayBuffer>, size: number): number {
  return bytes.byteOffset % size === 0 ? bytes.byteOffset : 0;
}

function alignedBuffer(bytes: Uint8Array<ArrayBuffer>, size: number): ArrayBuffer {
  return bytes.byteOffset % size === 0 ? bytes.buffer : bytes.slice().buffer;
}

/** A whole float tensor as f32, row-major. @throws FormatError */
export async function readTensorAsFloat32(
  source: ByteSource,
  header: SafetensorsHeader,
  name: string,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const { dtype, where } = requireFloatTensor(header, name);
  return decodeFloat32(await readTensor(source, header, name, signal), dtype, where);
}

/** Rows of a float tensor as f32 [rowCount, …]. @throws FormatError */
export async function readTensorRowsAsFloat32(
  source: ByteSource,
  header: SafetensorsHeader,
  name: string,
  firstRow: number,
  rowCount: number,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const { dtype, where } = requireFloatTensor(header, name);
  return decodeFloat32(await readTensorRows(source, header, name, firstRow, rowCount, signal), dtype, where);
}
