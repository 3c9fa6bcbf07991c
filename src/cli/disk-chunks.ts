/** A folder of chunks: one file each, written under a passing name and renamed when it is whole. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChunkStore } from '@/formats/hub-source.ts';
import { diskSource } from './disk-files.ts';
import { storing } from './node-files.ts';

export function diskChunks(folder: string): ChunkStore {
  const pathOf = (key: string, index: number): string => join(folder, key, `${index}.chunk`);
  return {
    async read(key, index, bytes, begin, end) {
      const kept = await diskSource(pathOf(key, index));
      return kept?.size === bytes ? kept.read(begin, end - begin) : undefined;
    },
    async write(key, index, bytes) {
      const path = pathOf(key, index);
      await storing(path, async () => {
        await mkdir(join(folder, key), { recursive: true });
        await writeFile(`${path}.part`, bytes);
        await rename(`${path}.part`, path);
      });
    },
  };
}
