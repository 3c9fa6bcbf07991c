/**
 * Writer of safetensors files, in the reference's layout (huggingface/safetensors, `prepare`): tensors by decreasing
 * alignment of their dtype, then by name; header padded with spaces to 8 bytes. So the same tensors give the same bytes
 * as the reference writes, and every tensor is aligned to its element size.
 */
import type { ByteSink } from './byte-sink.ts';
import { FormatError } from './errors.ts';
import {
  LENGTH_FIELD_BYTES,
  MAX_HEADER_BYTES,
  SAFETENSORS_DTYPES,
  tensorByteLength,
  tensorWhere,
} from './safetensors.ts';
import type { SafetensorsDtype, SafetensorsHeader, TensorInfo } from './safetensors.ts';

/** A tensor to come: what the header needs to know. */
export interface TensorDeclaration {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
}

/** A tensor with its little-endian data, row-major. */
export interface TensorData extends TensorDeclaration {
  readonly data: ArrayBufferView<ArrayBuffer>;
}

export interface SafetensorsLayout {
  /** Length field and header, ready to be written at offset 0. */
  readonly headerBytes: Uint8Array<ArrayBuffer>;
  /** Where each tensor's bytes go, in file order. */
  readonly header: SafetensorsHeader;
  /** Length of the whole file. */
  readonly size: number;
}

function asBytes(view: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * Lays out a file from its declarations.
 * @param fileName for messages only.
 * @throws FormatError on a duplicate or reserved name, a shape that does not fill whole bytes, or a header over the limit.
 */
export function layoutSafetensors(
  declarations: readonly TensorDeclaration[],
  metadata?: Readonly<Record<string, string>>,
  fileName = 'safetensors',
): SafetensorsLayout {
  const sorted = declarations.toSorted(
    (a, b) => SAFETENSORS_DTYPES.indexOf(b.dtype) - SAFETENSORS_DTYPES.indexOf(a.dtype) || compareUtf8(a.name, b.name),
  );
  const entries: string[] = [];
  if (metadata !== undefined) entries.push(`"__metadata__":${JSON.stringify(metadata)}`);
  const spans = new Map<string, { declaration: TensorDeclaration; elementCount: number; begin: number; end: number }>();
  let position = 0;
  for (const declaration of sorted) {
    const where = tensorWhere(fileName, declaration.name);
    if (declaration.name === '__metadata__' || spans.has(declaration.name))
      throw new FormatError('malformed', where, 'a tensor cannot have this name: it is reserved or taken.');
    const elementCount = declaration.shape.reduce((product, size) => product * size, 1);
    const length = tensorByteLength(declaration.dtype, elementCount);
    if (length === undefined || length < 0 || declaration.shape.some((size) => !Number.isSafeInteger(size) || size < 0))
      throw new FormatError('malformed', where, `shape [${declaration.shape.join(', ')}] cannot be written.`);
    spans.set(declaration.name, { declaration, elementCount, begin: position, end: position + length });
    const info = { dtype: declaration.dtype, shape: declaration.shape, data_offsets: [position, position + length] };
    entries.push(`${JSON.stringify(declaration.name)}:${JSON.stringify(info)}`);
    position += length;
  }
  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const padded = Math.ceil(json.length / LENGTH_FIELD_BYTES) * LENGTH_FIELD_BYTES;
  if (padded > MAX_HEADER_BYTES)
    throw new FormatError(
      'unsupported',
      fileName,
      `the header would take ${padded} bytes, the limit is ${MAX_HEADER_BYTES}.`,
    );
  const headerBytes = new Uint8Array(LENGTH_FIELD_BYTES + padded).fill(0x20);
  new DataView(headerBytes.buffer).setBigUint64(0, BigInt(padded), true);
  headerBytes.set(json, LENGTH_FIELD_BYTES);
  const dataBegin = headerBytes.length;
  const tensors = new Map<string, TensorInfo>();
  for (const [name, { declaration, elementCount, begin, end }] of spans)
    tensors.set(name, {
      name,
      dtype: declaration.dtype,
      shape: [...declaration.shape],
      elementCount,
      begin: dataBegin + begin,
      end: dataBegin + end,
    });
  const header = { fileName, tensors, metadata: new Map(Object.entries(metadata ?? {})), dataBegin };
  return { headerBytes, header, size: dataBegin + position };
}

/** Rust orders names by their UTF-8 bytes, JavaScript by UTF-16 units; they differ beyond the basic plane. */
function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const order = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** A whole file in memory. @throws FormatError as `layoutSafetensors`, or when data and shape disagree in length. */
export function writeSafetensors(
  tensors: readonly TensorData[],
  metadata?: Readonly<Record<string, string>>,
  fileName = 'safetensors',
): Uint8Array<ArrayBuffer> {
  const layout = layoutSafetensors(tensors, metadata, fileName);
  const file = new Uint8Array(layout.size);
  file.set(layout.headerBytes);
  for (const { name, data } of tensors) {
    const info = layout.header.tensors.get(name);
    if (info === undefined || info.end - info.begin !== data.byteLength)
      throw new FormatError(
        'mismatch',
        tensorWhere(fileName, name),
        `${data.byteLength} bytes of data for a shape that takes ${info === undefined ? 0 : info.end - info.begin}.`,
      );
    file.set(asBytes(data), info.begin);
  }
  return file;
}

/**
 * Writes a file piece by piece: shapes first, then chunks of any tensor in any order. Calls are not to overlap.
 * On a `sequentialSink`, append the tensors whole and in `layout.header` order.
 */
export class SafetensorsWriter {
  readonly layout: SafetensorsLayout;
  private readonly sink: ByteSink;
  private readonly written = new Map<string, number>();
  private started = false;

  /** @throws FormatError as `layoutSafetensors` */
  constructor(
    sink: ByteSink,
    declarations: readonly TensorDeclaration[],
    metadata?: Readonly<Record<string, string>>,
    fileName = 'safetensors',
  ) {
    this.sink = sink;
    this.layout = layoutSafetensors(declarations, metadata, fileName);
  }

  /** Appends the next bytes of a tensor. @throws FormatError when the tensor was not declared or is already full. */
  async append(name: string, data: ArrayBufferView<ArrayBuffer>): Promise<void> {
    const info = this.layout.header.tensors.get(name);
    const where = tensorWhere(this.layout.header.fileName, name);
    if (info === undefined) throw new FormatError('mismatch', where, 'was not declared.');
    const done = this.written.get(name) ?? 0;
    if (info.begin + done + data.byteLength > info.end)
      throw new FormatError('mismatch', where, `more data than its ${info.end - info.begin} bytes.`);
    this.written.set(name, done + data.byteLength);
    await this.start();
    await this.sink.writeAt(info.begin + done, asBytes(data));
  }

  /** Checks that every declared byte was written. The sink is the caller's to close. @throws FormatError */
  async finish(): Promise<void> {
    await this.start();
    for (const info of this.layout.header.tensors.values()) {
      const done = this.written.get(info.name) ?? 0;
      if (done !== info.end - info.begin)
        throw new FormatError(
          'mismatch',
          tensorWhere(this.layout.header.fileName, info.name),
          `only ${done} of ${info.end - info.begin} bytes were written.`,
        );
    }
  }

  private async start(): Promise<void> {
    if (this.started) return;
    this.started = true;
    await this.sink.writeAt(0, this.layout.headerBytes);
  }
}
