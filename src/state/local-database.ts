/**
 * What the page keeps on this machine: one object store of one IndexedDB database, which holds typed arrays and Blobs as they are.
 * Nothing leaves the machine. What is read back was written by this page, perhaps by another version of it: whoever reads checks it.
 */
import { openDB, type IDBPDatabase } from 'idb';

/** Every call rejects where the browser does not let a page store, or has no space left. */
export interface LocalStore {
  getAll(): Promise<readonly unknown[]>;
  /** `undefined` where there is nothing under the key. */
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  /** All of them or none. */
  remove(keys: readonly string[]): Promise<void>;
}

/** Opened on first use, so that a page that never asks pays nothing; a failed opening is tried again. */
export function localStore(database: string, store: string): LocalStore {
  let opening: Promise<IDBPDatabase> | undefined;
  const open = () =>
    (opening ??= openDB(database, 1, { upgrade: (created) => void created.createObjectStore(store) }).catch(
      (cause: unknown) => {
        opening = undefined;
        throw cause;
      },
    ));
  return {
    getAll: async () => (await open()).getAll(store),
    get: async (key) => (await open()).get(store, key),
    put: async (key, value) => void (await (await open()).put(store, value, key)),
    remove: async (keys) => {
      const transaction = (await open()).transaction(store, 'readwrite');
      await Promise.all([...keys.map((key) => transaction.store.delete(key)), transaction.done]);
    },
  };
}
