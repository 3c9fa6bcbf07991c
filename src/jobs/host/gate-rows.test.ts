/** Gate rows in memory and in their files: the same numbers, and what is read for them. */
import { describe, expect, test } from 'vitest';
import { f32ToBf16 } from '@/base/half.ts';
import { SeededRandom } from '@/base/random.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import { openStage2Shards } from '@/formats/feature-shards.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { readPreferencePairs } from '@/formats/preference-pairs.ts';
import { writeSafetensors } from '@/formats/safetensors-writer.ts';
import { fileGateRows, keptRowBytes, MemoryGateRows } from './gate-rows.ts';

const d = 24;

/** A shard in memory that says what was read of it. */
function shard(name: string, pairs: number, dtype: 'BF16' | 'F32', promptRows: 1 | 2, reads: number[]): ByteSource {
  const random = new SeededRandom(pairs);
  const tensor = (tensorName: string, shape: readonly number[]) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
    return { name: tensorName, dtype, shape, data: dtype === 'BF16' ? new Uint16Array(f32ToBf16(data)) : data };
  };
  const prompts = promptRows === 1 ? [pairs, d] : [pairs, 2, d];
  const file = writeSafetensors([tensor('embeddings', [pairs, 2, d]), tensor('prompt_embeddings', prompts)]);
  const source = memorySource(name, file);
  return {
    ...source,
    async read(offset, length, signal) {
      reads.push(length);
      return source.read(offset, length, signal);
    },
  };
}

describe.each([
  ['BF16', 1],
  ['BF16', 2],
  ['F32', 2],
] as const)('%s, %i prompt rows a pair', (dtype, promptRows) => {
  async function both() {
    const reads: number[] = [];
    const shards = await openStage2Shards([
      shard('a-1.safetensors', 50, dtype, promptRows, reads),
      shard('a-2.safetensors', 700, dtype, promptRows, reads),
    ]);
    const memory = new MemoryGateRows(shards);
    const regression = new Float32Array(2 * d);
    const head = { objectives: 2, featureSize: d, regression, transform: Float64Array.of(1, 0, 0, 1) };
    await readPreferencePairs(shards, head, { onPrompts: (chunk) => memory.add(chunk) });
    reads.length = 0;
    return { memory, files: fileGateRows(shards), reads };
  }
  const rowBytes = d * promptRows * (dtype === 'BF16' ? 2 : 4);

  test('a batch is gathered alike, and of the file no more is read than its rows', async () => {
    const { memory, files, reads } = await both();
    const random = new SeededRandom(8);
    const rows = Uint32Array.from({ length: 64 }, () => random.integer(750));
    const [kept, read] = [new Float32Array(70 * d), new Float32Array(70 * d)];
    memory.gather(rows, kept);
    await files.gather(rows, read);
    expect(read).toEqual(kept);
    expect(read.some((value) => value !== 0)).toBe(true);
    expect(reads.reduce((sum, length) => sum + length, 0)).toBe(64 * rowBytes);
    const stored = (await files.readStored(40, 30)).slice();
    expect(stored).toEqual(memory.readStored(40, 30).slice());
  });

  test('rows that follow one another are read together, over the border of shards too', async () => {
    const { memory, files, reads } = await both();
    const rows = Uint32Array.from({ length: 300 }, (_, i) => i + 20);
    const [kept, read] = [new Float32Array(300 * d), new Float32Array(300 * d)];
    memory.gather(rows, kept);
    await files.gather(rows, read);
    expect(read).toEqual(kept);
    expect(reads).toEqual([30 * rowBytes, 270 * rowBytes]);
  });
});

test('a long run of rows is read in pieces of a megabyte at most', async () => {
  const reads: number[] = [];
  const pairs = 12_000;
  const shards = await openStage2Shards([shard('long.safetensors', pairs, 'F32', 1, reads)]);
  reads.length = 0;
  const target = new Float32Array(pairs * d);
  await fileGateRows(shards).gather(
    Uint32Array.from({ length: pairs }, (_, i) => i),
    target,
  );
  expect(reads.reduce((sum, length) => sum + length, 0)).toBe(4 * pairs * d);
  expect(reads.length).toBe(2);
  expect(Math.max(...reads)).toBeLessThanOrEqual(2 ** 20);
});

test('of 100,000 pairs 4,096 wide in bf16 the rows are not kept in memory', async () => {
  const header = (pairs: number) => ({
    rows: pairs,
    hiddenSize: 4096,
    files: [{ features: { promptDtype: 'BF16' } }],
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const bytes = MemoryGateRows.bytes(header(100_000) as unknown as Parameters<typeof MemoryGateRows.bytes>[0]);
  expect(bytes).toBe(819_200_000);
  expect(bytes).toBeGreaterThan(keptRowBytes);
});
