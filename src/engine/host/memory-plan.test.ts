import { describe, expect, test } from 'vitest';
import { memoryNeed } from '@/formats/memory-need.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { limitProblem, planMemory, wasmHeapBytes } from './memory-plan.ts';

const file = (bytes: number) => ({ file: 'x', bytes, sha256: '0'.repeat(64) });

/** ArmoRM's published shape in q4: 8 stages of 4 layers, 5 bits a weight. */
function armorm8b(dtype: Manifest['dtype'] = 'q4') {
  const layerWeights = 4096 * 4096 * 2 + 4096 * 1024 * 2 + 3 * 4096 * 14336;
  const bits = { q4: 5, q8: 8.5, f16: 16, f32: 32 }[dtype];
  return {
    architecture: {
      family: 'llama' as const,
      hiddenSize: 4096,
      layers: 32,
      attentionHeads: 32,
      keyValueHeads: 8,
      headDim: 128,
      intermediateSize: 14336,
      vocabSize: 128257,
      maxPositions: 8192,
      rmsNormEps: 1e-5,
      rope: { theta: 500000 },
    },
    dtype,
    stages: Array.from({ length: 8 }, (_, i) => ({
      firstLayer: 4 * i,
      endLayer: 4 * i + 4,
      graph: file(190_000),
      data: [file((4 * layerWeights * bits) / 8)],
    })),
  };
}

const need = memoryNeed(armorm8b());
const input = { need, offer: undefined, stages: 8, wish: undefined, ranOut: false } as const;
const gib = 2 ** 30;

describe('what a package takes', () => {
  test('8 billion weights in q4: 6 bits each on the device, keys and values of a long text, one matrix of 29 MB', () => {
    expect(need.allStagesBytes / 1e9).toBeCloseTo((32 * 218_103_808 * 6) / 8 / 1e9, 2);
    expect(need.largestStageBytes * 8).toBeCloseTo(need.allStagesBytes, -3);
    // 2 (keys, values) · 2 (old, new) · 32 layers · 1024 · 2048 tokens · 4 bytes = 1.07 GB, and activations.
    expect(need.textBytes / 1e9).toBeGreaterThan(1.07);
    expect(need.textBytes / 1e9).toBeLessThan(1.25);
    expect(need.largestTensorBytes).toBe((4096 * 14336) / 2);
    expect(memoryNeed(armorm8b('f16')).largestTensorBytes).toBe(4096 * 14336 * 4);
    expect(memoryNeed({ ...armorm8b(), checkpoint: { storedOtherwise: ['a as f32'] } }).largestTensorBytes).toBe(
      4096 * 14336 * 4,
    );
  });
});

describe('all stages or one at a time', () => {
  test('all where they fit, or where nobody says how much there is', () => {
    expect(planMemory({ ...input, offer: { bytes: 32 * gib, orMore: false } }).mode).toBe('resident');
    expect(planMemory({ ...input, offer: { bytes: 8 * gib, orMore: true } }).mode).toBe('resident');
    expect(planMemory(input)).toMatchObject({ mode: 'resident', reason: expect.stringContaining('does not say') });
  });

  test('one at a time where they do not fit, with the numbers', () => {
    for (const bytes of [4 * gib, wasmHeapBytes]) {
      const plan = planMemory({ ...input, offer: { bytes, orMore: false } });
      expect(plan.mode).toBe('streamed');
      expect(plan.reason).toMatch(/8 stages take about 6\.\d GB.*4\.3 GB.*3\.2 GB/);
      expect(plan.streamedBytes).toBeLessThan(0.75 * bytes);
    }
    expect(planMemory({ ...input, ranOut: true })).toMatchObject({
      mode: 'streamed',
      reason: expect.stringContaining('ran out'),
    });
    expect(planMemory({ ...input, stages: 1, offer: { bytes: gib, orMore: false } }).mode).toBe('resident');
  });

  test('as the person chose, whatever there is', () => {
    const small = { ...input, offer: { bytes: gib, orMore: false } };
    expect(planMemory({ ...small, wish: 'resident' }).mode).toBe('resident');
    expect(planMemory({ ...input, wish: 'streamed' }).mode).toBe('streamed');
  });
});

test('a matrix too large for one buffer is told with both numbers and the limit’s name', () => {
  const limits = { maxBufferSize: 256 * 2 ** 20, maxStorageBufferBindingSize: 128 * 2 ** 20 };
  expect(limitProblem(need, limits)).toBeUndefined();
  expect(limitProblem(need, undefined)).toBeUndefined();
  expect(limitProblem(memoryNeed(armorm8b('f16')), limits)).toMatch(
    /235 MB.*134 MB \(maxStorageBufferBindingSize\).*q4/,
  );
  expect(
    limitProblem(memoryNeed(armorm8b('f16')), { ...limits, maxStorageBufferBindingSize: gib, maxBufferSize: 1e8 }),
  ).toMatch(/100 MB \(maxBufferSize\)/);
});
