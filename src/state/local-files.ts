/** Folders of files that this page keeps on this machine; in memory, for as long as the page is open, where it may not store. */
import { memoryFileStore, opfsFileStore } from '@/formats/file-store.ts';
import type { DraftStore } from '@/formats/file-store.ts';

const inMemory = new Map<string, DraftStore>();

export async function localFiles(folder: string): Promise<DraftStore> {
  // Absent in a private window of some browsers.
  const storage: StorageManager | undefined = navigator.storage;
  const usable = await storage?.getDirectory?.().then(
    () => true,
    () => false,
  );
  if (usable ?? false) return opfsFileStore(folder);
  const kept = inMemory.get(folder) ?? memoryFileStore();
  inMemory.set(folder, kept);
  return kept;
}
