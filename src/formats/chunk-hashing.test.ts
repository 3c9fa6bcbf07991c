import { describe, expect, it } from 'vitest';
import { blobSource } from './blob-source.ts';
import { answerHashOrder, hashChunks, hashInWorkers, type HashReply, type HashWorker } from './chunk-hashing.ts';
import { memorySource } from './memory-source.ts';
import { hashFile } from './file-hash.ts';

const bytes = Uint8Array.from({ length: 1045 }, (_, i) => (i * i) % 253);
const file = { name: 'w', blob: new Blob([bytes]) };
const chunkBytes = 100;
const expected = await Promise.all(
  Array.from({ length: 11 }, (_, i) =>
    hashFile(memorySource('chunk', bytes.slice(i * chunkBytes, (i + 1) * chunkBytes))),
  ),
);

/** A worker in this thread. */
function fakeWorkers(behaviour: 'hashes' | 'fails' | 'breaks the first' = 'hashes') {
  const state = { made: 0, ended: 0, ordered: [] as number[][] };
  const create = (): HashWorker => {
    const number = state.made++;
    let onMessage: (event: { data: HashReply }) => void = () => undefined;
    let onError = (): void => undefined;
    return {
      addEventListener(type: string, listener: (event: { data: HashReply }) => void) {
        if (type === 'message') onMessage = listener;
        else if (type === 'error') onError = listener as () => void;
      },
      postMessage(order) {
        state.ordered.push([...order.places]);
        if (behaviour === 'fails' || (behaviour === 'breaks the first' && number === 0)) queueMicrotask(onError);
        else void answerHashOrder(order, (data) => onMessage({ data }));
      },
      terminate: () => void (state.ended += 1),
    };
  };
  return { create, state };
}

describe('hashes of chunks', () => {
  it('are those of the chunks, of memory and of Blobs', async () => {
    for (const source of [memorySource('w', bytes), blobSource('w', file.blob)])
      expect(await all(hashChunks(source, chunkBytes, expected.keys()))).toEqual(expected);
    expect(await all(hashChunks(memorySource('w', bytes), chunkBytes, [10, 2]))).toEqual([expected[10], expected[2]]);
  });

  it('stop when they are asked to', async () => {
    const hashing = hashChunks(memorySource('w', bytes), chunkBytes, [0], AbortSignal.abort());
    await expect(hashing.next()).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.each([1, 3, 64])('come in order from as many workers as there are cores, four at most (%d)', async (cores) => {
    const { create, state } = fakeWorkers();
    expect(await all(hashInWorkers(create, cores, file, chunkBytes))).toEqual(expected);
    const count = Math.min(cores, 4);
    expect([state.made, state.ended]).toEqual([count, count]);
    expect(state.ordered.flat().toSorted((a, b) => a - b)).toEqual([...expected.keys()]);
  });

  it('are given up where a worker fails or cannot read', async () => {
    expect(await all(hashInWorkers(fakeWorkers('fails').create, 2, file, chunkBytes))).toEqual(
      expected.map(() => undefined),
    );
    expect(await all(hashInWorkers(fakeWorkers('breaks the first').create, 2, file, chunkBytes))).toEqual(
      expected.map((hash, place) => (place % 2 === 0 ? undefined : hash)),
    );
    const replies: HashReply[] = [];
    const unreadable = Object.assign(new Blob(['12345']), {
      slice: () => ({ arrayBuffer: () => Promise.reject(new Error('gone')) }),
    });
    await answerHashOrder({ file: { name: 'w', blob: unreadable }, chunkBytes: 2, places: [1, 2] }, (reply) =>
      replies.push(reply),
    );
    expect(replies).toEqual([
      { place: 1, sha256: undefined },
      { place: 2, sha256: undefined },
    ]);
  });

  it('leave no worker behind when nobody wants the rest', async () => {
    const { create, state } = fakeWorkers();
    for await (const hash of hashInWorkers(create, 2, file, chunkBytes)) {
      expect(hash).toBe(expected[0]);
      break;
    }
    expect([state.made, state.ended]).toEqual([2, 2]);
  });
});

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}
