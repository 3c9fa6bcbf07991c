import { describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { manifestSchema } from './manifest.ts';
import { marginNoise } from './score-noise.ts';

const outputs = (score: number) => ({ rewards: [score], gateWeights: [1], score });
const canary = (own: number, reference: number) => ({
  messages: [],
  tokenIds: [],
  own: outputs(own),
  reference: outputs(reference),
});

describe('margin noise', () => {
  it('is what the manifest says it measured', () => {
    const noise = marginNoise({
      scoreNoise: { marginDeviation: 0.01, pairs: 64, method: 'measured so' },
      canaries: [canary(1, 0)],
    });
    expect(noise).toEqual({ deviation: 0.01, tooClose: 0.02, origin: 'measured', method: 'measured so' });
  });

  it('falls back to the worst canary, times √2 because a margin has two scores', () => {
    const noise = marginNoise({ canaries: [canary(0.5, 0.52), canary(0.3, 0.2), canary(0, 0)] });
    expect(noise?.origin).toBe('canaries');
    expect(noise?.deviation).toBeCloseTo(0.1 * Math.SQRT2, 12);
    expect(noise?.tooClose).toBeCloseTo(0.2 * Math.SQRT2, 12);
  });

  it('says nothing about a package that brings neither', () => {
    expect(marginNoise({ canaries: [] })).toBeUndefined();
    const { reference: _, ...alone } = canary(1, 0);
    expect(marginNoise({ canaries: [alone] })).toBeUndefined();
    expect(marginNoise({ canaries: [alone, canary(0.5, 0.4)] })?.deviation).toBeCloseTo(0.1 * Math.SQRT2, 12);
  });

  it('the manifest refuses a negative, endless or unexplained figure', () => {
    const { scoreNoise } = manifestSchema.entries;
    expect(v.is(scoreNoise, { marginDeviation: 0.01, pairs: 64, method: 'x' })).toBe(true);
    expect(v.is(scoreNoise, undefined)).toBe(true);
    for (const wrong of [
      { marginDeviation: -0.01, pairs: 64, method: 'x' },
      { marginDeviation: Number.POSITIVE_INFINITY, pairs: 64, method: 'x' },
      { marginDeviation: 0.01, pairs: 0, method: 'x' },
      { marginDeviation: 0.01, pairs: 64, method: '' },
      { marginDeviation: 0.01, pairs: 64 },
    ])
      expect(v.is(scoreNoise, wrong)).toBe(false);
  });
});
