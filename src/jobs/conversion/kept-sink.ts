/**
 * A kept package's folder as the place a conversion writes to. Every finished file enters the record with its chunks' hashes, so that
 * a converted package is verified like any other; a file that was begun and not finished is begun anew.
 */
import { createSHA256 } from 'hash-wasm';
import type { PackageFile, PackageSink } from '@/convert/package-sink.ts';
import type { KeptFile } from '@/formats/kept/kept-package.ts';
import { keptFileSet, type PackageFolders, type PositionedFile } from '@/formats/kept/package-folders.ts';
import { MANIFEST_FILE } from '@/formats/manifest.ts';
import { sha256Of } from '@/formats/chunk-hashing.ts';
import type { RecordKeeper } from '@/jobs/host/packages/record-keeper.ts';

export interface KeptSink extends PackageSink {
  /** Closes a file that was not finished: its lock would keep the next conversion out. */
  close(): void;
}

export function keptSink(folders: PackageFolders, keeper: RecordKeeper): KeptSink {
  const { key, name, chunkBytes } = keeper.record;
  let open: PositionedFile | undefined;
  const close = (): void => {
    open?.close();
    open = undefined;
  };
  return {
    files: keptFileSet(folders, key, name),
    close,
    async create(file): Promise<PackageFile> {
      close();
      const handle = await folders.openForWriting(key, file);
      open = handle;
      handle.truncate(0);
      const whole = await createSHA256();
      const chunk = new Uint8Array(chunkBytes);
      const chunks: string[] = [];
      let filled = 0;
      let written = 0;
      const endChunk = async (): Promise<void> => {
        chunks.push(await sha256Of(chunk.subarray(0, filled)));
        filled = 0;
      };
      return {
        async append(bytes) {
          handle.writeAt(written, bytes);
          written += bytes.length;
          whole.update(bytes);
          for (let at = 0; at < bytes.length;) {
            const count = Math.min(bytes.length - at, chunkBytes - filled);
            chunk.set(bytes.subarray(at, at + count), filled);
            filled += count;
            at += count;
            if (filled === chunkBytes) await endChunk();
          }
        },
        async finish() {
          if (filled > 0) await endChunk();
          handle.flush();
          close();
          const sha256 = whole.digest();
          const kept: KeptFile = { file, bytes: written, sha256, chunks, broken: [], whole: true };
          if (file !== MANIFEST_FILE)
            await keeper.change((record) => ({
              ...record,
              files: [...record.files.filter((other) => other.file !== file), kept],
            }));
          return { file, bytes: written, sha256 };
        },
      };
    },
    // What is finished stays for the next try; whoever does not want it deletes the package.
    discard: async () => close(),
  };
}
