/**
 * Where head variants are kept on this machine: IndexedDB, which holds typed arrays as they are. Nothing leaves the machine.
 *
 * What is read back was written by this page, perhaps by another version of it: an entry that does not have the shape of a variant
 * is left where it is and not offered.
 */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { HeadVariant } from './head-variants.ts';

export interface VariantStorage {
  /** Everything kept, oldest first. */
  list(): Promise<readonly HeadVariant[]>;
  put(variant: HeadVariant): Promise<void>;
  remove(id: string): Promise<void>;
}

const DATABASE = 'armoscope-head-variants';
const STORE = 'variants';

interface Schema extends DBSchema {
  [STORE]: { key: string; value: unknown };
}

/** Opened on first use, so that a page that never asks pays nothing. */
export function browserVariantStorage(): VariantStorage {
  let opening: Promise<IDBPDatabase<Schema>> | undefined;
  const database = () =>
    (opening ??= openDB<Schema>(DATABASE, 1, {
      upgrade: (created) => {
        created.createObjectStore(STORE);
      },
    }));
  return {
    list: async () => {
      const entries = await (await database()).getAll(STORE);
      return entries.filter(isVariant).sort((a, b) => a.createdAtMs - b.createdAtMs);
    },
    put: async (variant) => {
      await (await database()).put(STORE, variant, variant.id);
    },
    remove: async (id) => {
      await (await database()).delete(STORE, id);
    },
  };
}

function isVariant(value: unknown): value is HeadVariant {
  if (typeof value !== 'object' || value === null) return false;
  const { id, modelId, name, kind, note, createdAtMs, objectives, featureSize } = value as Partial<
    Record<keyof HeadVariant, unknown>
  >;
  return (
    [id, modelId, name, kind, note].every((text) => typeof text === 'string') &&
    [createdAtMs, objectives, featureSize].every((number) => Number.isFinite(number))
  );
}
