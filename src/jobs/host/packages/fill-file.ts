/**
 * One file of a package, made whole: chunks that are here and as they were written stay, the others are fetched. So starting, going on
 * and repairing are the same. Every chunk is on the disk before its hash is in the record: what a crash costs is the one in flight.
 */
import { createSHA256 } from 'hash-wasm';
import type { ByteSource } from '@/formats/byte-source.ts';
import { sha256Of } from '@/formats/chunk-hashing.ts';
import { FormatError } from '@/formats/errors.ts';
import { chunkLength } from '@/formats/kept/kept-package.ts';
import type { PackageFolders, PositionedFile } from '@/formats/kept/package-folders.ts';
import type { RecordKeeper } from './record-keeper.ts';

export interface FillCall {
  readonly signal: AbortSignal;
  /** Opens the file where it comes from; asked only if something is missing. */
  readonly open: (signal: AbortSignal) => Promise<ByteSource>;
  /** Bytes of this file that are here. */
  readonly onBytes: (bytes: number) => void;
}

/** A file that changed at its source is begun anew as often as this, then refused. */
const RESTARTS = 2;

/** @throws FormatError when the source changes again and again or is not the manifest's file; QuotaExceededError; AbortError. */
export async function fillFile(
  folders: PackageFolders,
  keeper: RecordKeeper,
  name: string,
  call: FillCall,
): Promise<void> {
  for (let restarts = 0; ; restarts++) {
    const handle = await folders.openForWriting(keeper.record.key, name);
    try {
      await fillOpened(handle, keeper, name, call);
      return;
    } catch (error) {
      if (!(error instanceof StaleFile) || restarts === RESTARTS)
        throw error instanceof StaleFile ? error.reason : error;
      // What is here is of another version than what comes now.
      await keeper.forget(name);
    } finally {
      handle.close();
    }
  }
}

/** The file has to be begun anew. */
class StaleFile extends Error {
  readonly reason: FormatError;
  constructor(reason: FormatError) {
    super(reason.message);
    this.reason = reason;
  }
}

async function fillOpened(
  handle: PositionedFile,
  keeper: RecordKeeper,
  name: string,
  { signal, open, onBytes }: FillCall,
): Promise<void> {
  const { chunkBytes } = keeper.record;
  const before = keeper.file(name);
  const hasher = await createSHA256();
  let source: ByteSource | undefined;
  let kept = false;
  for (let index = 0; index < before.chunks.length; index++) {
    signal.throwIfAborted();
    const offset = index * chunkBytes;
    const length = chunkLength(before, chunkBytes, index);
    const known = before.chunks[index] ?? '';
    let bytes = known === '' ? undefined : handle.readAt(offset, length);
    if (bytes !== undefined && bytes.length === length && (await sha256Of(bytes)) === known) kept = true;
    else {
      source ??= await openSame(open, before.revision, kept, signal);
      bytes = await readChunk(source, offset, length, signal);
      const hash = await sha256Of(bytes);
      handle.writeAt(offset, bytes);
      handle.flush();
      const { revision } = source;
      await keeper.changeFile(name, (file) => ({
        ...file,
        ...(revision === undefined ? {} : { revision }),
        chunks: file.chunks.with(index, hash),
        broken: file.broken.filter((chunk) => chunk !== index),
      }));
    }
    hasher.update(bytes);
    onBytes(offset + length);
  }
  const digest = hasher.digest();
  if (digest !== before.sha256) {
    const wrong = new FormatError(
      'hash-mismatch',
      name,
      `its SHA-256 is ${digest}, the manifest says ${before.sha256}.`,
      'The file was changed at its source since the manifest was written, or damaged on the way.',
    );
    // Chunks from before may be of another version; a file that came in one go is what its source has.
    if (kept) throw new StaleFile(wrong);
    await keeper.forget(name);
    throw wrong;
  }
  if (handle.size() > before.bytes) handle.truncate(before.bytes);
  handle.flush();
  await keeper.changeFile(name, (file) => ({ ...file, broken: [], whole: true }));
}

async function openSame(
  open: FillCall['open'],
  revision: string | undefined,
  kept: boolean,
  signal: AbortSignal,
): Promise<ByteSource> {
  const source = await open(signal);
  if (kept && revision !== undefined && source.revision !== undefined && source.revision !== revision)
    throw new StaleFile(
      new FormatError('mismatch', source.name, 'was changed at its source again and again.', 'Try again later.'),
    );
  return source;
}

async function readChunk(
  source: ByteSource,
  offset: number,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await source.read(offset, length, signal);
  } catch (error) {
    // The server has another file now (another ETag or length, or 416).
    if (error instanceof FormatError && error.code === 'mismatch') throw new StaleFile(error);
    throw error;
  }
}
