import { unzipSync } from 'fflate';
import { expect, test } from 'vitest';
import { blobSource } from './blob-source.ts';
import type { ByteSource } from './byte-source.ts';
import { memorySource } from './memory-source.ts';
import { readZipEntries } from './zip-entries.ts';
import { provenZipFile, zipBlob, zipFrame } from './zip-writer.ts';

const text = (value: string) => new TextEncoder().encode(value);

test('another reader takes it apart to the byte, checksums included; ours finds every entry', async () => {
  const contents = { 'armoscope.json': text('{"a": 1}'), empty: text(''), 'Größe.bin': new Uint8Array(70_000).fill(7) };
  const files = await Promise.all(
    Object.entries(contents).map(([name, bytes]) => provenZipFile(memorySource(name, bytes), undefined)),
  );
  // CRC-32 of "123456789" is the check value of its definition.
  const check = await provenZipFile(memorySource('check', text('123456789')), undefined);
  expect(check.crc32).toBe(0xcbf4_3926);
  const archive = zipBlob([...files, check]);
  const bytes = new Uint8Array(await archive.arrayBuffer());
  expect(unzipSync(bytes)).toEqual({ ...contents, check: text('123456789') });
  const entries = await readZipEntries(blobSource('a.zip', archive));
  expect([...entries.keys()]).toEqual([...Object.keys(contents), 'check']);
});

test('a file is proven by its hash; a download becomes pieces of Blobs', async () => {
  const inMemory = memorySource('d', text('abc'));
  const download: ByteSource = { name: 'd', size: 3, read: (offset, length) => inMemory.read(offset, length) };
  const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  const { blob } = await provenZipFile(download, sha256);
  expect(await blob.text()).toBe('abc');
  await expect(provenZipFile(download, sha256.replace('b', 'c'))).rejects.toThrow(/^d: its SHA-256 is ba7816bf/);
});

test('beyond 4 GiB sizes and places are 64-bit, and the reader follows them', async () => {
  const large = 5 * 2 ** 30;
  const files = [
    { name: 'stage.data', bytes: large, crc32: 1 },
    { name: 'small', bytes: 3, crc32: 2 },
  ];
  const { headers, end } = zipFrame(files);
  const [first, second] = headers.map(({ length }) => length);
  const size = first! + large + second! + 3 + end.length;
  // The archive with its files' bytes imagined: only headers and the end are asked for.
  const parts: [number, Uint8Array][] = [
    [0, headers[0]!],
    [first! + large, headers[1]!],
    [first! + large + second! + 3, end],
  ];
  const entries = await readZipEntries({
    name: 'large.zip',
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      for (const [begin, part] of parts)
        for (let i = Math.max(offset, begin); i < Math.min(offset + length, begin + part.length); i++)
          bytes[i - offset] = part[i - begin]!;
      return bytes;
    },
  });
  expect([...entries.values()].map((entry) => [entry.name, entry.size])).toEqual([
    ['stage.data', large],
    ['small', 3],
  ]);
});
