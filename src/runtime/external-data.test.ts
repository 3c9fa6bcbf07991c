import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Room, Rooms } from '@/base/room.ts';
import type { ByteSource, OpenBytes } from '@/formats/byte-source.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { ExternalData, LazyBytes } from './external-data.ts';

const memoryFile = (bytes: Uint8Array<ArrayBuffer>): OpenBytes => ({
  read(offset, length, room) {
    const part = room.take(length);
    part.set(bytes.subarray(offset, offset + length));
    return part;
  },
  close: () => undefined,
});
const brokenFile: OpenBytes = {
  read(offset) {
    throw new RangeError(`not ${offset}`);
  },
  close: () => undefined,
};

describe('LazyBytes', () => {
  it('gives any tensor, one after the other, as a Uint8Array of the file’s length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 300, size: 'max' }),
        fc.array(fc.tuple(fc.nat(300), fc.nat(300)), { minLength: 1, maxLength: 5 }),
        (given, ranges) => {
          const bytes = Uint8Array.from(given);
          let closed = 0;
          const file = new LazyBytes(
            bytes.length,
            { ...memoryFile(bytes), close: () => void (closed += 1) },
            new Room(),
          );
          expect(file).toBeInstanceOf(Uint8Array);
          expect(file.byteLength).toBe(bytes.length);
          for (const [a, b] of ranges) {
            const begin = Math.min(a, bytes.length);
            const end = Math.min(Math.max(begin, b), bytes.length);
            expect([...file.subarray(begin, end)]).toEqual([...bytes.subarray(begin, end)]);
          }
          expect([...file.subarray()]).toEqual([...bytes]);
          expect(closed).toBe(0);
          file.close();
          expect(closed).toBe(1);
        },
      ),
    );
  });

  it('keeps the first error, which ONNX Runtime swallows', () => {
    const file = new LazyBytes(4, brokenFile, new Room());
    expect(file.problem).toBeUndefined();
    expect(() => file.subarray(1, 2)).toThrow('not 1');
    expect(() => file.subarray(2, 3)).toThrow('not 2');
    expect(file.problem).toMatchObject({ name: 'RangeError', message: 'not 1' });
  });
});

describe('ExternalData', () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, i) => i);
  const source = memorySource('a.data', bytes);

  it('mounts what can be read at once, and reads the rest whole', async () => {
    const { openSync: _, ...closed } = source;
    const external = new ExternalData(new Rooms());
    await external.add('a.data', source, undefined);
    await external.add('b.data', closed, undefined);
    const [a, b] = external.files;
    expect([a?.path, b?.path]).toEqual(['a.data', 'b.data']);
    expect(a?.data).toBeInstanceOf(LazyBytes);
    expect(b?.data).toEqual(bytes);
  });

  it('closes every file, and knows which could not be read', async () => {
    let closed = 0;
    const file = (open: Partial<OpenBytes>): ByteSource => ({
      ...source,
      openSync: async () => ({ ...memoryFile(bytes), close: () => void (closed += 1), ...open }),
    });
    const external = new ExternalData(new Rooms());
    await external.add('a.data', file({}), undefined);
    await external.add('b.data', file({ read: brokenFile.read }), undefined);
    expect(external.problem).toBeUndefined();
    const [, { data } = { data: undefined }] = external.files;
    expect(() => data instanceof LazyBytes && data.subarray(3, 4)).toThrow('not 3');
    expect(external.problem).toMatchObject({ message: 'not 3' });
    external.close();
    expect(closed).toBe(2);
  });
});
