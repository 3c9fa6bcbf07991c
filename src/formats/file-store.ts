/**
 * Whole files by name, wherever they are kept: memory, the origin's private file system, a folder on disk. What checkpoints and
 * evaluation results are written through.
 */
import { blobSource } from './blob-source.ts';
import { gatheringSink, growingSink, type ByteSink } from './byte-sink.ts';
import type { ByteSource } from './byte-source.ts';
import { memorySource } from './memory-source.ts';

/** A write replaces the file at once or not at all. */
export interface FileStore {
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  open(name: string): Promise<ByteSource | undefined>;
  list(): Promise<readonly string[]>;
  remove(name: string): Promise<void>;
}

/** A file that is being written, at positions. Nobody sees it before `commit`. */
export interface FileDraft extends ByteSink {
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/** A store that also takes files larger than memory. */
export interface DraftStore extends FileStore {
  /** Begins a file that replaces one of the same name when it is committed. */
  create(name: string): Promise<FileDraft>;
}

/** Bytes gathered before the browser is asked to write: each write is a message to another process. */
const pieceBytes = 4 * 1024 * 1024;

/** In memory, for tests and where a page may not store. */
export function memoryFileStore(): DraftStore {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    write: async (name, bytes) => void files.set(name, bytes.slice()),
    async open(name) {
      const bytes = files.get(name);
      return bytes === undefined ? undefined : memorySource(name, bytes);
    },
    list: async () => [...files.keys()],
    remove: async (name) => void files.delete(name),
    async create(name) {
      const sink = growingSink();
      return {
        writeAt: (offset, bytes) => sink.writeAt(offset, bytes),
        commit: async () => void files.set(name, sink.bytes()),
        discard: async () => undefined,
      };
    },
  };
}

/** A folder of the origin's private file system. Writing goes to a new file that replaces the old one when it is closed. */
export function opfsFileStore(folderName: string): DraftStore {
  const folder = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(folderName, { create: true });
  return {
    async write(name, bytes) {
      const handle = await (await folder()).getFileHandle(name, { create: true });
      const stream = await handle.createWritable();
      try {
        await stream.write(bytes);
      } catch (error) {
        await stream.abort();
        throw error;
      }
      await stream.close();
    },
    async open(name) {
      const handle = await (await folder()).getFileHandle(name).catch(missing);
      return handle === undefined ? undefined : blobSource(name, await handle.getFile());
    },
    async list() {
      const names: string[] = [];
      for await (const name of (await folder()).keys()) names.push(name);
      return names;
    },
    async remove(name) {
      await (await folder()).removeEntry(name).catch(missing);
    },
    async create(name) {
      const stream = await (await (await folder()).getFileHandle(name, { create: true })).createWritable();
      const sink = gatheringSink(
        { writeAt: (position, data) => stream.write({ type: 'write', position, data }) },
        pieceBytes,
      );
      return {
        writeAt: (offset, bytes) => sink.writeAt(offset, bytes),
        async commit() {
          await sink.flush();
          await stream.close();
        },
        discard: () => stream.abort(),
      };
    },
  };
}

function missing(error: unknown): undefined {
  if (error instanceof Error && error.name === 'NotFoundError') return undefined;
  throw error;
}
