import { describe, expect, it } from 'vitest';
import { f32ToBf16, f32ToF16 } from '@/base/half.ts';
import { memorySink } from './byte-sink.ts';
import { openStage1Features, openStage2Features, Stage1Writer, Stage2Writer } from './feature-files.ts';
import { memorySource } from './memory-source.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import { writeSafetensors } from './safetensors-writer.ts';
import type { TensorData } from './safetensors-writer.ts';

const row = (seed: number, length = 3) => Float32Array.from({ length }, (_, i) => seed + i / 8);
const source = (tensors: TensorData[]) => memorySource('f.safetensors', writeSafetensors(tensors));

describe('stage 1', () => {
  it('round trips embeddings and labels with missing ones', async () => {
    const probe = new Stage1Writer(memorySink(0), 2, 3, 2);
    const sink = memorySink(probe.size);
    const writer = new Stage1Writer(sink, 2, 3, 2);
    await writer.append(row(1), new Float32Array([1, Number.NaN]));
    await writer.append(row(2), new Float32Array([Number.NaN, 0.5]));
    await writer.finish();
    const file = memorySource('f.safetensors', sink.bytes);
    const { tensors } = await readSafetensorsHeader(file);
    expect([...tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['embeddings', 'F32', [2, 3]],
      ['labels', 'F32', [2, 2]],
    ]);
    const features = await openStage1Features(file);
    expect(features).toMatchObject({ rows: 2, hiddenSize: 3, objectives: 2 });
    expect(await features.readEmbeddings(1, 1)).toEqual(row(2));
    expect(await features.readLabels(0, 2)).toEqual(new Float32Array([1, Number.NaN, Number.NaN, 0.5]));
  });

  it('works without labels', async () => {
    const sink = memorySink(new Stage1Writer(memorySink(0), 1, 3).size);
    const writer = new Stage1Writer(sink, 1, 3);
    await writer.append(row(1));
    await writer.finish();
    const features = await openStage1Features(memorySource('f.safetensors', sink.bytes));
    expect(features.objectives).toBeUndefined();
    expect(await features.readEmbeddings(0, 1)).toEqual(row(1));
    await expect(features.readLabels(0, 1)).rejects.toThrow('tensor "labels": is not in this file');
  });

  it('refuses rows that do not fit, too many and too few', async () => {
    const writer = new Stage1Writer(memorySink(1000), 1, 3, 2);
    await expect(writer.append(row(1, 4), row(1, 2))).rejects.toThrow('feature has 4 entries, 3 expected');
    const second = new Stage1Writer(memorySink(1000), 1, 3, 2);
    await expect(second.append(row(1))).rejects.toThrow('labels has 0 entries, 2 expected');
    const third = new Stage1Writer(memorySink(1000), 1, 3);
    await expect(third.finish()).rejects.toThrow('only 0 of 12 bytes');
    await third.append(row(1));
    await expect(third.append(row(1))).rejects.toThrow('more data than');
    await expect(new Stage1Writer(memorySink(1000), 1, 3).append(row(1), row(1))).rejects.toThrow('without labels');
  });

  it('reads bf16 and f16', async () => {
    const values = new Float32Array([...row(1), ...row(2)]);
    for (const [dtype, data] of [
      ['BF16', new Uint16Array(f32ToBf16(values))],
      ['F16', new Uint16Array(f32ToF16(values))],
    ] as const) {
      const features = await openStage1Features(source([{ name: 'embeddings', dtype, shape: [2, 3], data }]));
      // These values are exact in both.
      expect(await features.readEmbeddings(0, 2)).toEqual(values);
    }
  });

  it.each<[TensorData[], string]>([
    [[], 'tensor "embeddings": is not in this file'],
    [
      [{ name: 'embeddings', dtype: 'F32', shape: [2, 1, 3], data: new Float32Array(6) }],
      'has shape [2, 1, 3] where [N, d]',
    ],
    [[{ name: 'embeddings', dtype: 'F64', shape: [2, 3], data: new Float64Array(6) }], 'is F64, not F32, F16 or BF16'],
    [
      [
        { name: 'embeddings', dtype: 'F32', shape: [2, 3], data: new Float32Array(6) },
        { name: 'labels', dtype: 'F32', shape: [3, 2], data: new Float32Array(6) },
      ],
      'tensor "labels": has shape [3, 2] where [2, k]',
    ],
  ])('refuses what is not stage 1', async (tensors, message) => {
    await expect(openStage1Features(source(tensors))).rejects.toThrow(message);
  });
});

describe('stage 2', () => {
  it('round trips pairs, chosen first', async () => {
    const sink = memorySink(new Stage2Writer(memorySink(0), 2, 3).size);
    const writer = new Stage2Writer(sink, 2, 3);
    for (const seed of [10, 20])
      await writer.append({
        chosen: row(seed),
        rejected: row(seed + 1),
        chosenPrompt: row(seed + 2),
        rejectedPrompt: row(seed + 3),
      });
    await writer.finish();
    const file = memorySource('f.safetensors', sink.bytes);
    const { tensors } = await readSafetensorsHeader(file);
    expect([...tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['embeddings', 'F32', [2, 2, 3]],
      ['prompt_embeddings', 'F32', [2, 2, 3]],
    ]);
    const features = await openStage2Features(file);
    expect(features).toMatchObject({ pairs: 2, hiddenSize: 3, promptRows: 2 });
    expect(await features.readEmbeddings(1, 1)).toEqual(new Float32Array([...row(20), ...row(21)]));
    expect(await features.readPromptEmbeddings(0, 1)).toEqual(new Float32Array([...row(12), ...row(13)]));
  });

  it('reads a shared prompt row per pair, in bf16', async () => {
    const embeddings = new Uint16Array(f32ToBf16(new Float32Array([...row(1), ...row(2)])));
    const prompts = new Uint16Array(f32ToBf16(row(3)));
    const features = await openStage2Features(
      source([
        { name: 'embeddings', dtype: 'BF16', shape: [1, 2, 3], data: embeddings },
        { name: 'prompt_embeddings', dtype: 'BF16', shape: [1, 3], data: prompts },
      ]),
    );
    expect(features.promptRows).toBe(1);
    expect(await features.readPromptEmbeddings(0, 1)).toEqual(row(3));
  });

  it.each<[number[], number[], string]>([
    [[2, 3], [2, 3], 'tensor "embeddings": has shape [2, 3] where [N, 2, d]'],
    [[1, 3, 2], [1, 3, 2], 'tensor "embeddings": has shape [1, 3, 2]'],
    [[1, 2, 3], [2, 3], 'tensor "prompt_embeddings": has shape [2, 3] where [1, 2, 3] or [1, 3]'],
    [[1, 2, 3], [1, 2, 4], 'tensor "prompt_embeddings": has shape [1, 2, 4]'],
  ])('refuses embeddings %j with prompts %j', async (embeddings, prompts, message) => {
    const tensor = (name: string, shape: number[]): TensorData => ({
      name,
      dtype: 'F32',
      shape,
      data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
    });
    await expect(
      openStage2Features(source([tensor('embeddings', embeddings), tensor('prompt_embeddings', prompts)])),
    ).rejects.toThrow(message);
  });
});
