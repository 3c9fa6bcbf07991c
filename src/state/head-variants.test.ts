import { beforeEach, describe, expect, it } from 'vitest';
import {
  activateVariant,
  headVariant,
  loadHeadVariants,
  removeHeadVariant,
  renameHeadVariant,
  resetHeadVariants,
  saveHeadVariant,
  useHeadVariants,
  variantsOf,
  type HeadVariant,
  type HeadVariantDraft,
} from './head-variants.ts';
import type { VariantStorage } from './variant-storage.ts';

const kept = new Map<string, HeadVariant>();
const memory: VariantStorage = {
  list: () => Promise.resolve([...kept.values()]),
  put: (variant) => Promise.resolve(void kept.set(variant.id, structuredClone(variant))),
  remove: (id) => Promise.resolve(void kept.delete(id)),
};

beforeEach(() => {
  kept.clear();
  resetHeadVariants(memory);
});

function draft(name: string, modelId = 'm@1'): HeadVariantDraft {
  return {
    modelId,
    name,
    kind: 'transform',
    note: 'Made by a test.',
    objectives: 2,
    featureSize: 3,
    replacement: { transform: Float64Array.of(1, 0, -0.5, 1) },
  };
}
const names = (modelId = 'm@1') => variantsOf(useHeadVariants.getState(), modelId).map(({ name }) => name);

describe('a head variant', () => {
  it('is kept, and read back by the next visit with its arrays', async () => {
    const saved = await saveHeadVariant(draft('No length'));
    resetHeadVariants(memory);
    expect(names()).toEqual([]);
    await loadHeadVariants();
    expect(names()).toEqual(['No length']);
    expect(headVariant(saved.id)?.replacement.transform).toEqual(Float64Array.of(1, 0, -0.5, 1));
  });

  it('never takes the name of another of its model', async () => {
    await saveHeadVariant(draft('Mine'));
    await saveHeadVariant(draft('Mine'));
    await saveHeadVariant(draft('Mine', 'other@2'));
    expect(names()).toEqual(['Mine', 'Mine (2)']);
    expect(names('other@2')).toEqual(['Mine']);
    const [first] = variantsOf(useHeadVariants.getState(), 'm@1');
    await renameHeadVariant(first?.id ?? '', 'Mine (2)');
    expect(names()).toEqual(['Mine (2) (2)', 'Mine (2)']);
    expect([...kept.values()].map(({ name }) => name)).toEqual(['Mine (2) (2)', 'Mine (2)', 'Mine']);
  });

  it('is in force only when it is chosen, for its own model', async () => {
    const { id } = await saveHeadVariant(draft('Mine'));
    expect(useHeadVariants.getState().activeIds).toEqual({});
    activateVariant('m@1', id);
    expect(useHeadVariants.getState().activeIds).toEqual({ 'm@1': id });
    activateVariant('m@1', undefined);
    expect(useHeadVariants.getState().activeIds).toEqual({});
  });

  it('is deleted, and the deletion taken back, to the exact state', async () => {
    const { id } = await saveHeadVariant(draft('Mine'));
    await saveHeadVariant(draft('Later'));
    activateVariant('m@1', id);
    const before = useHeadVariants.getState();
    const restore = await removeHeadVariant(id);
    expect(names()).toEqual(['Later']);
    expect(useHeadVariants.getState().activeIds).toEqual({});
    expect(kept.has(id)).toBe(false);
    await restore();
    expect(useHeadVariants.getState()).toEqual(before);
    expect(kept.get(id)?.name).toBe('Mine');
  });

  it('that does not fit its model is refused by part', async () => {
    const wrong = { ...draft('Wrong'), replacement: { transform: new Float64Array(9) } };
    await expect(saveHeadVariant(wrong)).rejects.toThrow('transform has 9 entries, 4 expected');
    expect(names()).toEqual([]);
  });
});

it('what cannot be kept lasts as long as the page, and says so', async () => {
  const full = new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  resetHeadVariants({ ...memory, put: () => Promise.reject(full) });
  const { id } = await saveHeadVariant(draft('Mine'));
  expect(headVariant(id)?.name).toBe('Mine');
  expect(useHeadVariants.getState().storageProblem).toContain('The quota has been exceeded.');
});

it('what another version wrote is not offered', async () => {
  const { id } = await saveHeadVariant(draft('Mine'));
  const variant = kept.get(id);
  if (variant !== undefined) kept.set(id, { ...variant, replacement: { transform: new Float64Array(3) } });
  resetHeadVariants(memory);
  await loadHeadVariants();
  expect(names()).toEqual([]);
});
