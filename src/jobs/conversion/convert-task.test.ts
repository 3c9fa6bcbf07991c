/** Conversions into kept packages, by the real ONNX Runtime, in memory: interrupted, resumed, out of room. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { defined } from '@/base/assert.ts';
import type { ConvertTools } from '@/convert/conversion.ts';
import { convertCheckpoint } from '@/convert/convert-checkpoint.ts';
import { createTestTools } from '@/convert/fixtures/test-tools.ts';
import { filesOf, makeTinyCheckpoint, TINY } from '@/convert/fixtures/tiny-checkpoint.ts';
import { memoryPackageSink } from '@/convert/package-sink.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import { packageState, presentBytes } from '@/formats/kept/kept-package.ts';
import { packageTasks } from '@/jobs/host/packages/package-tasks.ts';
import { testSurroundings, type TestSurroundings } from '@/jobs/host/packages/test-surroundings.ts';
import { convertTask } from './convert-task.ts';

const tiny = makeTinyCheckpoint({ ...TINY, layers: 9 }, 3);
const about = { name: 'Tiny', source: { name: 'tiny' } };

let tools: ConvertTools & { dispose(): Promise<void> };
beforeAll(async () => {
  tools = await createTestTools();
  const sink = memoryPackageSink('package');
  await convertCheckpoint(filesOf(tiny), sink, { dtype: 'q4', mixed: true, layersPerStage: 4, ...about }, tools);
  expected = sink.contents;
});
afterAll(() => tools.dispose());

/** What the converter gives: file contents by name. */
let expected: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
let around: TestSurroundings;
let readBytes: number;
beforeEach(() => {
  around = testSurroundings();
  readBytes = 0;
});

/** The checkpoint, with what is read of it counted. */
const counted: FileSet = {
  name: 'tiny',
  async open(path, signal) {
    const source = await filesOf(tiny).open(path, signal);
    if (source === undefined) return undefined;
    return {
      name: source.name,
      size: source.size,
      async read(offset, length, during) {
        readBytes += length;
        return source.read(offset, length, during);
      },
    };
  },
};

const convert = (signal = new AbortController().signal, dtype: 'q4' | 'f32' = 'q4') =>
  convertTask(
    around,
    { files: counted, ...about },
    dtype,
    async () => ({ ...tools, dispose: async () => undefined }),
    signal,
  );
const record = () => defined([...around.folders.records.values()][0], 'record');
const contents = () => defined(around.folders.contents.get(record().key), 'folder');

async function expectTheConvertersPackage(): Promise<void> {
  expect([...contents().keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [file, bytes] of expected) expect(contents().get(file), file).toEqual(bytes);
  expect(packageState(record())).toBe('whole');
}

/** Cancels when this tensor has been written. */
function cancelAt(tensor: string): AbortSignal {
  const stop = new AbortController();
  const push = around.news.push.bind(around.news);
  around.news.push = (...items) => {
    if (items.some((item) => item.kind === 'progress' && item.file.includes(tensor))) stop.abort();
    return push(...items);
  };
  return stop.signal;
}

test('gives the package that the converter gives, byte for byte, and one that verifies', async () => {
  const { key } = await convert();
  await expectTheConvertersPackage();
  expect(record().source).toEqual({ kind: 'conversion', name: 'Tiny' });
  const forever = new AbortController().signal;
  expect(await packageTasks(around).verify({ key }, forever)).toEqual({ brokenChunks: 0 });
  defined(contents().get('stage-01.data'), 'stage')[100]! ^= 1;
  expect(await packageTasks(around).verify({ key }, forever)).toEqual({ brokenChunks: 1 });
});

test('goes on after the last whole stage and ends with the same bytes', async () => {
  await convert();
  const whole = readBytes;
  around = testSurroundings();
  await expect(convert(cancelAt('layers.8.self_attn.q_proj'))).rejects.toMatchObject({ code: 'aborted' });
  expect(packageState(record())).toBe('partial');
  expect(record().files.map(({ file }) => file)).toContain('stage-01.data');
  const before = presentBytes(defined(record().files[0], 'file'), record().chunkBytes);
  expect(before).toBeGreaterThan(0);
  readBytes = 0;
  const first = around.news.length;
  await convert();
  await expectTheConvertersPackage();
  // Eight of nine layers, and the embedding, are not read again.
  expect(readBytes).toBeLessThan(whole / 2);
  const progress = around.news.slice(first).find((item) => item.kind === 'progress');
  expect(defined(progress, 'progress').doneBytes).toBeGreaterThan(defined(progress, 'progress').totalBytes * 0.8);
});

test('begins anew where what it had written is not there any more', async () => {
  await expect(convert(cancelAt('layers.8.self_attn.q_proj'))).rejects.toMatchObject({ code: 'aborted' });
  contents().delete('stage-00.data');
  await convert();
  await expectTheConvertersPackage();
});

test('is not done again, and another precision is another package', async () => {
  const { key } = await convert();
  readBytes = 0;
  expect(await convert()).toEqual({ key });
  expect(readBytes).toBe(0);
  expect((await convert(undefined, 'f32')).key).not.toBe(key);
});

test('says that the disk is full, and goes on when there is room', async () => {
  around.folders.room = 60_000;
  await expect(convert()).rejects.toMatchObject({
    code: 'storage',
    message: expect.stringMatching(/no room left for Tiny.*go on: what is here stays/),
  });
  around.folders.room = Number.POSITIVE_INFINITY;
  await convert();
  await expectTheConvertersPackage();
});

test('is for one tab at a time', async () => {
  const { key } = await convert();
  around.folders.records.clear();
  around.held.add(`armoscope-package-write:${key}`);
  await expect(convert()).rejects.toMatchObject({ code: 'busy' });
});
