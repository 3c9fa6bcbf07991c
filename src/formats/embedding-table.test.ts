import { describe, expect, it } from 'vitest';
import { f16ToF32, f32ToF16 } from '@/base/half.ts';
import type { ByteSource } from './byte-source.ts';
import { openEmbeddingTable } from './embedding-table.ts';
import { memorySource } from './memory-source.ts';
import { writeSafetensors } from './safetensors-writer.ts';
import type { TensorData } from './safetensors-writer.ts';

const shape = { vocabSize: 500, hiddenSize: 64 };
const { vocabSize: V, hiddenSize: d } = shape;
const values = Float32Array.from({ length: V * d }, (_, i) => Math.sin(i) * 2);
const weight = (dtype: TensorData['dtype'], data: TensorData['data']): TensorData => ({
  name: 'weight',
  dtype,
  shape: [V, d],
  data,
});

/** Counts and records reads. */
function counting(bytes: Uint8Array<ArrayBuffer>): ByteSource & { reads: [number, number][] } {
  const inner = memorySource('embedding.safetensors', bytes);
  const reads: [number, number][] = [];
  return {
    ...inner,
    reads,
    read(offset, length, signal) {
      reads.push([offset, length]);
      return inner.read(offset, length, signal);
    },
  };
}

const open = (tensors: TensorData[], residentBytes?: number) =>
  openEmbeddingTable(
    memorySource('embedding.safetensors', writeSafetensors(tensors)),
    shape,
    residentBytes === undefined ? {} : { residentBytes },
  );

const ids = [3, 499, 0, 3, 7, 499];
const rowsOf = (table: Float32Array) =>
  Float32Array.from(ids.flatMap((id) => [...table.subarray(id * d, (id + 1) * d)]));

describe('openEmbeddingTable', () => {
  const halves = new Uint16Array(f32ToF16(values));
  const bf16 = new Uint16Array(new Uint32Array(values.buffer).map((bits) => bits >>> 16));
  const ints = Int8Array.from({ length: V * d }, (_, i) => (i * 31) % 256);
  const scales = new Uint16Array(f32ToF16(Float32Array.from({ length: (V * d) / 32 }, (_, i) => 0.001 * (i + 1))));
  const scaleValues = f16ToF32(scales);
  const stored: [string, TensorData[], Float32Array][] = [
    ['F32', [weight('F32', values)], values],
    ['F16', [weight('F16', halves)], f16ToF32(halves)],
    ['BF16', [weight('BF16', bf16)], new Float32Array(new Uint32Array(bf16).map((bits) => bits << 16).buffer)],
    [
      'I8',
      [weight('I8', ints), { name: 'scales', dtype: 'F16', shape: [V, 2], data: scales }],
      Float32Array.from(ints, (value, i) => value * (scaleValues[Math.floor(i / 32)] ?? 0)),
    ],
  ];

  it.each(stored)('looks up %s rows, from memory and by ranges', async (_dtype, tensors, expected) => {
    expect(await (await open(tensors)).lookup(ids)).toEqual(rowsOf(expected));
    const ranged = await open(tensors, 0);
    expect(await ranged.lookup(Int32Array.from(ids))).toEqual(rowsOf(expected));
    expect(await ranged.lookup(ids)).toEqual(rowsOf(expected));
    expect((await ranged.lookup([])).length).toBe(0);
  });

  it('reads close rows in one request, far ones apart, and known ones not again', async () => {
    const big = { vocabSize: 2000, hiddenSize: 64 };
    const source = counting(
      writeSafetensors([{ name: 'weight', dtype: 'F32', shape: [2000, 64], data: new Float32Array(2000 * 64) }]),
    );
    const table = await openEmbeddingTable(source, big, { residentBytes: 0 });
    source.reads.length = 0;
    await table.lookup([5, 10, 7, 1999, 5]);
    expect(source.reads.map(([, length]) => length).sort((a, b) => a - b)).toEqual([256, 6 * 256]);
    await table.lookup([10, 1999]);
    expect(source.reads.length).toBe(2);
    await table.lookup([10, 11]);
    expect(source.reads.length).toBe(3);
  });

  it('reads a resident table only once', async () => {
    const source = counting(writeSafetensors([weight('F32', values)]));
    const table = await openEmbeddingTable(source, shape);
    const before = source.reads.length;
    await table.lookup(ids);
    expect(source.reads.length).toBe(before);
  });

  it('forgets the least recently used rows, and still answers', async () => {
    // 4 MiB rows: sixteen fit in the cache.
    const wide = { vocabSize: 20, hiddenSize: 1024 * 1024 };
    const bytes = new Uint8Array(20 * 1024 * 1024 * 4);
    const source = counting(
      writeSafetensors([{ name: 'weight', dtype: 'F32', shape: [20, 1024 * 1024], data: bytes }]),
    );
    const table = await openEmbeddingTable(source, wide, { residentBytes: 0 });
    for (let id = 0; id < 17; id++) await table.lookup([id]);
    source.reads.length = 0;
    await table.lookup([16]);
    expect(source.reads.length).toBe(0);
    expect((await table.lookup([0])).length).toBe(wide.hiddenSize);
    expect(source.reads.length).toBe(1);
  });

  it('refuses ids outside the vocabulary by position', async () => {
    const table = await open([weight('F32', values)]);
    for (const id of [500, -1, 1.5, Number.NaN])
      await expect(table.lookup([0, id])).rejects.toThrow(
        `embedding.safetensors: token 1 has id ${id}, but the table has ids 0 to 499. The tokenizer does not fit`,
      );
  });

  it('aborts a look-up that must read', async () => {
    const table = await open([weight('F32', values)], 0);
    await expect(table.lookup([1], AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each<[string, TensorData[], string]>([
    ['no weight', [{ ...weight('F32', values), name: 'w' }], 'tensor "weight": is not in this file'],
    [
      'another shape',
      [{ ...weight('F32', values), shape: [d, V] }],
      'tensor "weight": has shape [64, 500] where [500, 64]',
    ],
    ['F64', [weight('F64', new Float64Array(V * d))], 'tensor "weight": is F64'],
    ['I8 without scales', [weight('I8', ints)], 'tensor "scales": is not in this file'],
    [
      'scales in F32',
      [weight('I8', ints), { name: 'scales', dtype: 'F32', shape: [V, 2], data: new Float32Array(V * 2) }],
      'tensor "scales": is F32',
    ],
    [
      'scales that do not divide',
      [weight('I8', ints), { name: 'scales', dtype: 'F16', shape: [V, 3], data: new Uint16Array(V * 3) }],
      'tensor "scales": has shape [500, 3]',
    ],
    [
      'surplus',
      [weight('F32', values), { name: 'scales', dtype: 'F16', shape: [V, 2], data: scales }],
      'tensor "scales": is not part',
    ],
  ])('refuses %s', async (_name, tensors, message) => {
    await expect(open(tensors)).rejects.toThrow(`embedding.safetensors: ${message}`);
  });
});
