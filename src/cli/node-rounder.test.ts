/** Rounding on real threads: the same bytes as on one, and none left behind. */
import { afterEach, describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { DataFile, encodeLinear, type EncodedLinear } from '@/convert/linear-encoder.ts';
import { memoryPackageSink } from '@/convert/package-sink.ts';
import { type ThreadedRounder, threadedRounder } from '@/convert/rounding-threads.ts';
import { roundHere, type SlabRounder } from '@/convert/slab-rounder.ts';
import { nodeRounder } from './node-rounder.ts';

let rounder: ThreadedRounder | undefined;
afterEach(() => rounder?.close());

/** Two slabs of 4 Mi values and a shorter one. */
const inputs = 4096;
const outputs = 2 * 1024 + 40;
const random = new SeededRandom(11);
const block = Float32Array.from({ length: 65_537 }, () => random.normal());
const values = Float32Array.from({ length: inputs * outputs }, (_, i) => block[i % block.length]! * (1 + (i % 3)));

async function encode(dtype: 'q4' | 'q8', by: SlabRounder): Promise<{ encoded: EncodedLinear; bytes: Uint8Array }> {
  const sink = memoryPackageSink('package');
  const file = await sink.create('w.data');
  const encoded = await encodeLinear({ values, inputs, outputs }, dtype, new DataFile(file, 'w.data'), by);
  await file.finish();
  return { encoded, bytes: sink.contents.get('w.data')! };
}

describe('on threads', () => {
  test.each(['q4', 'q8'] as const)('a %s matrix has the bytes and the errors of one thread', async (dtype) => {
    rounder = nodeRounder({ threads: 2, leastValues: 1 });
    const before = values.slice(0, 100);
    const [one, other] = [await encode(dtype, roundHere), await encode(dtype, rounder)];
    expect(other.encoded).toEqual(one.encoded);
    expect(Buffer.compare(other.bytes, one.bytes)).toBe(0);
    expect(values.slice(0, 100)).toEqual(before);
  });

  test('closing ends what is on its way, and the process has no thread left that keeps it', async () => {
    rounder = nodeRounder({ threads: 2 });
    const slab = values.subarray(0, 4 * 1024 * 1024);
    const ended = Promise.allSettled([rounder.round('affine4', slab, 32), rounder.round('affine4', slab, 32)]);
    rounder.close();
    expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(rounder.round('affine4', slab, 32)).rejects.toThrow(/closed/);
  });
});

test('small slabs stay here, and a thread that cannot start is said', async () => {
  let started = 0;
  rounder = threadedRounder({
    threads: 2,
    start(listener) {
      started++;
      queueMicrotask(() => listener.failed(new Error('no thread')));
      return { post: () => undefined, terminate: () => undefined };
    },
  });
  await rounder.round('affine4', values.subarray(0, 64), 32);
  expect(started).toBe(0);
  await expect(rounder.round('affine4', values.subarray(0, 4 * 1024 * 1024), 32)).rejects.toThrow('no thread');
  expect(started).toBe(2);
});
