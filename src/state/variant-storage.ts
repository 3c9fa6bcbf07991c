/**
 * Where head variants are kept on this machine. An entry that does not have the shape of a variant is left where it is and not
 * offered.
 */
import type { HeadVariant } from './head-variants.ts';
import { localStore } from './local-database.ts';

export interface VariantStorage {
  /** Everything kept, oldest first. */
  list(): Promise<readonly HeadVariant[]>;
  put(variant: HeadVariant): Promise<void>;
  remove(id: string): Promise<void>;
}

export function browserVariantStorage(): VariantStorage {
  const store = localStore('armoscope-head-variants', 'variants');
  return {
    list: async () => (await store.getAll()).filter(isVariant).sort((a, b) => a.createdAtMs - b.createdAtMs),
    put: (variant) => store.put(variant.id, variant),
    remove: (id) => store.remove([id]),
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
