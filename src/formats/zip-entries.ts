/**
 * The directory of a zip archive whose entries are stored, not compressed: what PyTorch writes (PKWARE APPNOTE 6.3.10, sections
 * 4.3 and 4.5.3 for zip64). Entries are read by range.
 *
 * Checksums are not verified: PyTorch can be told not to compute them (`set_crc32_options`) and then writes none that hold.
 */
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';

export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

const endSignature = 0x0605_4b50;
const end64Signature = 0x0606_4b50;
const locator64Signature = 0x0706_4b50;
const entrySignature = 0x0201_4b50;
const localSignature = 0x0403_4b50;
const endBytes = 22;
const longestComment = 0xffff;
const largestDirectory = 64 * 1024 * 1024;
const all32 = 0xffff_ffff;

/** Entries by name. @throws FormatError for a damaged directory, or an entry that is compressed, encrypted or occurs twice. */
export async function readZipEntries(source: ByteSource, signal?: AbortSignal): Promise<ReadonlyMap<string, ZipEntry>> {
  const { begin, size, count } = await findDirectory(source, signal);
  if (size > largestDirectory || begin + size > source.size || count > size / 46)
    throw damaged(source, `its directory (${count} entries in ${size} bytes at ${begin}) does not fit the file`);
  const view = viewOf(await source.read(begin, size, signal));
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > size || view.getUint32(at, true) !== entrySignature)
      throw damaged(source, `entry ${i} of its directory is not where it should be`);
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > size) throw damaged(source, `entry ${i} of its directory is cut off`);
    const nameBytes = new Uint8Array(view.buffer, view.byteOffset + at + 46, nameLength);
    const name = new TextDecoder().decode(nameBytes);
    const where = `${source.name}: ${JSON.stringify(name.slice(0, 200))}`;
    if ((flags & 1) !== 0) throw new FormatError('unsupported', where, 'is encrypted.');
    if (method !== 0)
      throw new FormatError(
        'unsupported',
        where,
        `is compressed (method ${method}).`,
        'PyTorch stores its tensors uncompressed: this archive was made or repacked by something else.',
      );
    if (entries.has(name)) throw new FormatError('malformed', where, 'occurs twice in the archive.');
    const sizes = sizesOf(view, at, nameLength, extraLength);
    if (sizes === undefined || sizes.stored !== sizes.size || sizes.header + sizes.size > source.size)
      throw new FormatError('malformed', where, 'its place or size does not fit the archive.');
    entries.set(name, entryAt(source, where, name, sizes.header, sizes.size));
    at = next;
  }
  return entries;
}

function entryAt(source: ByteSource, where: string, name: string, header: number, size: number): ZipEntry {
  let data: Promise<number> | undefined;
  const findData = async (signal?: AbortSignal): Promise<number> => {
    if (header + 30 > source.size) throw new FormatError('malformed', where, 'its place does not fit the archive.');
    const view = viewOf(await source.read(header, 30, signal));
    if (view.getUint32(0, true) !== localSignature)
      throw new FormatError('malformed', where, 'its data is not where the directory says.');
    const begin = header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
    if (begin + size > source.size)
      throw new FormatError('truncated', where, 'its data goes beyond the end of the file.');
    return begin;
  };
  return {
    name,
    size,
    async read(offset, length, signal) {
      if (offset < 0 || length < 0 || offset + length > size)
        throw new FormatError('truncated', where, `has ${size} bytes, not bytes ${offset} to ${offset + length}.`);
      const begin = await (data ??= findData(signal).catch((error: unknown) => {
        data = undefined;
        throw error;
      }));
      return source.read(begin + offset, length, signal);
    },
  };
}

interface Directory {
  readonly begin: number;
  readonly size: number;
  readonly count: number;
}

async function findDirectory(source: ByteSource, signal?: AbortSignal): Promise<Directory> {
  const tailBytes = Math.min(source.size, endBytes + longestComment);
  const tailBegin = source.size - tailBytes;
  const view = viewOf(await source.read(tailBegin, tailBytes, signal));
  let at = tailBytes - endBytes;
  while (
    at >= 0 &&
    !(view.getUint32(at, true) === endSignature && at + endBytes + view.getUint16(at + 20, true) === tailBytes)
  )
    at--;
  if (at < 0) throw damaged(source, 'it has no end record: the file was cut off', 'truncated');
  const short = {
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    begin: view.getUint32(at + 16, true),
  };
  if (short.count !== 0xffff && short.size !== all32 && short.begin !== all32) return short;
  if (at < 20 || view.getUint32(at - 20, true) !== locator64Signature) return short;
  const record = safe(view.getBigUint64(at - 12, true));
  if (record === undefined || record + 56 > source.size) throw damaged(source, 'its zip64 record is outside the file');
  const view64 = viewOf(await source.read(record, 56, signal));
  if (view64.getUint32(0, true) !== end64Signature) throw damaged(source, 'its zip64 record is not where it should be');
  const [count, size, begin] = [32, 40, 48].map((offset) => safe(view64.getBigUint64(offset, true)));
  if (count === undefined || size === undefined || begin === undefined)
    throw damaged(source, 'its zip64 record holds impossible sizes');
  return { count, size, begin };
}

/** Sizes and place of a directory entry, from its zip64 field where the short ones are full. */
function sizesOf(
  view: DataView,
  at: number,
  nameLength: number,
  extraLength: number,
): { stored: number; size: number; header: number } | undefined {
  let stored: number | undefined = view.getUint32(at + 20, true);
  let size: number | undefined = view.getUint32(at + 24, true);
  let header: number | undefined = view.getUint32(at + 42, true);
  if (stored !== all32 && size !== all32 && header !== all32) return { stored, size, header };
  const end = at + 46 + nameLength + extraLength;
  for (let field = at + 46 + nameLength; field + 4 <= end;) {
    const length = view.getUint16(field + 2, true);
    if (field + 4 + length > end) return undefined;
    if (view.getUint16(field, true) === 1) {
      let value = field + 4;
      const next = (): number | undefined => {
        if (value + 8 > field + 4 + length) return undefined;
        value += 8;
        return safe(view.getBigUint64(value - 8, true));
      };
      if (size === all32) size = next();
      if (stored === all32) stored = next();
      if (header === all32) header = next();
      break;
    }
    field += 4 + length;
  }
  if (stored === undefined || size === undefined || header === undefined) return undefined;
  return { stored, size, header };
}

function safe(value: bigint): number | undefined {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function damaged(source: ByteSource, what: string, code: 'malformed' | 'truncated' = 'malformed'): FormatError {
  return new FormatError(code, source.name, `is no whole zip archive: ${what}.`, 'Copy or download it again.');
}
