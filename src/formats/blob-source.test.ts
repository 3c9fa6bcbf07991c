import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Room } from '@/base/room.ts';
import { blobFileSet, blobSource } from './blob-source.ts';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { memoryFileSet } from './memory-source.ts';

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);

describe('blobSource', () => {
  it('reads slices and refuses to read past the end', async () => {
    const source = blobSource('a.bin', new Blob([bytes]));
    expect(source.size).toBe(100);
    expect(await source.read(10, 5)).toEqual(bytes.slice(10, 15));
    expect((await source.read(100, 0)).length).toBe(0);
    for (const [offset, length] of [
      [96, 5],
      [-1, 2],
      [0, -1],
      [101, 0],
      [Number.NaN, 1],
    ] as const)
      await expect(source.read(offset, length)).rejects.toMatchObject({ name: 'FormatError', code: 'truncated' });
  });

  it('says which file can no longer be read', async () => {
    class Gone extends Blob {
      override slice(): Blob {
        return Object.assign(new Blob(), { arrayBuffer: () => Promise.reject(new Error('NotReadable')) });
      }
    }
    await expect(blobSource('a.bin', new Gone([bytes])).read(0, 1)).rejects.toThrow(
      'a.bin: cannot be read: NotReadable. Choose the file again.',
    );
  });

  it('aborts', async () => {
    await expect(blobSource('a', new Blob([bytes])).read(0, 1, AbortSignal.abort())).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

describe('a file open for reading at once', () => {
  const file = new File([bytes], 'a.bin', { lastModified: 1 });
  let slicesRead = 0;
  beforeEach(() => {
    slicesRead = 0;
    // Blobs of Node cannot be read at once; what is asked of this one lies in `bytes`.
    vi.stubGlobal(
      'FileReaderSync',
      class {
        readAsArrayBuffer(slice: Blob): ArrayBuffer {
          slicesRead += 1;
          return new ArrayBuffer(slice.size);
        }
      },
    );
  });
  afterEach(() => vi.unstubAllGlobals());

  /** A handle of a file as it lies on the disk now, of which at most 7 bytes are read at a time. */
  function handleOf(now: File, stored: Uint8Array = bytes) {
    const state = { open: 0, modes: [] as string[] };
    const handle = {
      getFile: async () => now,
      async createSyncAccessHandle({ mode }: { mode: string }) {
        state.open += 1;
        state.modes.push(mode);
        return {
          read(buffer: Uint8Array, { at }: { at: number }) {
            const part = stored.subarray(at, at + Math.min(7, buffer.length));
            buffer.set(part);
            return part.length;
          },
          close: () => void (state.open -= 1),
        };
      },
    };
    return { handle: handle as unknown as FileSystemFileHandle, state };
  }
  const opened = async (handle: FileSystemFileHandle | undefined) => {
    const { openSync } = blobSource('a.bin', file, { handle });
    if (openSync === undefined) throw new Error('a Blob is read at once where FileReaderSync is');
    return openSync();
  };

  it('is read through its access handle, which is shared and closed', async () => {
    const { handle, state } = handleOf(file);
    const open = await opened(handle);
    const room = new Room();
    expect([...open.read(3, 50, room)]).toEqual([...bytes.subarray(3, 53)]);
    expect([...open.read(90, 10, room)]).toEqual([...bytes.subarray(90)]);
    expect(() => open.read(95, 6, room)).toThrow(/asked for/);
    expect(state).toEqual({ open: 1, modes: ['read-only'] });
    open.close();
    expect([state.open, slicesRead]).toEqual([0, 0]);
  });

  it('says that bytes are missing', async () => {
    const { handle } = handleOf(file, bytes.subarray(0, 20));
    const open = await opened(handle);
    expect(() => open.read(15, 10, new Room())).toThrow('5 of 10 bytes could be read');
  });

  it.each([
    ['another holds it', { createSyncAccessHandle: () => Promise.reject(new Error('held')) }],
    ['there are no access handles', {}],
    ['it has changed', handleOf(new File([bytes], 'a.bin', { lastModified: 2 })).handle],
    ['it has another length', handleOf(new File([bytes.subarray(1)], 'a.bin', { lastModified: 1 })).handle],
    ['there is no handle', undefined],
  ])('is read as the Blob where %s', async (_, handle) => {
    const open = await opened(handle as FileSystemFileHandle | undefined);
    expect(open.read(10, 5, new Room())).toHaveLength(5);
    expect(() => open.read(96, 5, new Room())).toThrow(/asked for/);
    open.close();
    expect(slicesRead).toBe(1);
  });

  it('does not keep the handle of a file that has changed', async () => {
    const { handle, state } = handleOf(new File([bytes], 'a.bin', { lastModified: 2 }));
    await opened(handle);
    expect(state.open).toBe(0);
  });

  it('does not keep the handle of a file that is gone once it is open', async () => {
    const { handle, state } = handleOf(file);
    await opened(Object.assign(handle, { getFile: () => Promise.reject(new Error('gone')) }));
    expect(state).toEqual({ open: 0, modes: ['read-only'] });
  });
});

describe('a file read from front to back', () => {
  const file = new File([bytes], 'a.bin', { lastModified: 1 });
  const filled = async (source: ByteSource, offset: number, length: number) => {
    const target = new Uint8Array(length);
    const open = await source.openForward!();
    await open.fill(offset, target).finally(() => open.close());
    return [...target];
  };

  it('is read through its access handle, which is closed', async () => {
    let open = 0;
    const now = bytes.toReversed();
    const handle = {
      getFile: async () => file,
      async createSyncAccessHandle() {
        open += 1;
        return {
          read(buffer: Uint8Array, { at }: { at: number }) {
            buffer.set(now.subarray(at, at + buffer.length));
            return Math.min(buffer.length, 60 - at);
          },
          close: () => void (open -= 1),
        };
      },
    } as unknown as FileSystemFileHandle;
    const source = blobSource('a.bin', file, { handle });
    expect(await filled(source, 20, 30)).toEqual([...now.subarray(20, 50)]);
    await expect(filled(source, 50, 20)).rejects.toThrow('10 of 20 bytes could be read');
    await expect(filled(source, 90, 11)).rejects.toThrow(/asked for/);
    const opened = await source.openForward!();
    await expect(opened.fill(0, new Uint8Array(1), AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
    opened.close();
    expect(open).toBe(0);
  });

  it('is read as the Blob without one', async () => {
    const source = blobSource('a.bin', file);
    expect(await filled(source, 20, 30)).toEqual([...bytes.subarray(20, 50)]);
    await expect(filled(source, 90, 11)).rejects.toMatchObject({ name: 'FormatError', code: 'truncated' });
  });
});

describe('blobFileSet', () => {
  const blob = new Blob([bytes]);
  const names = async (paths: string[], asked: string[]) => {
    const files = blobFileSet(
      '',
      paths.map((path) => ({ path, blob })),
    );
    return Promise.all(asked.map(async (path) => (await files.open(path))?.name));
  };

  it('drops the folder that all files share', async () => {
    expect(await names(['m/a.json', 'm/sub/b'], ['a.json', 'sub/b', 'm/a.json'])).toEqual([
      'a.json',
      'sub/b',
      undefined,
    ]);
    expect(blobFileSet('', [{ path: 'm/a.json', blob }]).name).toBe('m');
    expect(await names(['./m/a.json'], ['a.json'])).toEqual(['a.json']);
    expect(await names(['m\\a.json'], ['a.json'])).toEqual(['a.json']);
  });

  it('keeps paths of a flat list, or of several folders', async () => {
    expect(await names(['a.json', 'b'], ['a.json', 'b'])).toEqual(['a.json', 'b']);
    expect(await names(['m/a', 'n/a'], ['a', 'm/a', 'n/a'])).toEqual([undefined, 'm/a', 'n/a']);
    expect(await names(['m/a', 'b'], ['m/a', 'b'])).toEqual(['m/a', 'b']);
    expect(await names([], ['a'])).toEqual([undefined]);
  });
});

describe('memoryFileSet', () => {
  it('opens texts and bytes', async () => {
    const files = memoryFileSet(
      'm',
      new Map<string, Uint8Array<ArrayBuffer> | string>([
        ['t', 'hé'],
        ['b', bytes],
      ]),
    );
    expect((await files.open('t'))?.size).toBe(3);
    expect(await (await files.open('b'))?.read(1, 2)).toEqual(bytes.slice(1, 3));
    expect(await files.open('c')).toBeUndefined();
    const blob = await (await files.open('b'))?.blob?.();
    expect(blob?.size).toBe(100);
    await expect((await files.open('b'))?.read(99, 2)).rejects.toBeInstanceOf(FormatError);
  });
});
