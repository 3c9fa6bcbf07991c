/**
 * The folders that kept packages lie in, one each: in the origin's private file system, or in memory for tests. Reading works on the
 * page's own thread and in any tab; writing at a position needs a worker, and is for one writer at a time (`src/jobs/host`).
 */
import { openForWriting, type SyncAccessHandle } from '../access-handle.ts';
import { blobSource } from '../blob-source.ts';
import type { FileSet } from '../byte-source.ts';
import { type KeptPackage, parseKeptPackage } from './kept-package.ts';

/** One file open for reading and writing at positions. Synchronous, as the browser has it in workers. */
export interface PositionedFile {
  /** Bytes that are not there come back as a shorter array. */
  readAt(offset: number, length: number): Uint8Array<ArrayBuffer>;
  /** @throws QuotaExceededError where there is no room. */
  writeAt(offset: number, bytes: Uint8Array<ArrayBuffer>): void;
  size(): number;
  truncate(bytes: number): void;
  /** Brings what was written to the disk. */
  flush(): void;
  close(): void;
}

export interface PackageFolders {
  /** Every package with a record that can be read. */
  list(): Promise<readonly KeptPackage[]>;
  record(key: string): Promise<KeptPackage | undefined>;
  /** Replaces the record at once or not at all; makes the folder where it is missing. */
  writeRecord(record: KeptPackage): Promise<void>;
  /** Replaces a small file at once or not at all. */
  replaceFile(key: string, file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  openForWriting(key: string, file: string): Promise<PositionedFile>;
  /** Its bytes as they lie there, not copied. `undefined` where there is no such file. */
  blob(key: string, file: string): Promise<Blob | undefined>;
  /** Its handle, by which a worker reads it several times as fast; `undefined` where there is none. */
  handle?(key: string, file: string): Promise<FileSystemFileHandle | undefined>;
  removeFile(key: string, file: string): Promise<void>;
  /** The folder with all that is in it. */
  remove(key: string): Promise<void>;
}

export const PACKAGES_FOLDER = 'packages';
/** No file of a package can have this name: theirs begin with a letter or a digit. */
const RECORD_FILE = '.record.json';

/** A kept package's files, to be read as those of any package. */
export function keptFileSet(folders: PackageFolders, key: string, name: string): FileSet {
  return {
    name,
    async open(path, signal) {
      const blob = await folders.blob(key, path);
      signal?.throwIfAborted();
      return blob === undefined ? undefined : blobSource(path, blob);
    },
  };
}

/** In the origin's private file system. */
export function opfsPackageFolders(): PackageFolders {
  const root = async () =>
    (await navigator.storage.getDirectory()).getDirectoryHandle(PACKAGES_FOLDER, { create: true });
  const folder = async (key: string) => (await root()).getDirectoryHandle(key).catch(missing);
  const handleOf = async (key: string, file: string) => (await folder(key))?.getFileHandle(file).catch(missing);
  const record = async (key: string) => {
    const handle = await handleOf(key, RECORD_FILE);
    const kept = handle === undefined ? undefined : parseKeptPackage(await (await handle.getFile()).text());
    return kept?.key === key ? kept : undefined;
  };
  const replace = async (key: string, file: string, bytes: Uint8Array<ArrayBuffer>) => {
    const directory = await (await root()).getDirectoryHandle(key, { create: true });
    const handle = await directory.getFileHandle(file, { create: true });
    // Goes to a new file that takes the old one's place when it is closed.
    const stream = await handle.createWritable();
    try {
      await stream.write(bytes);
    } catch (error) {
      await stream.abort();
      throw error;
    }
    await stream.close();
  };
  return {
    record,
    async list() {
      const records: KeptPackage[] = [];
      for await (const key of (await root()).keys()) {
        const found = await record(key);
        if (found !== undefined) records.push(found);
      }
      return records;
    },
    replaceFile: replace,
    writeRecord: (kept) => replace(kept.key, RECORD_FILE, new TextEncoder().encode(JSON.stringify(kept))),
    async openForWriting(key, file) {
      const directory = await (await root()).getDirectoryHandle(key, { create: true });
      const handle = await directory.getFileHandle(file, { create: true });
      const access = await openForWriting(handle);
      if (access === undefined) throw new Error('files are written at positions in a worker alone');
      return positioned(access);
    },
    blob: async (key, file) => (await handleOf(key, file))?.getFile(),
    handle: handleOf,
    async removeFile(key, file) {
      await (await folder(key))?.removeEntry(file).catch(missing);
    },
    async remove(key) {
      await (await root()).removeEntry(key, { recursive: true }).catch(missing);
    },
  };
}

function positioned(handle: SyncAccessHandle): PositionedFile {
  return {
    readAt(offset, length) {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, handle.read(bytes, { at: offset }));
    },
    writeAt(offset, bytes) {
      for (let written = 0; written < bytes.length;) {
        const taken = handle.write(bytes.subarray(written), { at: offset + written });
        // A full disk may take a part, and then nothing.
        if (taken === 0) throw new DOMException('Nothing more could be written.', 'QuotaExceededError');
        written += taken;
      }
    },
    size: () => handle.getSize(),
    truncate: (bytes) => handle.truncate(bytes),
    flush: () => handle.flush(),
    close: () => handle.close(),
  };
}

function missing(error: unknown): undefined {
  if (error instanceof Error && error.name === 'NotFoundError') return undefined;
  throw error;
}
