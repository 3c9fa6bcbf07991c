/** Real workers and real files of a browser's own storage. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NamedFile } from '@/formats/blob-source.ts';
import { hashInWorkers } from '@/formats/chunk-hashing.ts';
import { hashFile, hashFileInWorker } from '@/formats/file-hash.ts';
import { memorySource } from '@/formats/memory-source.ts';

const name = 'hash-worker.bin';
const chunkBytes = 100_000;
const bytes = Uint8Array.from({ length: 460_000 }, (_, i) => (i * i) % 251);
const createWorker = () => new Worker(new URL('./hash-worker.ts', import.meta.url), { type: 'module' });

let handle: FileSystemFileHandle;
beforeEach(async () => {
  handle = await (await navigator.storage.getDirectory()).getFileHandle(name, { create: true });
  await write(bytes);
});
afterEach(async () => (await navigator.storage.getDirectory()).removeEntry(name));

async function write(content: Uint8Array<ArrayBuffer>): Promise<void> {
  const stream = await handle.createWritable();
  await stream.write(content);
  await stream.close();
}

async function hashes(file: Omit<NamedFile, 'name'>): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  for await (const hash of hashInWorkers(createWorker, 3, { name, ...file }, chunkBytes)) found.push(hash);
  return found;
}
const expected = (content: Uint8Array<ArrayBuffer>) =>
  Promise.all(
    [0, 1, 2, 3, 4].map((i) => hashFile(memorySource('chunk', content.slice(i * chunkBytes, (i + 1) * chunkBytes)))),
  );

test('a file is hashed through its handle, and without one', async () => {
  const blob = await handle.getFile();
  const wanted = await expected(bytes);
  expect(await hashes({ blob, handle })).toEqual(wanted);
  expect(await hashes({ blob })).toEqual(wanted);
  // What the handle gives and the Blob does not: it is the handle that was read.
  const { lastModified } = blob;
  expect(await hashes({ blob: new File([bytes.map((byte) => byte ^ 1)], name, { lastModified }), handle })).toEqual(
    wanted,
  );
});

test('a file that was changed after it was opened is not hashed', async () => {
  const blob = await handle.getFile();
  // Times of change are as coarse as a millisecond.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await write(bytes.map((byte) => byte ^ 1));
  expect(await hashes({ blob, handle })).toEqual([0, 1, 2, 3, 4].map(() => undefined));
});

test('a handle whose file cannot be opened leaves the Blob', async () => {
  const other = await (await navigator.storage.getDirectory()).getFileHandle('gone.bin', { create: true });
  await (await navigator.storage.getDirectory()).removeEntry('gone.bin');
  expect(await hashes({ blob: new Blob([bytes]), handle: other })).toEqual(await expected(bytes));
});

test('a whole file is hashed through its handle, and as a Blob', async () => {
  const blob = await handle.getFile();
  const wanted = await hashFile(memorySource(name, bytes));
  for (const file of [
    { name, blob, handle },
    { name, blob },
  ])
    expect(await hashFileInWorker(createWorker, file)).toBe(wanted);
});
