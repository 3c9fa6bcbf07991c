import { expect, it } from 'vitest';
import { inRanges, openForward } from './forward-bytes.ts';
import { memorySource } from './memory-source.ts';

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
const source = memorySource('a.bin', bytes);

it('reads any place a range at a time, and says what is not there', async () => {
  const open = await openForward(source);
  const target = new Uint8Array(10);
  await open.fill(50, target);
  expect([...target]).toEqual([...bytes.subarray(50, 60)]);
  await open.fill(3, target.subarray(2, 4));
  expect([...target.subarray(0, 5)]).toEqual([50, 51, 3, 4, 54]);
  await expect(open.fill(95, target)).rejects.toMatchObject({ name: 'FormatError', code: 'truncated' });
  await expect(open.fill(0, target, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  open.close();
});

it('reads as the place does where it has a way', async () => {
  const own = inRanges(source);
  expect(await openForward({ ...source, openForward: async () => own })).toBe(own);
});

it('holds 16 MiB at a time beside what it fills', async () => {
  const lengths: number[] = [];
  const open = inRanges({
    async read(offset, length) {
      lengths.push(length);
      return new Uint8Array(length).fill(offset === 0 ? 1 : 2);
    },
  });
  const target = new Uint8Array(20 * 1024 * 1024);
  await open.fill(0, target);
  expect(lengths).toEqual([16 * 1024 * 1024, 4 * 1024 * 1024]);
  expect([target[0], target[16 * 1024 * 1024 - 1], target[16 * 1024 * 1024], target.at(-1)]).toEqual([1, 1, 2, 2]);
});
