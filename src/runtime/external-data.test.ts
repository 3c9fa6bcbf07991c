import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource } from '@/formats/memory-source.ts';
import { LazyBytes, type SyncSource } from './external-data.ts';

function lazyBytes(bytes: Uint8Array<ArrayBuffer>, computed = false): LazyBytes {
  const { size, readSync } = memorySource('weights', bytes);
  if (readSync === undefined) throw new Error('memory is read at once');
  return new LazyBytes({ size, readSync }, computed);
}

describe('LazyBytes', () => {
  it.each([true, false])('gives any tensor, one after the other, as a Uint8Array of the file’s length', (computed) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 300, size: 'max' }),
        fc.array(fc.tuple(fc.nat(300), fc.nat(300)), { minLength: 1, maxLength: 5 }),
        (given, ranges) => {
          const bytes = Uint8Array.from(given);
          const file = lazyBytes(bytes, computed);
          expect(file).toBeInstanceOf(Uint8Array);
          expect(file.byteLength).toBe(bytes.length);
          for (const [a, b] of ranges) {
            const begin = Math.min(a, bytes.length);
            const end = Math.min(Math.max(begin, b), bytes.length);
            expect([...file.subarray(begin, end)]).toEqual([...bytes.subarray(begin, end)]);
          }
          file.free();
          expect([...file.subarray()]).toEqual([...bytes]);
        },
      ),
    );
  });

  it('keeps the first error, which ONNX Runtime swallows', () => {
    const broken: SyncSource = {
      size: 4,
      readSync(offset) {
        throw new RangeError(`not ${offset}`);
      },
    };
    const file = new LazyBytes(broken, false);
    expect(file.problem).toBeUndefined();
    expect(() => file.subarray(1, 2)).toThrow('not 1');
    expect(() => file.subarray(2, 3)).toThrow('not 2');
    expect(file.problem).toMatchObject({ name: 'RangeError', message: 'not 1' });
  });
});
