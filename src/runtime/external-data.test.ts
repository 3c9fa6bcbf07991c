import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Room, Rooms } from '@/base/room.ts';
import type { ByteSource, OpenBytes } from '@/formats/byte-source.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { ExternalData, LazyBlob, LazyBytes, turnsInBatches } from './external-data.ts';

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

describe('LazyBlob', () => {
  const bytes = Uint8Array.from({ length: 50 }, (_, i) => i);
  const lazy = () => new LazyBytes(bytes.length, memoryFile(bytes), new Room());

  /** As ONNX Runtime reads a tensor. */
  async function read(blob: Blob, begin: number, end: number): Promise<number[]> {
    const stream = blob.slice(begin, end).stream();
    expect(() => stream.getReader({ mode: 'byob' })).toThrow(TypeError);
    const reader = stream.getReader();
    const found: number[] = [];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return found;
      found.push(...value);
    }
  }

  it('gives every tensor when its turn comes, not before', async () => {
    const asked: number[] = [];
    let go: () => void = () => undefined;
    const blob = new LazyBlob(lazy(), (length) => {
      asked.push(length);
      return new Promise((resolve) => (go = resolve));
    });
    expect(blob).toBeInstanceOf(Blob);
    expect(blob.size).toBe(50);
    let found: number[] | undefined;
    const reading = read(blob, 10, 14).then((values) => (found = values));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([asked, found]).toEqual([[4], undefined]);
    go();
    await reading;
    expect(found).toEqual([10, 11, 12, 13]);
    const rest = read(blob, 40, 50);
    await new Promise((resolve) => setTimeout(resolve, 5));
    go();
    expect(await rest).toEqual([...bytes.subarray(40)]);
    expect(asked).toEqual([4, 10]);
  });

  it('fails as the file or the turn does', async () => {
    const anyTime = async () => undefined;
    const broken = new LazyBytes(4, brokenFile, new Room());
    await expect(read(new LazyBlob(broken, anyTime), 1, 2)).rejects.toThrow('not 1');
    expect(broken.problem).toMatchObject({ message: 'not 1' });
    const lost = async () => {
      throw new Error('lost');
    };
    await expect(read(new LazyBlob(lazy(), lost), 1, 2)).rejects.toThrow('lost');
  });
});

describe('turnsInBatches', () => {
  const soon = () => new Promise((resolve) => setTimeout(resolve, 2));

  it('has two batches on their way at most', async () => {
    const done: (() => void)[] = [];
    const turn = turnsInBatches(100, () => new Promise<void>((resolve) => done.push(resolve)));
    const read: number[] = [];
    const reading = (async () => {
      for (const bytes of [60, 40, 30, 200, 10, 90]) {
        await turn(bytes);
        read.push(bytes);
      }
    })();
    await soon();
    // 60 and 40 are on their way, 30 is read, and 200 would begin a third batch.
    expect([read, done.length]).toEqual([[60, 40, 30], 1]);
    done[0]?.();
    await soon();
    expect([read, done.length]).toEqual([[60, 40, 30, 200], 2]);
    done[1]?.();
    await soon();
    expect([read, done.length]).toEqual([[60, 40, 30, 200, 10, 90], 3]);
    await reading;
  });

  it('ends with what takes them in', async () => {
    const turn = turnsInBatches(10, () => Promise.reject(new Error('lost')));
    await turn(8);
    await turn(8);
    await expect(turn(8)).rejects.toThrow('lost');
  });
});

describe('ExternalData', () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, i) => i);
  const source = memorySource('a.data', bytes);

  it('mounts what can be read at once, as bytes or as a Blob, and reads the rest whole', async () => {
    const { openSync: _, ...closed } = source;
    for (const pace of ['free', 'slow', async () => undefined] as const) {
      const external = new ExternalData(new Rooms(), pace);
      const asked: unknown[] = [];
      const openSync: ByteSource['openSync'] = (options) => {
        asked.push(options?.direct);
        return source.openSync!(options);
      };
      await external.add('a.data', { ...source, openSync }, undefined);
      await external.add('b.data', closed, undefined);
      const [a, b] = external.files;
      expect([a?.path, b?.path]).toEqual(['a.data', 'b.data']);
      expect(a?.data).toBeInstanceOf(typeof pace === 'string' ? LazyBytes : LazyBlob);
      expect(asked).toEqual([pace !== 'slow']);
      expect(b?.data).toEqual(bytes);
    }
  });

  it('closes every file, and knows which could not be read', async () => {
    let closed = 0;
    const file = (open: Partial<OpenBytes>): ByteSource => ({
      ...source,
      openSync: async () => ({ ...memoryFile(bytes), close: () => void (closed += 1), ...open }),
    });
    const external = new ExternalData(new Rooms(), 'free');
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
