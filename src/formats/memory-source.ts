/** Bytes in memory as a `ByteSource`, and a `FileSet` of them. */
import type { ByteSource, FileSet } from './byte-source.ts';
import { FormatError } from './errors.ts';

/** @throws FormatError `truncated` unless `[offset, offset + length)` lies inside the file. */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= size))
    throw new FormatError(
      'truncated',
      name,
      `bytes ${offset} to ${offset + length} were asked for, but the file has ${size}.`,
      'Copy or download it again.',
    );
}

/** A source over bytes that the caller no longer changes; what `read` gives are copies. */
export function memorySource(name: string, bytes: Uint8Array<ArrayBuffer>): ByteSource {
  const part = (offset: number, length: number): Uint8Array<ArrayBuffer> => {
    checkRange(name, bytes.length, offset, length);
    return bytes.subarray(offset, offset + length);
  };
  return {
    name,
    size: bytes.length,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      return new Uint8Array(part(offset, length));
    },
    openSync: async () => ({ read: part, close: () => undefined }),
    async blob() {
      return new Blob([bytes]);
    },
  };
}

/** Files by path, each as bytes or as text (UTF-8). */
export function memoryFileSet(name: string, files: ReadonlyMap<string, Uint8Array<ArrayBuffer> | string>): FileSet {
  return {
    name,
    async open(path, signal) {
      signal?.throwIfAborted();
      const content = files.get(path);
      if (content === undefined) return undefined;
      return memorySource(path, typeof content === 'string' ? new TextEncoder().encode(content) : content);
    },
  };
}
