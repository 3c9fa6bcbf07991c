/** Where the history of inspections is kept on this machine: IndexedDB. Nothing leaves the machine. */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { isInspectionFile } from '@/formats/inspection-kind.ts';
import type { HistoryEntry } from './inspection-history.ts';

export interface HistoryStorage {
  /** Everything kept that this version can show. */
  list(): Promise<readonly HistoryEntry[]>;
  put(entry: HistoryEntry): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
}

const DATABASE = 'armoscope-inspections';
const STORE = 'inspections';

interface Schema extends DBSchema {
  [STORE]: { key: string; value: unknown };
}

/** Opened on first use. */
export function browserHistoryStorage(): HistoryStorage {
  let opening: Promise<IDBPDatabase<Schema>> | undefined;
  const database = () =>
    (opening ??= openDB<Schema>(DATABASE, 1, {
      upgrade: (created) => {
        created.createObjectStore(STORE);
      },
    }).catch((cause: unknown) => {
      opening = undefined;
      throw cause;
    }));
  return {
    list: async () => (await (await database()).getAll(STORE)).filter(isEntry),
    put: async (entry) => {
      await (await database()).put(STORE, entry, entry.id);
    },
    remove: async (ids) => {
      const transaction = (await database()).transaction(STORE, 'readwrite');
      await Promise.all([...ids.map((id) => transaction.store.delete(id)), transaction.done]);
    },
  };
}

/** Written by this page, perhaps by another version of it; its file is validated when it is opened. */
function isEntry(value: unknown): value is HistoryEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { id, atMs, file } = value as Partial<Record<keyof HistoryEntry, unknown>>;
  return typeof id === 'string' && typeof atMs === 'number' && isInspectionFile(file);
}
