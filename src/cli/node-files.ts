/**
 * A folder on disk as a `PackageSink`: every file grows as `NAME.part` and takes its name when it is whole; the manifest comes
 * last (convert's invariant). Until then a marker says that the package is incomplete, to people and to `openPackage`.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { PackageSink } from '@/convert/package-sink.ts';
import { FormatError } from '@/formats/errors.ts';
import { INCOMPLETE_FILE, MANIFEST_FILE } from '@/formats/manifest.ts';
import { diskFileSet } from './disk-files.ts';

export interface FolderPackageSink extends PackageSink {
  /** True once anything was written. */
  readonly begun: boolean;
  /** Takes finished files of an earlier run for its own, so that `discard` removes them too. */
  adopt(files: readonly string[]): void;
  /** Drops the file that is growing and keeps the finished ones under the marker: after an interruption or on a full disk. */
  abandon(): Promise<void>;
}

/** What is used of a file that grows; tests give one that fails. */
export type GrowingFile = Pick<FileHandle, 'write' | 'close'>;
export type OpenFile = (path: string) => Promise<GrowingFile>;

const MARKER = `${JSON.stringify(
  {
    incomplete:
      'This package is not finished: its conversion was interrupted, or the disk was full. Run the same command again.',
  },
  undefined,
  1,
)}\n`;

/** Creates `folder` where it is missing. A manifest from before is removed when the first file is begun. */
export function folderPackageSink(folder: string, openFile: OpenFile = (path) => open(path, 'w')): FolderPackageSink {
  const written = new Set<string>();
  const marker = join(folder, INCOMPLETE_FILE);
  let begun = false;
  let growing: { readonly handle: GrowingFile; readonly path: string } | undefined;
  const abandon = async (): Promise<void> => {
    if (growing === undefined) return;
    const { handle, path } = growing;
    growing = undefined;
    await handle.close().catch(() => undefined);
    await rm(path, { force: true });
  };
  return {
    files: diskFileSet(folder),
    get begun() {
      return begun;
    },
    create: (file) =>
      storing(file, async () => {
        if (!begun) {
          await mkdir(folder, { recursive: true });
          await writeFile(marker, MARKER);
          await rm(join(folder, MANIFEST_FILE), { force: true });
          begun = true;
        }
        const path = join(folder, file);
        const part = `${path}.part`;
        const handle = await openFile(part);
        growing = { handle, path: part };
        const hash = createHash('sha256');
        let bytes = 0;
        return {
          append: (chunk) =>
            storing(file, async () => {
              hash.update(chunk);
              bytes += chunk.length;
              for (let offset = 0; offset < chunk.length;)
                offset += (await handle.write(chunk, offset, chunk.length - offset)).bytesWritten;
            }),
          finish: () =>
            storing(file, async () => {
              await handle.close();
              growing = undefined;
              await rename(part, path);
              written.add(path);
              if (file === MANIFEST_FILE) await rm(marker, { force: true });
              return { file, bytes, sha256: hash.digest('hex') };
            }),
        };
      }),
    adopt: (files) => files.forEach((file) => written.add(join(folder, file))),
    abandon,
    async discard() {
      await abandon();
      for (const path of written) await rm(path, { force: true });
      written.clear();
      if (begun) await rm(marker, { force: true });
      // Gone too if nothing else is in it; otherwise it is not ours to remove.
      await rmdir(folder).catch(() => undefined);
      begun = false;
    },
  };
}

/** Full disk, quota, limit on a file's length. */
const NO_ROOM: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];
const NO_LEAVE: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS'];

/** Runs a write. @throws FormatError `storage` naming the file where there is no room or no leave. */
export async function storing<T>(file: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (NO_ROOM.includes(code))
      throw new FormatError(
        'storage',
        basename(file),
        `the disk is full (${String(code)}).`,
        'Free some space and run the same command again.',
      );
    if (NO_LEAVE.includes(code))
      throw new FormatError(
        'storage',
        basename(file),
        `may not be written there (${String(code)}).`,
        'Choose another folder, or change its permissions.',
      );
    throw error;
  }
}
