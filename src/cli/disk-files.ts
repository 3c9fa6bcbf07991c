/** Files on disk as `ByteSource` and a folder as `FileSet`, for the command-line entries and the tests. */
import { stat, open } from 'node:fs/promises';
import { basename, resolve, sep } from 'node:path';
import type { ByteSink } from '@/formats/byte-sink.ts';
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import { FormatError } from '@/formats/errors.ts';
import { checkRange } from '@/formats/memory-source.ts';

/** @returns `undefined` when there is no such file. @throws FormatError `missing-file` when it is there and cannot be read. */
export async function diskSource(path: string, name = basename(path)): Promise<ByteSource | undefined> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw unreadable(name, error);
  });
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new FormatError('missing-file', name, 'is not a file.');
  const size = found.size;
  return {
    name,
    size,
    path,
    revision: String(found.mtimeMs),
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(name, size, offset, length);
      const bytes = new Uint8Array(length);
      const handle = await open(path, 'r').catch((error: unknown) => {
        throw unreadable(name, error);
      });
      try {
        let filled = 0;
        while (filled < length) {
          const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
          if (bytesRead === 0)
            throw new FormatError('truncated', name, `ended at byte ${offset + filled} while it was read.`);
          filled += bytesRead;
          signal?.throwIfAborted();
        }
      } finally {
        await handle.close();
      }
      return bytes;
    },
  };
}

/** The files below a folder. Paths that climb out of it do not exist. */
export function diskFileSet(directory: string): FileSet {
  const root = resolve(directory);
  return {
    name: directory,
    async open(path, signal) {
      signal?.throwIfAborted();
      const absolute = resolve(root, path);
      if (!absolute.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
      return diskSource(absolute, path);
    },
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function unreadable(name: string, error: unknown): FormatError {
  return new FormatError(
    'missing-file',
    name,
    `cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
  );
}

export interface DiskSink extends ByteSink {
  close(): Promise<void>;
}

/** Positional writes into a new file, or into one that is there when `keep` is set. */
export async function diskSink(path: string, { keep = false }: { keep?: boolean } = {}): Promise<DiskSink> {
  const handle = await open(path, keep ? 'r+' : 'w');
  return {
    async writeAt(offset, bytes) {
      for (let written = 0; written < bytes.length;) {
        written += (await handle.write(bytes, written, bytes.length - written, offset + written)).bytesWritten;
      }
    },
    close: () => handle.close(),
  };
}
