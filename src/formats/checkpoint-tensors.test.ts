import { describe, expect, it } from 'vitest';
import { openCheckpointTensors, parseShardIndex } from './checkpoint-tensors.ts';
import { memoryFileSet } from './memory-source.ts';
import { writeSafetensors } from './safetensors-writer.ts';

const tensor = (name: string, data: number[]) => ({
  name,
  dtype: 'F32' as const,
  shape: [data.length / 2, 2],
  data: Float32Array.from(data),
});
const one = writeSafetensors([tensor('a', [1, 2, 3, 4]), tensor('c', [9, 9])]);
const two = writeSafetensors([tensor('b', [5, 6])]);
const index = (map: Record<string, unknown>) => JSON.stringify({ metadata: {}, weight_map: map });
const good = {
  a: 'model-00001-of-00002.safetensors',
  b: 'model-00002-of-00002.safetensors',
  c: 'model-00001-of-00002.safetensors',
};

const open = (files: Record<string, string | Uint8Array<ArrayBuffer>>) =>
  openCheckpointTensors(memoryFileSet('folder', new Map(Object.entries(files))));
const shards = { 'model-00001-of-00002.safetensors': one, 'model-00002-of-00002.safetensors': two };

describe('openCheckpointTensors', () => {
  it('reads across shards', async () => {
    const tensors = await open({ 'model.safetensors.index.json': index(good), ...shards });
    expect([...tensors.infos.keys()].sort()).toEqual(['a', 'b', 'c']);
    expect(await tensors.readAsFloat32('b')).toEqual(new Float32Array([5, 6]));
    expect(await tensors.readRowsAsFloat32('a', 1, 1)).toEqual(new Float32Array([3, 4]));
    expect(new Float32Array((await tensors.readRows('a', 0, 1)).buffer)).toEqual(new Float32Array([1, 2]));
    expect(new Float32Array((await tensors.read('c')).buffer)).toEqual(new Float32Array([9, 9]));
    expect(tensors.has('d')).toBe(false);
    expect(() => tensors.require('d')).toThrow(
      'model.safetensors.index.json: tensor "d": is missing from the checkpoint',
    );
    expect(() => tensors.require('a', [4])).toThrow(
      'model-00001-of-00002.safetensors: tensor "a": has shape [2, 2] where config.json implies [4]',
    );
    expect(tensors.require('a', [2, 2]).dtype).toBe('F32');
  });

  it('reads a single file', async () => {
    const tensors = await open({ 'model.safetensors': one });
    expect(await tensors.readAsFloat32('c')).toEqual(new Float32Array([9, 9]));
  });

  it.each<[string, Record<string, string | Uint8Array<ArrayBuffer>>, string]>([
    ['an empty folder', {}, 'folder: there is neither model.safetensors nor model.safetensors.index.json here'],
    [
      'a missing shard',
      { 'model.safetensors.index.json': index(good), 'model-00001-of-00002.safetensors': one },
      'model-00002-of-00002.safetensors: model.safetensors.index.json names this shard',
    ],
    [
      'a truncated shard',
      { 'model.safetensors.index.json': index(good), ...shards, 'model-00002-of-00002.safetensors': two.slice(0, -1) },
      'model-00002-of-00002.safetensors: the file has',
    ],
    [
      'a tensor in the wrong shard',
      {
        'model.safetensors.index.json': index({
          ...good,
          b: 'model-00001-of-00002.safetensors',
          x: 'model-00002-of-00002.safetensors',
        }),
        ...shards,
      },
      'model-00001-of-00002.safetensors: tensor "b": is not in this shard',
    ],
    [
      'a tensor the index forgot',
      { 'model.safetensors.index.json': index({ a: good.a, b: good.b }), ...shards },
      'model-00001-of-00002.safetensors: tensor "c": is in this shard, but not in',
    ],
    [
      'an index without a map',
      { 'model.safetensors.index.json': '{}' },
      'model.safetensors.index.json: weight_map: must be an object',
    ],
    [
      'an index of nothing',
      { 'model.safetensors.index.json': index({}) },
      'model.safetensors.index.json: weight_map: names no tensor',
    ],
  ])('refuses %s', async (_name, files, message) => {
    await expect(open(files)).rejects.toThrow(message);
  });

  it('keeps an index inside its folder', () => {
    for (const file of [
      '../x.safetensors',
      '/x.safetensors',
      'a/b.safetensors',
      'a\\b.safetensors',
      'x.bin',
      '',
      3,
      'a..safetensors',
      'http://h/x.safetensors',
    ])
      expect(() => parseShardIndex({ weight_map: { t: file } }), String(file)).toThrow(
        'model.safetensors.index.json: weight_map["t"]: must be the plain name of a .safetensors file',
      );
    expect([...parseShardIndex({ weight_map: { t: 'model.safetensors' } })]).toEqual([['t', 'model.safetensors']]);
  });
});
