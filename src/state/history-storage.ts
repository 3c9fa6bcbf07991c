/** Where the history of inspections is kept on this machine: IndexedDB. Nothing leaves the machine. */
import { isInspectionFile } from '@/formats/inspection-kind.ts';
import type { HistoryEntry } from './inspection-history.ts';
import { localStore } from './local-database.ts';

export interface HistoryStorage {
  /** Everything kept that this version can show. */
  list(): Promise<readonly HistoryEntry[]>;
  put(entry: HistoryEntry): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
}

export function browserHistoryStorage(): HistoryStorage {
  const store = localStore('armoscope-inspections', 'inspections');
  return {
    list: async () => (await store.getAll()).filter(isEntry),
    put: (entry) => store.put(entry.id, entry),
    remove: (ids) => store.remove(ids),
  };
}

/** Written by this page, perhaps by another version of it; its file is validated when it is opened. */
function isEntry(value: unknown): value is HistoryEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { id, atMs, file } = value as Partial<Record<keyof HistoryEntry, unknown>>;
  return typeof id === 'string' && typeof atMs === 'number' && isInspectionFile(file);
}
