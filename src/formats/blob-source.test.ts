import { describe, expect, it } from 'vitest';
import { blobFileSet, blobSource } from './blob-source.ts';
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
