/** A `Blob` (dropped file, OPFS file, download) as a `ByteSource`, and a dropped folder as a `FileSet`. */
import type { ByteSource, ChunkHashes, FileSet } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { checkRange } from './memory-source.ts';

/** Only workers have it, and the type library of pages does not know it. */
declare const FileReaderSync: (new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer }) | undefined;

/** Reads slices; the Blob is never read whole. */
export function blobSource(name: string, blob: Blob, chunkHashes?: ChunkHashes): ByteSource {
  /** A dropped file that changed on disk since it was dropped fails with NotReadableError. */
  const unreadable = (cause: unknown): FormatError => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new FormatError('missing-file', name, `cannot be read: ${reason}.`, 'Choose the file again.');
  };
  const whole = (bytes: ArrayBuffer, length: number): Uint8Array<ArrayBuffer> => {
    if (bytes.byteLength !== length)
      throw new FormatError('truncated', name, `${bytes.byteLength} of ${length} bytes could be read.`);
    return new Uint8Array(bytes);
  };
  const readSync = (offset: number, length: number): Uint8Array<ArrayBuffer> => {
    checkRange(name, blob.size, offset, length);
    let bytes: ArrayBuffer;
    try {
      bytes = new FileReaderSync!().readAsArrayBuffer(blob.slice(offset, offset + length));
    } catch (cause) {
      throw unreadable(cause);
    }
    return whole(bytes, length);
  };
  return {
    name,
    chunkHashes,
    size: blob.size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(name, blob.size, offset, length);
      let bytes: ArrayBuffer;
      try {
        bytes = await blob.slice(offset, offset + length).arrayBuffer();
      } catch (cause) {
        throw unreadable(cause);
      }
      signal?.throwIfAborted();
      return whole(bytes, length);
    },
    ...(typeof FileReaderSync === 'undefined' ? {} : { readSync }),
    async blob() {
      return blob;
    },
  };
}

export interface BlobFile {
  readonly path: string;
  readonly blob: Blob;
  readonly chunkHashes?: ChunkHashes | undefined;
}

/**
 * The files of a dropped or chosen folder. When every path lies under one top folder (what browsers deliver), paths are
 * relative to that folder.
 */
export function blobFileSet(name: string, files: readonly BlobFile[]): FileSet {
  const paths = files.map((file) => file.path.replaceAll('\\', '/').replace(/^(?:\.?\/)+/, ''));
  const top = paths[0]?.split('/')[0];
  const nested = paths.every((path) => path.includes('/') && path.split('/')[0] === top);
  const prefix = nested && top !== undefined ? `${top}/` : '';
  const byPath = new Map(files.map((file, i) => [(paths[i] ?? '').slice(prefix.length), file]));
  return {
    name: name === '' ? (top ?? 'files') : name,
    async open(path, signal) {
      signal?.throwIfAborted();
      const file = byPath.get(path);
      return file === undefined ? undefined : blobSource(path, file.blob, file.chunkHashes);
    },
  };
}
