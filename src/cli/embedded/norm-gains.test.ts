import { describe, expect, it } from 'vitest';
import { LAYERS } from './backbone-step.ts';
import { normNames, readNormGains, withNormGains } from './norm-gains.ts';

describe('the gains of the norms', () => {
  it('are there for both norms of every layer kept, positive, and not all 1', async () => {
    const gains = await readNormGains(LAYERS);
    expect([...gains.keys()]).toEqual(normNames(LAYERS));
    for (const own of gains.values()) {
      expect(own).toHaveLength(576);
      expect(own.every((gain) => gain > 0 && gain < 3)).toBe(true);
      expect(own.some((gain) => gain !== 1)).toBe(true);
    }
  });

  it('of a layer that has none are missed by name', async () => {
    await expect(readNormGains(LAYERS + 1)).rejects.toThrow(`model.layers.${LAYERS}.input_layernorm.weight`);
  });

  it('multiply their norm alone, in a new array', () => {
    const gains = new Map([['model.layers.0.input_layernorm.weight', Float32Array.of(0.5, 2)]]);
    const values = Float32Array.of(4, 3);
    expect([...withNormGains(gains, 'model.layers.0.input_layernorm.weight', values)]).toEqual([2, 6]);
    expect([...values]).toEqual([4, 3]);
    expect(withNormGains(gains, 'model.norm.weight', values)).toBe(values);
    expect(() => withNormGains(gains, 'model.layers.0.input_layernorm.weight', Float32Array.of(1))).toThrow(
      '2 gains for a norm of 1',
    );
  });
});
