import { describe, expect, it } from 'vitest';
import { blobSource } from './blob-source.ts';
import { sha256Of } from './chunk-hashing.ts';
import {
  answerFileHash,
  CHECK_CHUNK_BYTES,
  hashFile,
  hashFileInWorker,
  type FileHashReply,
  type FileHashWorker,
} from './file-hash.ts';
import type { ByteSource } from './byte-source.ts';
import { memorySource } from './memory-source.ts';
import { checkFile } from './model-package.ts';

const bytes = Uint8Array.from({ length: CHECK_CHUNK_BYTES + 1000 }, (_, i) => (i * i) % 253);
const file = { name: 'w', blob: new Blob([bytes]) };
const expected = await sha256Of(bytes);

/** A worker in this thread, which answers, says that it failed, or is silent. */
function fakeWorker(behaviour: 'answers' | 'error' | 'messageerror' | 'silent') {
  const state = { made: 0, ended: 0 };
  const create = (): FileHashWorker => {
    state.made += 1;
    const listeners = new Map<string, (event: { data: FileHashReply }) => void>();
    return {
      addEventListener: (type: string, listener: (event: { data: FileHashReply }) => void) =>
        void listeners.set(type, listener),
      postMessage(order) {
        if (behaviour === 'answers') void answerFileHash(order, (data) => listeners.get('message')?.({ data }));
        else if (behaviour !== 'silent') queueMicrotask(() => listeners.get(behaviour)?.({ data: { hashedBytes: 0 } }));
      },
      terminate: () => void (state.ended += 1),
    };
  };
  return { create, state };
}

describe('hashFile', () => {
  it('gives what the platform gives, of memory and of Blobs, with progress', async () => {
    for (const source of [memorySource('w', bytes), blobSource('w', file.blob)]) {
      const seen: number[][] = [];
      expect(await hashFile(source, { onProgress: (...call) => seen.push(call) })).toBe(expected);
      expect(seen).toEqual([
        [CHECK_CHUNK_BYTES, bytes.length],
        [bytes.length, bytes.length],
      ]);
    }
  });

  it('stops when it is asked to, and closes the file', async () => {
    let closed = 0;
    const source = {
      ...memorySource('w', bytes),
      openForward: async () => ({
        fill: async (_: number, __: Uint8Array, signal?: AbortSignal) => signal?.throwIfAborted(),
        close: () => void (closed += 1),
      }),
    };
    await expect(hashFile(source, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(closed).toBe(1);
  });
});

describe('hashFileInWorker', () => {
  it('gives the hash with progress, and leaves no worker behind', async () => {
    const { create, state } = fakeWorker('answers');
    const seen: number[] = [];
    expect(await hashFileInWorker(create, file, { onProgress: (done) => seen.push(done) })).toBe(expected);
    expect([seen, state]).toEqual([[CHECK_CHUNK_BYTES, bytes.length], { made: 1, ended: 1 }]);
  });

  it.each(['error', 'messageerror'] as const)('gives nothing after %s', async (behaviour) => {
    const { create, state } = fakeWorker(behaviour);
    expect(await hashFileInWorker(create, file)).toBeUndefined();
    expect(state.ended).toBe(1);
  });

  it('gives nothing for a file that cannot be read', async () => {
    const replies: FileHashReply[] = [];
    const unreadable = Object.assign(new Blob(['12345']), {
      slice: () => ({
        stream: () => new Blob().stream(),
        arrayBuffer: () => Promise.reject(new Error('gone')),
      }),
    });
    await answerFileHash({ whole: { name: 'w', blob: unreadable } }, (reply) => replies.push(reply));
    expect(replies).toEqual([{ sha256: undefined }]);
  });

  it('stops when it is asked to', async () => {
    const { create, state } = fakeWorker('silent');
    const reason = new Error('enough');
    await expect(hashFileInWorker(create, file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(state.made).toBe(0);
    const stopping = new AbortController();
    const hashing = hashFileInWorker(create, file, { signal: stopping.signal });
    stopping.abort(reason);
    await expect(hashing).rejects.toBe(reason);
    expect(state).toEqual({ made: 1, ended: 1 });
  });
});

describe('files of packages', () => {
  it('are hashed in another thread where the place does that, if they are large enough for it', async () => {
    const source = blobSource('large', new Blob([new Uint8Array(4 * CHECK_CHUNK_BYTES)]));
    const sha256 = await hashFile(source);
    const asked: unknown[] = [];
    const elsewhere = (found: string | undefined, from = source): ByteSource => ({
      ...from,
      async hashWhole(options) {
        asked.push(options);
        return found;
      },
    });
    const entry = { file: 'large', bytes: source.size, sha256 };
    const options = { signal: new AbortController().signal };
    await checkFile(elsewhere(sha256), entry, options);
    // Nobody could: it is hashed here.
    await checkFile(elsewhere(undefined), entry, options);
    expect(asked).toEqual([options, options]);
    const other = '0'.repeat(64);
    await expect(checkFile(elsewhere(other), entry)).rejects.toMatchObject({ code: 'hash-mismatch', where: 'large' });
    asked.length = 0;
    const small = blobSource('small', new Blob([new Uint8Array(100)]));
    await checkFile(elsewhere(other, small), { file: 'small', bytes: 100, sha256: await hashFile(small) });
    expect(asked).toEqual([]);
  });
});
