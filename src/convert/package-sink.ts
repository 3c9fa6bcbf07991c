/**
 * Where a package is written: files one after another, each with its length and SHA-256 when it is done. A folder on disk
 * (`src/cli/node-files.ts`), memory (tests), the browser's own storage.
 */
import { createSHA256 } from 'hash-wasm';
import type { FileSet } from '@/formats/byte-source.ts';
import type { FileEntry } from '@/formats/manifest.ts';
import { memoryFileSet } from '@/formats/memory-source.ts';

/** One new file, written from its start. */
export interface PackageFile {
  /** Takes the bytes before it resolves; the caller may reuse them afterwards. */
  append(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Closes the file under its name. */
  finish(): Promise<FileEntry>;
}

export interface PackageSink {
  /** Begins a file, replacing one of the same name. One file is open at a time. */
  create(file: string): Promise<PackageFile>;
  /** The finished files, to be read back. */
  readonly files: FileSet;
  /** Removes every file this sink has written: after an abort or a failure. */
  discard(): Promise<void>;
}

/** A sink in memory. */
export function memoryPackageSink(
  name: string,
): PackageSink & { readonly contents: Map<string, Uint8Array<ArrayBuffer>> } {
  const contents = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    contents,
    files: memoryFileSet(name, contents),
    async create(file) {
      const hasher = await createSHA256();
      const parts: Uint8Array<ArrayBuffer>[] = [];
      return {
        async append(bytes) {
          hasher.update(bytes);
          parts.push(bytes.slice());
        },
        async finish() {
          const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
          let offset = 0;
          for (const part of parts) {
            whole.set(part, offset);
            offset += part.length;
          }
          contents.set(file, whole);
          return { file, bytes: whole.length, sha256: hasher.digest('hex') };
        },
      };
    },
    async discard() {
      contents.clear();
    },
  };
}

/** Writes a small file in one go. */
export async function writePackageFile(
  sink: PackageSink,
  file: string,
  content: Uint8Array<ArrayBuffer> | string,
): Promise<FileEntry> {
  const writer = await sink.create(file);
  await writer.append(typeof content === 'string' ? new TextEncoder().encode(content) : content);
  return writer.finish();
}
