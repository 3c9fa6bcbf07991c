/** Keeping packages: every fault a server and a disk have, against a store in memory. */
import { beforeEach, describe, expect, test } from 'vitest';
import { defined } from '@/base/assert.ts';
import { urlFileSet } from '@/formats/http-source.ts';
import { packageState, presentBytes, totalBytes } from '@/formats/kept/kept-package.ts';
import { keptFileSet } from '@/formats/kept/package-folders.ts';
import { checkFile, openEntry, openPackage } from '@/formats/model-package.ts';
import { manifestFiles } from '@/formats/manifest-checks.ts';
import { testPackage, type TestPackage } from '@/formats/test-package.ts';
import { openLock, writeLock } from '@/jobs/api/packages.ts';
import { packageTasks } from './package-tasks.ts';
import { testSurroundings, type TestSurroundings } from './test-surroundings.ts';

const chunkBytes = 64;
const url = 'https://host.test/models/tiny/';
const source = { kind: 'url', url } as const;
const target = 'embedding.safetensors';

let tiny: TestPackage;
let around: TestSurroundings;
let served: Map<string, Uint8Array<ArrayBuffer>>;
let requests: { readonly file: string; readonly begin: number; readonly end: number }[];
let etag: string;
/** A server's answer in place of the honest one. */
let fault: (file: string, begin: number, end: number) => Response | undefined;

const serve: typeof fetch = async (address, init) => {
  init?.signal?.throwIfAborted();
  const file = new URL(address instanceof Request ? address.url : address).pathname.split('/').at(-1) ?? '';
  const bytes = served.get(file);
  if (bytes === undefined) return new Response('', { status: 404 });
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get('range') ?? '') ?? [];
  const [begin, end] = [Number(first), Math.min(Number(last) + 1, bytes.length)];
  if (end - begin > 1) requests.push({ file, begin, end });
  return (
    fault(file, begin, end) ??
    new Response(bytes.slice(begin, end), {
      status: 206,
      headers: { 'Content-Range': `bytes ${begin}-${end - 1}/${bytes.length}`, ETag: etag },
    })
  );
};

const tasks = () => packageTasks(around);
const forever = () => new AbortController().signal;
const record = () => defined(around.folders.records.get(tiny.manifest.id), 'record');
const file = (name: string) =>
  defined(
    record().files.find((entry) => entry.file === name),
    name,
  );
const asked = (name: string) => requests.filter((request) => request.file === name).map(({ begin }) => begin);

/** Cancels while this chunk is on its way. */
function stopAt(chunk: number): AbortSignal {
  const stop = new AbortController();
  fault = (name, begin) => {
    if (name === target && begin === chunk * chunkBytes) stop.abort();
    stop.signal.throwIfAborted();
    return undefined;
  };
  return stop.signal;
}

/** Every file of the kept package is byte for byte the served one, read as the engine reads it. */
async function expectWhole(): Promise<void> {
  const files = keptFileSet(around.folders, tiny.manifest.id, 'kept');
  const { manifest } = await openPackage(files);
  for (const { entry } of manifestFiles(manifest)) await checkFile(await openEntry(files, entry), entry);
  expect(packageState(record())).toBe('whole');
}

beforeEach(async () => {
  tiny = await testPackage();
  around = testSurroundings(
    (address, onBytes) => urlFileSet(address, { fetch: serve, onBytes, backoffMs: 1, retries: 1 }),
    chunkBytes,
  );
  served = new Map([
    ...tiny.files,
    ['armoscope.json', new TextEncoder().encode(JSON.stringify(tiny.manifest))],
    ['LICENSE', new TextEncoder().encode('Do as you please.')],
  ]);
  requests = [];
  etag = '"v1"';
  fault = () => undefined;
});

describe('saving', () => {
  test('brings every file, chunk by chunk, and the texts beside them', async () => {
    await tasks().save({ source }, forever());
    await expectWhole();
    const size = defined(tiny.files.get(target), target).length;
    expect(asked(target)).toEqual(Array.from({ length: Math.ceil(size / chunkBytes) }, (_, i) => i * chunkBytes));
    expect(await (await around.folders.blob(tiny.manifest.id, 'LICENSE'))?.text()).toBe('Do as you please.');
    const progress = around.news.filter((item) => item.kind === 'progress');
    expect(progress.at(-1)).toMatchObject({ doneBytes: totalBytes(record()), totalBytes: totalBytes(record()) });
    expect(progress.every(({ doneBytes }, i) => i === 0 || doneBytes >= (progress[i - 1]?.doneBytes ?? 0))).toBe(true);
    expect(around.news.at(-1)?.kind).toBe('ended');
  });

  test('fetches nothing of a package that is here', async () => {
    await tasks().save({ source }, forever());
    requests = [];
    await tasks().save({ source }, forever());
    expect(requests.filter(({ file: name }) => name !== 'armoscope.json')).toEqual([]);
  });

  test('goes on where it was stopped and fetches no chunk twice', async () => {
    const signal = stopAt(3);
    await expect(tasks().save({ source }, signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(packageState(record())).toBe('partial');
    expect(record().whole).toBe(false);
    expect(presentBytes(file(target), chunkBytes)).toBe(3 * chunkBytes);
    expect(around.held.size).toBe(0);
    fault = () => undefined;
    await tasks().save({ source }, forever());
    await expectWhole();
    // The one in flight is fetched again, nothing else.
    const chunks = asked(target);
    expect(chunks.filter((begin, i) => chunks.indexOf(begin) !== i)).toEqual([3 * chunkBytes]);
  });

  test('trusts no chunk that was torn while it was written', async () => {
    const signal = stopAt(3);
    await expect(tasks().save({ source }, signal)).rejects.toMatchObject({ code: 'aborted' });
    defined(around.folders.contents.get(tiny.manifest.id)?.get(target), target)[chunkBytes + 5]! ^= 1;
    fault = () => undefined;
    requests = [];
    await tasks().save({ source }, forever());
    await expectWhole();
    expect(asked(target)).toContain(chunkBytes);
    expect(asked(target)).not.toContain(0);
  });

  test.each(['416', 'another ETag'])('begins a file anew that changes in its middle: %s', async (how) => {
    fault = (name, begin) => {
      if (name !== target || begin !== 2 * chunkBytes || etag !== '"v1"') return undefined;
      etag = '"v2"';
      return how === '416' ? new Response('', { status: 416 }) : undefined;
    };
    await tasks().save({ source }, forever());
    await expectWhole();
    expect(asked(target).slice(0, 5)).toEqual([0, 64, 128, 0, 64]);
  });

  test('begins a file anew that has another ETag when it is resumed', async () => {
    const signal = stopAt(2);
    await expect(tasks().save({ source }, signal)).rejects.toMatchObject({ code: 'aborted' });
    fault = () => undefined;
    etag = '"v2"';
    requests = [];
    await tasks().save({ source }, forever());
    await expectWhole();
    expect(asked(target)[0]).toBe(0);
  });

  test('gives up on a file that changes every time, and says which', async () => {
    let version = 1;
    fault = (name, begin) => {
      if (name === target && begin === chunkBytes) etag = `"v${++version}"`;
      return undefined;
    };
    await expect(tasks().save({ source }, forever())).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(target),
    });
    expect(record().whole).toBe(false);
  });

  test('takes up a connection that drops, and a server without ranges', async () => {
    let drops = 2;
    fault = (name, begin, end) => {
      const bytes = defined(served.get(name), name);
      if (name === 'stage-00.data') return new Response(bytes.slice());
      if (name !== target || begin !== chunkBytes || drops-- <= 0) return undefined;
      return new Response(bytes.slice(begin, begin + 10), {
        status: 206,
        headers: { 'Content-Range': `bytes ${begin}-${end - 1}/${bytes.length}`, ETag: etag },
      });
    };
    await tasks().save({ source }, forever());
    await expectWhole();
  });

  test('refuses bytes that are not the manifest’s, and keeps none of them', async () => {
    defined(served.get(target), target)[100]! ^= 1;
    await expect(tasks().save({ source }, forever())).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('SHA-256'),
    });
    expect(file(target).chunks.every((hash) => hash === '')).toBe(true);
    expect(record().whole).toBe(false);
  });

  test('says what a full disk lacks, keeps what is here, and goes on when there is room', async () => {
    around.folders.room = 200;
    await expect(tasks().save({ source }, forever())).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringMatching(
        /no room left for Tiny: \d kB are still needed, and the browser takes no more, although.*12\.0 MB as free/,
      ),
    });
    const little = packageTasks({ ...around, freeBytes: async () => 100 });
    await expect(little.save({ source }, forever())).rejects.toMatchObject({
      message: expect.stringMatching(/ are still needed, and the browser has 1 kB free for this page\. /),
    });
    const here = record().files.reduce((sum, entry) => sum + presentBytes(entry, chunkBytes), 0);
    expect(here).toBeGreaterThan(0);
    around.folders.room = Number.POSITIVE_INFINITY;
    await tasks().save({ source }, forever());
    await expectWhole();
  });

  test('is for one tab at a time', async () => {
    around.held.add(writeLock(tiny.manifest.id));
    await expect(tasks().save({ source }, forever())).rejects.toMatchObject({ code: 'busy' });
    expect(around.folders.records.size).toBe(0);
  });

  test('takes a folder in the same way', async () => {
    const files = [...served].map(([path, bytes]) => ({ path, blob: new Blob([bytes]) }));
    await tasks().save({ source: { kind: 'files', name: 'mine', files } }, forever());
    await expectWhole();
    expect(record().source).toEqual({ kind: 'folder', name: 'mine' });
  });
});

describe('what is here', () => {
  beforeEach(async () => {
    await tasks().save({ source }, forever());
    requests = [];
  });
  const spoil = (chunk: number) => {
    defined(around.folders.contents.get(tiny.manifest.id)?.get(target), target)[chunk * chunkBytes + 7]! ^= 1;
  };

  test('is verified to the byte, and only the broken chunk is fetched again', async () => {
    around.clock = 2000;
    expect(await tasks().verify({ key: tiny.manifest.id }, forever())).toEqual({ brokenChunks: 0 });
    expect(record().verifiedAt).toBe(2000);
    spoil(2);
    expect(await tasks().verify({ key: tiny.manifest.id }, forever())).toEqual({ brokenChunks: 1 });
    expect(file(target)).toMatchObject({ broken: [2], whole: false });
    expect(packageState(record())).toBe('broken');
    await tasks().save({ source }, forever());
    await expectWhole();
    expect(requests.filter(({ file: name }) => name !== 'armoscope.json' && name !== 'LICENSE')).toEqual([
      { file: target, begin: 2 * chunkBytes, end: 3 * chunkBytes },
    ]);
  });

  test('is broken where a file was cut off or is gone', async () => {
    const files = defined(around.folders.contents.get(tiny.manifest.id), 'folder');
    files.set(target, defined(files.get(target), target).slice(0, chunkBytes + 1));
    files.delete('stage-01.data');
    await tasks().verify({ key: tiny.manifest.id }, forever());
    expect(file(target).broken).toEqual([...file(target).chunks.keys()].slice(1));
    expect(file('stage-01.data').broken).toEqual([0]);
    await tasks().save({ source }, forever());
    await expectWhole();
  });

  test('stays as it was when verifying is cancelled', async () => {
    spoil(2);
    const before = record();
    const stop = new AbortController();
    stop.abort();
    await expect(tasks().verify({ key: tiny.manifest.id }, stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect(record()).toEqual(before);
  });

  test('is deleted some time after it was marked, unless that is undone or it is open', async () => {
    const key = tiny.manifest.id;
    await tasks().remove({ key }, forever());
    expect(record().deletedAt).toBe(1000);
    await tasks().restore({ key }, forever());
    expect(record().deletedAt).toBeUndefined();
    around.clock = 100_000;
    expect(await tasks().purge({ olderThanMs: 10 }, forever())).toEqual({ removed: [] });
    await tasks().remove({ key }, forever());
    expect(await tasks().purge({ olderThanMs: 10 }, forever())).toEqual({ removed: [] });
    around.clock += 10;
    around.held.add(openLock(key));
    expect(await tasks().purge({ olderThanMs: 10 }, forever())).toEqual({ removed: [] });
    around.held.clear();
    expect(await tasks().purge({ olderThanMs: 10 }, forever())).toEqual({ removed: [key] });
    expect(around.folders.contents.size).toBe(0);
  });

  test('is here again at once when it is saved after it was marked', async () => {
    await tasks().remove({ key: tiny.manifest.id }, forever());
    await tasks().save({ source }, forever());
    await expectWhole();
    expect(record().deletedAt).toBeUndefined();
    expect(asked(target)).toEqual([]);
  });
});
