import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { adjustedRewards, score } from '@/core/reward-head.ts';
import { memorySource } from './memory-source.ts';
import { isReferenceFile, readReferenceFile } from './reference-file.ts';
import { writeSafetensors, type TensorData } from './safetensors-writer.ts';

const objectives = ['a', 'b'];
const transform = Float64Array.of(1, 0, -0.5, 0);
const options = { objectives, modelId: 'm@1', head: { transform } };

const tensors: Record<string, TensorData> = {
  rewards: { name: 'rewards', dtype: 'F32', shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  gates: { name: 'gate_weights', dtype: 'F32', shape: [3, 2], data: Float32Array.of(0.5, 0.5, 0.5, 0.5, 0.25, 0.75) },
  tokens: { name: 'response_tokens', dtype: 'I32', shape: [3], data: Int32Array.of(10, 20, 30) },
  groups: { name: 'prompt_group', dtype: 'I32', shape: [3], data: Int32Array.of(7, 7, 1) },
};
const source = (changed: Record<string, TensorData> = {}) =>
  memorySource('set.safetensors', writeSafetensors(Object.values({ ...tensors, ...changed })));

describe('a reference set as numbers', () => {
  test('reads into groups with their gate, lengths and scores', async () => {
    expect(await isReferenceFile(source())).toBe(true);
    const set = await readReferenceFile(source(), options);
    expect(set.rows).toBe(3);
    expect(set.groups).toBe(2);
    expect(set.prompts).toBe(2);
    expect([...set.rewards]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...set.responseTokens]).toEqual([10, 20, 30]);
    expect([...set.groupOf]).toEqual([0, 0, 1]);
    const r = Float64Array.of(5, 6);
    const expected = score(Float64Array.of(0.25, 0.75), adjustedRewards({ objectives: 2, transform }, r));
    expect(set.scores[2]).toBeCloseTo(expected, 14);
  });

  test('is the embedded model’s sample', async () => {
    const bytes = readFileSync('public/sample/embedded-reference.safetensors');
    const names = Array.from({ length: 19 }, (_, j) => `objective ${j}`);
    const set = await readReferenceFile(memorySource('embedded-reference.safetensors', new Uint8Array(bytes)), {
      objectives: names,
      modelId: 'm@1',
      head: { transform: new Float64Array(361) },
    });
    expect(set.rows).toBe(2000);
    expect(set.responseTokens.every((count) => count > 0)).toBe(true);
  });

  test.each([
    ['another number of objectives', {}, { ...options, objectives: ['a', 'b', 'c'] }, /has 3 objectives/],
    [
      'a value that is not finite',
      { rewards: { ...tensors['rewards']!, data: Float32Array.of(1, 2, Number.NaN, 4, 5, 6) } },
      options,
      /holds NaN at element 2/,
    ],
    [
      'a prompt in two places',
      { groups: { ...tensors['groups']!, data: Int32Array.of(7, 1, 7) } },
      options,
      /group 7 is in two places/,
    ],
    [
      'gate weights of another shape',
      { gates: { name: 'gate_weights', dtype: 'F32' as const, shape: [2, 3], data: new Float32Array(6) } },
      options,
      /gate_weights/,
    ],
    [
      'lengths of another type',
      { tokens: { name: 'response_tokens', dtype: 'F32' as const, shape: [3], data: new Float32Array(3) } },
      options,
      /is F32, not I32/,
    ],
  ])('with %s is refused in words', async (_, changed, own, message) => {
    await expect(readReferenceFile(source(changed), own)).rejects.toThrow(message);
  });
});
