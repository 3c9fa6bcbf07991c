/** Packages kept in memory, with as much room as a test gives them. */
import type { KeptPackage } from './kept-package.ts';
import type { PackageFolders } from './package-folders.ts';

export interface MemoryFolders extends PackageFolders {
  readonly contents: Map<string, Map<string, Uint8Array<ArrayBuffer>>>;
  readonly records: Map<string, KeptPackage>;
  /** Bytes that may lie in files together. */
  room: number;
  /** What was written to files, in order. */
  readonly writes: { readonly file: string; readonly offset: number; readonly bytes: number }[];
}

export function memoryPackageFolders(): MemoryFolders {
  const contents: MemoryFolders['contents'] = new Map();
  const records: MemoryFolders['records'] = new Map();
  const writes: MemoryFolders['writes'] = [];
  const filesOf = (key: string) => {
    const files = contents.get(key) ?? new Map<string, Uint8Array<ArrayBuffer>>();
    contents.set(key, files);
    return files;
  };
  const used = () =>
    [...contents.values()].flatMap((files) => [...files.values()]).reduce((sum, f) => sum + f.length, 0);
  const folders: MemoryFolders = {
    contents,
    records,
    writes,
    room: Number.POSITIVE_INFINITY,
    list: async () => [...records.values()],
    record: async (key) => records.get(key),
    writeRecord: async (record) => void records.set(record.key, structuredClone(record)),
    replaceFile: async (key, file, bytes) => void filesOf(key).set(file, bytes.slice()),
    async openForWriting(key, file) {
      const files = filesOf(key);
      if (!files.has(file)) files.set(file, new Uint8Array(0));
      const bytesOf = () => files.get(file) ?? new Uint8Array(0);
      const resize = (size: number) => {
        const next = new Uint8Array(size);
        next.set(bytesOf().subarray(0, size));
        files.set(file, next);
      };
      return {
        readAt: (offset, length) => bytesOf().slice(offset, offset + length),
        writeAt(offset, bytes) {
          const grown = Math.max(0, offset + bytes.length - bytesOf().length);
          if (used() + grown > folders.room) throw new DOMException('The disk is full.', 'QuotaExceededError');
          if (grown > 0) resize(offset + bytes.length);
          bytesOf().set(bytes, offset);
          writes.push({ file, offset, bytes: bytes.length });
        },
        size: () => bytesOf().length,
        truncate: resize,
        flush: () => undefined,
        close: () => undefined,
      };
    },
    async blob(key, file) {
      const bytes = contents.get(key)?.get(file);
      return bytes === undefined ? undefined : new Blob([bytes]);
    },
    removeFile: async (key, file) => void contents.get(key)?.delete(file),
    async remove(key) {
      contents.delete(key);
      records.delete(key);
    },
  };
  return folders;
}
