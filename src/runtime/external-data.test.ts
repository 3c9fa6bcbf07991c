import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Room } from '@/base/room.ts';
import { LazyBytes } from './external-data.ts';

describe('LazyBytes', () => {
  it('gives any tensor, one after the other, as a Uint8Array of the file’s length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 300, size: 'max' }),
        fc.array(fc.tuple(fc.nat(300), fc.nat(300)), { minLength: 1, maxLength: 5 }),
        (given, ranges) => {
          const bytes = Uint8Array.from(given);
          const read = (offset: number, length: number, room: Room) => {
            const part = room.take(length);
            part.set(bytes.subarray(offset, offset + length));
            return part;
          };
          let closed = 0;
          const file = new LazyBytes(bytes.length, { read, close: () => (closed += 1) });
          expect(file).toBeInstanceOf(Uint8Array);
          expect(file.byteLength).toBe(bytes.length);
          for (const [a, b] of ranges) {
            const begin = Math.min(a, bytes.length);
            const end = Math.min(Math.max(begin, b), bytes.length);
            expect([...file.subarray(begin, end)]).toEqual([...bytes.subarray(begin, end)]);
          }
          expect([...file.subarray()]).toEqual([...bytes]);
          const last = file.subarray();
          file.close();
          expect([closed, last.length]).toEqual([1, 'transfer' in ArrayBuffer.prototype ? 0 : bytes.length]);
        },
      ),
    );
  });

  it('keeps the first error, which ONNX Runtime swallows', () => {
    const file = new LazyBytes(4, {
      read(offset) {
        throw new RangeError(`not ${offset}`);
      },
      close: () => undefined,
    });
    expect(file.problem).toBeUndefined();
    expect(() => file.subarray(1, 2)).toThrow('not 1');
    expect(() => file.subarray(2, 3)).toThrow('not 2');
    expect(file.problem).toMatchObject({ name: 'RangeError', message: 'not 1' });
  });
});
