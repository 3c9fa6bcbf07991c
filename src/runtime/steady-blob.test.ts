import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource } from '@/formats/memory-source.ts';
import { SourceBlob, SteadyBlob } from './steady-blob.ts';

/** As ONNX Runtime reads: slices, a buffer of the reader's own, handed back and forth. */
async function readWithOwnBuffer(blob: Blob, capacity: number): Promise<Uint8Array> {
  const reader = blob.stream().getReader({ mode: 'byob' });
  const all: number[] = [];
  let buffer = new ArrayBuffer(capacity);
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (value !== undefined) {
      all.push(...value);
      buffer = value.buffer;
    }
    if (done) return Uint8Array.from(all);
  }
}

describe('SteadyBlob', () => {
  it('gives the bytes of any slice, whatever the size of the reader’s buffer', async () => {
    await fc.assert(
      fc.asyncProperty(
        // Without the size, arrays of ten and slices of nothing: no reader would come twice.
        fc.uint8Array({ minLength: 100, maxLength: 300, size: 'max' }),
        fc.nat(100),
        fc.nat(300),
        fc.integer({ min: 1, max: 128 }),
        async (bytes, begin, end, capacity) => {
          const blob = new SteadyBlob(new Blob([Uint8Array.from(bytes)]));
          const expected = bytes.slice(begin, Math.max(begin, end));
          const slice = blob.slice(begin, end);
          expect(slice.size).toBe(expected.length);
          expect([...(await readWithOwnBuffer(slice, capacity))]).toEqual([...expected]);
          expect([...new Uint8Array(await new Response(slice.stream()).arrayBuffer())]).toEqual([...expected]);
        },
      ),
    );
  });

  it('is a Blob, with its size and type, and reads whole like any other', async () => {
    const blob = new SteadyBlob(new Blob(['weights'], { type: 'application/octet-stream' }));
    expect(blob).toBeInstanceOf(Blob);
    expect(blob).toMatchObject({ size: 7, type: 'application/octet-stream' });
    expect(await blob.text()).toBe('weights');
    expect(await blob.slice(1, 4).text()).toBe('eig');
  });

  it('hands a failed read to the reader', async () => {
    class Broken extends Blob {
      override get size(): number {
        return 4;
      }
      override slice(): Blob {
        return new Broken();
      }
      override arrayBuffer(): Promise<ArrayBuffer> {
        return Promise.reject(new DOMException('The file changed.', 'NotReadableError'));
      }
    }
    await expect(readWithOwnBuffer(new SteadyBlob(new Broken()), 8)).rejects.toThrow('The file changed.');
  });
});

describe('SourceBlob', () => {
  it('gives the bytes of its source, in slices of slices, whatever the size of the reader’s buffer', async () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(300),
        fc.nat(300),
        fc.nat(300),
        fc.integer({ min: 1, max: 128 }),
        async (a, b, c, size) => {
          const blob = new SourceBlob(memorySource('made', bytes)).slice(a, b).slice(c);
          const expected = Array.from(bytes.subarray(a, Math.max(a, b)).subarray(c));
          expect(blob.size).toBe(expected.length);
          expect([...(await readWithOwnBuffer(blob, size))]).toEqual(expected);
          expect([...new Uint8Array(await blob.arrayBuffer())]).toEqual(expected);
        },
      ),
    );
    expect(new SourceBlob(memorySource('made', bytes))).toBeInstanceOf(Blob);
  });
});
