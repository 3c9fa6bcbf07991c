import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { streamForward } from './blob-stream.ts';
import type { ForwardBytes } from './forward-bytes.ts';

const stored = Uint8Array.from({ length: 6_000_000 }, (_, i) => (i * 7 + (i >> 8)) % 251);

/** Notes the streams that are made of it. */
class WatchedBlob extends Blob {
  readonly from: number[] = [];
  override slice(begin = 0, end?: number): Blob {
    this.from.push(begin);
    return super.slice(begin, end);
  }
}
/** A Blob whose slices have another stream. */
const withStream = (stream: () => ReadableStream) =>
  Object.assign(new Blob([stored]), { slice: () => Object.assign(new Blob(), { stream }) });

/** Reads what the stream cannot; notes what it is asked for. */
function otherwise() {
  const asked: number[] = [];
  let closed = 0;
  const forward: ForwardBytes = {
    async fill(offset, target) {
      asked.push(offset);
      target.set(stored.subarray(offset, offset + target.length));
    },
    close: () => void (closed += 1),
  };
  return { forward, asked, closed: () => closed };
}
const fill = async (open: ForwardBytes, offset: number, length: number, signal?: AbortSignal) => {
  const target = new Uint8Array(length);
  await open.fill(offset, target, signal);
  return target;
};
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

describe('streamForward', () => {
  it('gives the bytes of any places in any order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(stored.length), fc.nat(2_500_000)), { minLength: 1, maxLength: 6 }),
        async (ranges) => {
          const { forward, asked } = otherwise();
          const open = streamForward(new Blob([stored]), forward);
          for (const [offset, most] of ranges) {
            const length = Math.min(most, stored.length - offset);
            expect(same(await fill(open, offset, length), stored.subarray(offset, offset + length))).toBe(true);
          }
          open.close();
          expect(asked).toEqual([]);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('reads on in one stream, over small gaps too, and begins another to go back or far ahead', async () => {
    const blob = new WatchedBlob([stored]);
    const { forward, closed } = otherwise();
    const open = streamForward(blob, forward);
    for (const [offset, length] of [
      [100, 1_500_000],
      [1_500_100, 10],
      [1_600_000, 10],
      [1_599_000, 10],
      [5_000_000, 10],
    ] as const)
      expect(same(await fill(open, offset, length), stored.subarray(offset, offset + length))).toBe(true);
    expect(blob.from).toEqual([100, 1_599_000, 5_000_000]);
    open.close();
    expect(closed()).toBe(1);
  });

  it.each<[string, () => ReadableStream]>([
    ['gives no bytes by request', () => new ReadableStream()],
    ['never gives any', () => new ReadableStream({ type: 'bytes' })],
    [
      'ends too early',
      () => new ReadableStream({ type: 'bytes', start: (c) => (c.close(), c.byobRequest?.respond(0)) }),
    ],
    ['breaks', () => new ReadableStream({ type: 'bytes', start: (c) => c.error(new Error('gone')) })],
  ])('reads in the other way from then on where the stream %s', async (_, stream) => {
    const { forward, asked } = otherwise();
    let made = 0;
    const open = streamForward(
      withStream(() => ((made += 1), stream())),
      forward,
      20,
    );
    for (const offset of [7, 30])
      expect(same(await fill(open, offset, 20), stored.subarray(offset, offset + 20))).toBe(true);
    expect([asked, made]).toEqual([[7, 30], 1]);
  });

  it('stops where it is aborted, and can go on', async () => {
    const { forward, asked } = otherwise();
    const open = streamForward(new Blob([stored]), forward);
    const reason = new Error('enough');
    await expect(fill(open, 0, 10, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(same(await fill(open, 0, 10), stored.subarray(0, 10))).toBe(true);
    expect(asked).toEqual([]);
  });

  it('ends its stream when it is closed', async () => {
    let cancelled = 0;
    const stream = () =>
      new ReadableStream({
        type: 'bytes',
        pull(controller) {
          const view = controller.byobRequest?.view;
          if (view instanceof Uint8Array) view.fill(9);
          controller.byobRequest?.respond(view?.byteLength ?? 0);
        },
        cancel: () => void (cancelled += 1),
      });
    const open = streamForward(withStream(stream), otherwise().forward);
    expect([...(await fill(open, 0, 3))]).toEqual([9, 9, 9]);
    expect(cancelled).toBe(0);
    open.close();
    expect(cancelled).toBe(1);
  });
});
