/** What package tasks have around them, in memory, for tests. */
import { blobFileSet } from '@/formats/blob-source.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import { memoryPackageFolders, type MemoryFolders } from '@/formats/kept/test-folders.ts';
import type { PackageNews } from '@/jobs/api/packages.ts';
import type { PackageSurroundings } from './package-tasks.ts';

export interface TestSurroundings extends PackageSurroundings {
  readonly folders: MemoryFolders;
  readonly news: PackageNews[];
  /** Locks that somebody holds. */
  readonly held: Set<string>;
  /** Milliseconds since 1970. */
  clock: number;
}

export function testSurroundings(openUrl: PackageSurroundings['openUrl'] = noUrl, chunkBytes = 64): TestSurroundings {
  const news: PackageNews[] = [];
  const held = new Set<string>();
  const around: TestSurroundings = {
    folders: memoryPackageFolders(),
    news,
    held,
    clock: 1000,
    chunkBytes,
    openUrl,
    openFiles: blobFileSet,
    async withLock(name, work) {
      if (held.has(name)) return undefined;
      held.add(name);
      try {
        return await work();
      } finally {
        held.delete(name);
      }
    },
    announce: (item) => void news.push(item),
    freeBytes: async () => 12_000_000,
    now: () => around.clock,
  };
  return around;
}

function noUrl(url: string): FileSet {
  throw new Error(`nothing is served at ${url}`);
}
