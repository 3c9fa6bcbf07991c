import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { f32ToBf16, f32ToF16 } from '@/base/half.ts';
import { FormatError } from './errors.ts';
import { featureLayout, openFeatureShards, openStage1Shards, openStage2Shards } from './feature-shards.ts';
import { memorySource } from './memory-source.ts';
import { type PairReadingOptions, type PromptChunk, readPreferencePairs } from './preference-pairs.ts';
import { type TensorData, writeSafetensors } from './safetensors-writer.ts';

type Dtype = 'F32' | 'BF16' | 'F16';
function tensor(name: string, shape: number[], values: Float32Array, dtype: Dtype = 'F32'): TensorData {
  const data =
    dtype === 'F32'
      ? Float32Array.from(values)
      : new Uint16Array(dtype === 'BF16' ? f32ToBf16(values) : f32ToF16(values));
  return { name, dtype, shape, data };
}
const source = (name: string, tensors: TensorData[]) => memorySource(name, writeSafetensors(tensors));
/** Exact in every dtype. */
const count = (length: number, from = 0) => Float32Array.from({ length }, (_, i) => (from + i) % 128);

describe('stage 1', () => {
  const d = 3;
  const shard = (name: string, first: number, rows: number) =>
    source(name, [
      tensor('embeddings', [rows, d], count(rows * d, first * d)),
      tensor('labels', [rows, 2], count(rows * 2, first * 2)),
    ]);

  test('shards in any order are one file, their numbers read as numbers; any rows may be asked for', async () => {
    const shards = [
      shard('f-10.safetensors', 7, 4),
      shard('f-2.safetensors', 2, 5),
      shard('f-1.safetensors', 0, 2),
      shard('f-9.safetensors', 7, 0),
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(shards, { minLength: 4 }),
        fc.nat({ max: 11 }),
        fc.nat({ max: 11 }),
        async (order, a, b) => {
          const opened = await openStage1Shards(order);
          expect(opened).toMatchObject({ rows: 11, hiddenSize: d, objectives: 2 });
          expect(opened.shards.map(({ name }) => name)).toEqual(
            ['f-1', 'f-2', 'f-9', 'f-10'].map((n) => `${n}.safetensors`),
          );
          const [first, end] = [Math.min(a, b), Math.max(a, b)];
          expect(await opened.readEmbeddings(first, end - first)).toEqual(count((end - first) * d, first * d));
          expect(await opened.readLabels(first, end - first)).toEqual(count((end - first) * 2, first * 2));
        },
      ),
    );
    await expect((await openStage1Shards(shards)).readEmbeddings(10, 2)).rejects.toThrow(
      'have 11 rows, not rows 10 to 11',
    );
  });

  test.each<[string, TensorData[][], RegExp]>([
    [
      'another width',
      [[tensor('embeddings', [1, 3], count(3))], [tensor('embeddings', [1, 4], count(4))]],
      /b: has features of width 4 where a has 3/,
    ],
    [
      'labels in one alone',
      [
        [tensor('embeddings', [1, 3], count(3))],
        [tensor('embeddings', [1, 3], count(3)), tensor('labels', [1, 2], count(2))],
      ],
      /b: has 2 labels a row where a has none/,
    ],
    ['no rows', [[tensor('embeddings', [0, 3], count(0))]], /a: holds no rows/],
    ['no width', [[tensor('embeddings', [1, 0], count(0))]], /width 0/],
    [
      'both stages',
      [
        [tensor('embeddings', [1, 3], count(3))],
        [tensor('embeddings', [1, 2, 3], count(6)), tensor('prompt_embeddings', [1, 3], count(3))],
      ],
      /b: is in the stage-2 layout, but a is in the stage-1/,
    ],
    ['no embeddings', [[tensor('x', [1], count(1))]], /a: has no tensor "embeddings" \(it has x\)/],
    ['no file', [], /no file was given/],
  ])('refused: %s', async (_name, files, says) => {
    const open = () => openFeatureShards(files.map((tensors, i) => source(String.fromCodePoint(97 + i), tensors)));
    await expect(files.length === 0 ? openStage1Shards([]) : open()).rejects.toThrow(says);
  });
});

describe('pairs', () => {
  const head = {
    objectives: 2,
    featureSize: 3,
    regression: Float32Array.of(1, 0, 2, 0, -1, 1),
    transform: Float64Array.of(1, -0.5, 0, 1),
  };
  // Two pairs; prompts differ between pairs. r = W h of the first: chosen (0,1,2) → (4, 1), rejected (3,4,5) → (13, 1).
  const embeddings = Float32Array.of(0, 1, 2, 3, 4, 5, 1, 1, 1, 2, 0, 1);
  const prompts = Float32Array.of(5, 6, 7, 8, 9, 1);
  const twice = Float32Array.of(5, 6, 7, 5, 6, 7, 8, 9, 1, 8, 9, 1);
  const file = (prompt: TensorData, values = embeddings, dtype: Dtype = 'F32', name = 'p') =>
    source(name, [tensor('embeddings', [2, 2, 3], values, dtype), prompt]);
  const shared = tensor('prompt_embeddings', [2, 3], prompts);
  const read = async (sources: ReturnType<typeof source>[], options: PairReadingOptions = {}) => {
    const chunks: PromptChunk[] = [];
    const onPrompts = (chunk: PromptChunk) => void chunks.push(chunk);
    const shards = await openStage2Shards(sources);
    return { reading: await readPreferencePairs(shards, head, { ...options, onPrompts }), chunks, shards };
  };

  test.each<[string, TensorData]>([
    ['[N, d]', shared],
    ['[N, 2, d]', tensor('prompt_embeddings', [2, 2, 3], twice)],
    ['[N, 2, d] in bf16', tensor('prompt_embeddings', [2, 2, 3], twice, 'BF16')],
    ['[N, d] in f16', tensor('prompt_embeddings', [2, 3], prompts, 'F16')],
  ])('prompts %s: differences are (r_chosen − r_rejected) M', async (_name, prompt) => {
    const { reading, chunks } = await read([file(prompt, embeddings, prompt.dtype as Dtype)], { rawRewards: true });
    expect([...reading.rewardDifferences]).toEqual([-9, 4.5, -1, -0.5]);
    expect([...reading.rawRewards!]).toEqual([4, 1, 13, 1, 3, 0, 4, 1]);
    expect([...reading.prompts]).toEqual([0, 1]);
    expect(reading.warnings).toEqual([]);
    expect(chunks.map(({ first, values }) => [first, values])).toEqual([[0, prompts]]);
    expect(chunks[0]?.bytes.length).toBe(prompt.dtype === 'F32' ? 24 : 12);
  });

  test('without raw rewards the differences are the same; shards go on where the last one ended', async () => {
    const { reading, chunks, shards } = await read([
      file(shared, embeddings, 'F32', 'b'),
      file(shared, embeddings, 'F32', 'a'),
    ]);
    expect([...reading.rewardDifferences]).toEqual([-9, 4.5, -1, -0.5, -9, 4.5, -1, -0.5]);
    expect([...reading.prompts]).toEqual([0, 1, 0, 1]);
    expect(chunks.map(({ first }) => first)).toEqual([0, 2]);
    expect(shards.locate(3)).toMatchObject({ name: 'b', row: 1 });
    expect(reading.rawRewards).toBeUndefined();
  });

  test('what is odd is said: prompt rows that differ, equal responses, mixed dtypes', async () => {
    const differing = Float32Array.from(twice);
    differing[4] = 0;
    const same = Float32Array.from(embeddings);
    same.copyWithin(9, 6, 9);
    const { reading } = await read([file(tensor('prompt_embeddings', [2, 2, 3], differing, 'BF16'), same)]);
    expect(reading.warnings.map(({ code }) => code)).toEqual(['prompts-differ', 'identical-pair', 'mixed-dtypes']);
    expect(reading.warnings[0]?.message).toContain('In 1 of 2 pairs the prompt rows of chosen and rejected differ');
    expect(reading.warnings[2]?.message).toContain('BF16 and F32');
  });

  test.each<[string, number, TensorData, RegExp]>([
    [
      'NaN in an embedding',
      Number.NaN,
      shared,
      /tensor "embeddings": holds NaN in row 1, column 2\. The features were not computed/,
    ],
    [
      'an infinite prompt',
      1,
      tensor('prompt_embeddings', [2, 3], Float32Array.of(1, 2, 3, 4, Infinity, 6)),
      /tensor "prompt_embeddings": holds Infinity in row 1, column 1\. A number overflowed/,
    ],
  ])('refused: %s', async (_name, value, prompt, says) => {
    const spoiled = Float32Array.from(embeddings);
    spoiled[11] = value;
    await expect(read([file(prompt, spoiled)])).rejects.toThrow(says);
    await expect(read([file(prompt, spoiled)])).rejects.toBeInstanceOf(FormatError);
  });

  test('refused: a head of another width', async () => {
    const shards = await openStage2Shards([file(shared)]);
    await expect(readPreferencePairs(shards, { ...head, featureSize: 4 })).rejects.toThrow(
      'the features are 3 wide, but the regression layer takes 4',
    );
  });

  test('can be aborted', async () => {
    await expect(read([file(shared)], { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });
});

test('the layout is told by the tensors', async () => {
  expect(await featureLayout(source('a', [tensor('embeddings', [1, 3], count(3))]))).toBe('stage-1');
  expect(await featureLayout(source('a', [tensor('embeddings', [1, 2, 3], count(6))]))).toBe('stage-2');
});
