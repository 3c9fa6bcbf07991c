/**
 * A folder on disk as a `PackageSink`: every file grows as `NAME.part` and takes its name when it is whole; the manifest comes
 * last (convert's invariant), so an interrupted package is visibly incomplete.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageSink } from '@/convert/package-sink.ts';
import { MANIFEST_FILE } from '@/formats/manifest.ts';
import { diskFileSet } from './disk-files.ts';

/** Creates `folder` where it is missing. A manifest from before is removed when the first file is begun. */
export function folderPackageSink(folder: string): PackageSink {
  const written = new Set<string>();
  let begun = false;
  let growing: { readonly handle: FileHandle; readonly path: string } | undefined;
  return {
    files: diskFileSet(folder),
    async create(file) {
      if (!begun) {
        await mkdir(folder, { recursive: true });
        await rm(join(folder, MANIFEST_FILE), { force: true });
        begun = true;
      }
      const path = join(folder, file);
      const part = `${path}.part`;
      const handle = await open(part, 'w');
      growing = { handle, path: part };
      const hash = createHash('sha256');
      let bytes = 0;
      return {
        async append(chunk) {
          hash.update(chunk);
          bytes += chunk.length;
          for (let offset = 0; offset < chunk.length;)
            offset += (await handle.write(chunk, offset, chunk.length - offset)).bytesWritten;
        },
        async finish() {
          await handle.close();
          growing = undefined;
          await rename(part, path);
          written.add(path);
          return { file, bytes, sha256: hash.digest('hex') };
        },
      };
    },
    async discard() {
      if (growing !== undefined) {
        await growing.handle.close();
        await rm(growing.path, { force: true });
        growing = undefined;
      }
      for (const path of written) await rm(path, { force: true });
      written.clear();
      // Gone too if nothing else is in it; otherwise it is not ours to remove.
      await rmdir(folder).catch(() => undefined);
      begun = false;
    },
  };
}
