import { expect, test } from 'vitest';
import { gatheringSink, growingSink } from './byte-sink.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

test('a gathering sink hands on stretches that grow side by side, each in one piece once it is long enough', async () => {
  const file = growingSink();
  const pieces: [number, number][] = [];
  const sink = gatheringSink(
    {
      async writeAt(offset, piece) {
        pieces.push([offset, piece.length]);
        await file.writeAt(offset, piece);
      },
    },
    4,
  );
  const again = bytes(1, 2);
  await sink.writeAt(0, again);
  // The caller's array is its own.
  again.fill(9);
  await sink.writeAt(10, bytes(6));
  await sink.writeAt(2, bytes(3, 4, 5));
  expect(pieces).toEqual([[0, 5]]);
  await sink.writeAt(11, bytes(7));
  await sink.writeAt(5, bytes(8));
  await sink.flush();
  expect(pieces.slice(1).toSorted((a, b) => a[0] - b[0])).toEqual([
    [5, 1],
    [10, 2],
  ]);
  expect([...file.bytes()]).toEqual([1, 2, 3, 4, 5, 8, 0, 0, 0, 0, 6, 7]);
  await sink.flush();
  expect(pieces).toHaveLength(3);
});

test('a growing sink is as long as what was written to it', async () => {
  const sink = growingSink();
  await sink.writeAt(3000, bytes(5));
  await sink.writeAt(1, bytes(4));
  expect(sink.bytes()).toHaveLength(3001);
  expect(sink.bytes()[1]).toBe(4);
});
