/**
 * A zip archive of stored entries as one Blob that refers to its files' Blobs: nothing is copied, whatever their size (PKWARE APPNOTE
 * 6.3.10, sections 4.3 and 4.5.3; zip64 fields only where a number does not fit 32 bits).
 */
import { createCRC32, createSHA256 } from 'hash-wasm';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { CHECK_CHUNK_BYTES } from './file-hash.ts';

/** What the archive says of an entry. */
export interface ZipFile {
  readonly name: string;
  readonly bytes: number;
  readonly crc32: number;
}

const all32 = 0xffff_ffff;
const all16 = 0xffff;
/** Names are UTF-8. */
const utf8Flag = 0x0800;
/** 1 January 1980, the first day the format knows: the same files give the same archive. */
const firstDay = 0x0021;
const version20 = 20;
const version45 = 45;

/** A file that has been read as a whole once. */
export interface ProvenFile extends ZipFile {
  readonly sha256: string;
  readonly blob: Blob;
}

/** The archive's own bytes: what stands before each file, and what ends it. */
export interface ZipFrame {
  readonly headers: readonly Uint8Array<ArrayBuffer>[];
  readonly end: Uint8Array<ArrayBuffer>;
}

/** @param files in the order in which their bytes follow their headers. */
export function zipFrame(files: readonly ZipFile[]): ZipFrame {
  const headers: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, bytes, crc32 } of files) {
    const nameBytes = new TextEncoder().encode(name);
    const large = bytes >= all32;
    const far = offset >= all32;
    const version = large || far ? version45 : version20;
    const size = large ? all32 : bytes;
    const common = (view: Fields) =>
      view.u16(version).u16(utf8Flag).u16(0).u16(0).u16(firstDay).u32(crc32).u32(size).u32(size).u16(nameBytes.length);
    const localExtra = large ? new Fields().u16(1).u16(16).u64(bytes).u64(bytes) : new Fields();
    const local = common(new Fields().u32(0x0403_4b50)).u16(localExtra.length).raw(nameBytes).raw(localExtra.bytes());
    const sizes = large ? [bytes, bytes] : [];
    const wide = far ? [...sizes, offset] : sizes;
    const extra = new Fields();
    if (wide.length > 0) {
      extra.u16(1).u16(8 * wide.length);
      for (const value of wide) extra.u64(value);
    }
    directory.push(
      common(new Fields().u32(0x0201_4b50).u16(version))
        .u16(extra.length)
        .u16(0)
        .u16(0)
        .u16(0)
        .u32(0)
        .u32(far ? all32 : offset)
        .raw(nameBytes)
        .raw(extra.bytes())
        .bytes(),
    );
    headers.push(local.bytes());
    offset += local.length + bytes;
  }
  const directoryBytes = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new Fields();
  for (const part of directory) end.raw(part);
  const count = files.length;
  if (offset + directoryBytes >= all32 || count >= all16)
    end
      .u32(0x0606_4b50)
      .u64(44)
      .u16(version45)
      .u16(version45)
      .u32(0)
      .u32(0)
      .u64(count)
      .u64(count)
      .u64(directoryBytes)
      .u64(offset)
      .u32(0x0706_4b50)
      .u32(0)
      .u64(offset + directoryBytes)
      .u32(1);
  end
    .u32(0x0605_4b50)
    .u16(0)
    .u16(0)
    .u16(Math.min(count, all16))
    .u16(Math.min(count, all16))
    .u32(Math.min(directoryBytes, all32))
    .u32(Math.min(offset, all32))
    .u16(0);
  return { headers, end: end.bytes() };
}

/** The archive. @param files each with its bytes, of the length it states. */
export function zipBlob(files: readonly (ZipFile & { readonly blob: Blob })[]): Blob {
  const { headers, end } = zipFrame(files);
  return new Blob([...files.flatMap(({ blob }, index) => [headers[index] ?? '', blob]), end], {
    type: 'application/zip',
  });
}

/**
 * A file of a package as an entry, proven by its SHA-256 in one reading with one piece in memory at a time. A download's pieces become
 * Blobs as they arrive, which the browser keeps on disk.
 * @param sha256 what the manifest says; absent for a file it does not name.
 * @throws FormatError naming the file; AbortError on abort.
 */
export async function provenZipFile(
  source: ByteSource,
  sha256: string | undefined,
  signal?: AbortSignal,
): Promise<ProvenFile> {
  const [hasher, checksum, whole] = await Promise.all([createSHA256(), createCRC32(), source.blob?.()]);
  const pieces: Blob[] = [];
  for (let offset = 0; offset < source.size; offset += CHECK_CHUNK_BYTES) {
    const bytes = await source.read(offset, Math.min(CHECK_CHUNK_BYTES, source.size - offset), signal);
    hasher.update(bytes);
    checksum.update(bytes);
    if (whole === undefined) pieces.push(new Blob([bytes]));
  }
  const digest = hasher.digest();
  if (sha256 !== undefined && digest !== sha256)
    throw new FormatError(
      'hash-mismatch',
      source.name,
      `its SHA-256 is ${digest}, the manifest says ${sha256}.`,
      'The file was changed or damaged since the model was loaded: load the model again.',
    );
  const crc32 = Number.parseInt(checksum.digest(), 16);
  return { name: source.name, bytes: source.size, crc32, sha256: digest, blob: whole ?? new Blob(pieces) };
}

/** Little-endian fields, one after another. */
class Fields {
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];
  length = 0;

  raw(bytes: Uint8Array<ArrayBuffer>): this {
    this.#parts.push(bytes);
    this.length += bytes.length;
    return this;
  }

  u16(value: number): this {
    return this.#number(2, (view) => view.setUint16(0, value, true));
  }

  u32(value: number): this {
    return this.#number(4, (view) => view.setUint32(0, value, true));
  }

  u64(value: number): this {
    return this.#number(8, (view) => view.setBigUint64(0, BigInt(value), true));
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #number(size: number, set: (view: DataView) => void): this {
    const bytes = new Uint8Array(size);
    set(new DataView(bytes.buffer));
    return this.raw(bytes);
  }
}
