/** Conversions that go wrong on the way: a slow and flaky hub, a full disk, Ctrl-C. The same command finishes every one. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { cp, mkdir, open, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSafetensorsHeader } from '@/formats/safetensors.ts';
import { openPackage } from '@/formats/model-package.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { runConvert, type ConvertSeams } from './convert.ts';
import { diskChunks } from './disk-chunks.ts';
import { diskFileSet } from './disk-files.ts';
import { type Fault, FlakyHub } from './fixtures/flaky-hub.ts';
import { expandGolden } from './fixtures/golden-checkpoints.ts';
import type { OpenFile } from './node-files.ts';

const WEIGHTS = 'model.safetensors';
const CHUNK_BYTES = 2 * 1024 * 1024;
const OPTIONS = ['--dtype', 'q4', '--layers-per-stage', '1', '--name', 'same'];
/** Impatient, but not so that a busy machine looks like a stalled line. */
const HUB = { chunkBytes: CHUNK_BYTES, http: { backoffMs: 1, stallMs: 1500, retries: 8 } };

const folder = mkdtempSync(join(tmpdir(), 'armoscope-faults-'));
const checkpoint = join(folder, 'checkpoint');
const local = join(folder, 'local');

beforeAll(async () => {
  await expandGolden('armorm-tiny-smollm', checkpoint);
  const { exitCode, errors } = await command([checkpoint, '--out', local, ...OPTIONS]);
  if (exitCode !== 0) throw new Error(errors);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

async function command(
  args: readonly string[],
  seams: ConvertSeams = {},
  signal = new AbortController().signal,
  environment = {},
) {
  const errors: string[] = [];
  const streams = { print: () => undefined, printError: (line: string) => errors.push(line), progress: { write() {} } };
  return { exitCode: await runConvert(args, streams, signal, environment, seams), errors: errors.join('\n') };
}

/** Hash of every file; of the manifest without its source, which is another one. */
function contentOf(out: string): Record<string, string> {
  const hash = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const files = readdirSync(out).map((file): [string, string] => {
    const bytes = readFileSync(join(out, file));
    if (file !== 'armoscope.json') return [file, hash(bytes)];
    return [file, hash(JSON.stringify(Object.assign({}, JSON.parse(bytes.toString()), { source: undefined })))];
  });
  return Object.fromEntries(files);
}

/** Every file is the same to the last byte. */
function expectSamePackage(out: string, other = local): void {
  expect(contentOf(out)).toEqual(contentOf(other));
}

async function incompleteness(out: string): Promise<Error> {
  return openPackage(diskFileSet(out)).then(
    () => new Error('it opened'),
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
}

async function withHub<T>(use: (hub: FlakyHub, convert: ReturnType<typeof hubCommand>) => Promise<T>): Promise<T> {
  const hub = new FlakyHub(checkpoint);
  try {
    return await use(hub, hubCommand(await hub.listen()));
  } finally {
    hub.close();
  }
}

function hubCommand(address: string) {
  return (out: string, signal?: AbortSignal) =>
    command(['owner/tiny@v1', '--out', out, '--hub', address, ...OPTIONS], { hub: HUB }, signal);
}

describe('a hub', () => {
  test('that is slow and fails in every way gives the folder’s package, in one go', async () => {
    const faults: readonly Fault[] = ['drop', 'truncate', 'no-range', 'busy', 'stall', 'slow', 'wrong-range'];
    await withHub(async (hub, convert) => {
      hub.plan = (number) => (number % 2 === 0 ? faults[(number / 2) % faults.length] : undefined);
      const out = join(folder, 'flaky');
      expect(await convert(out)).toMatchObject({ exitCode: 0, errors: '' });
      expect([...hub.faults].sort()).toEqual([...faults].sort());
      expectSamePackage(out);
    });
  }, 120_000);

  test('that goes away is asked again for one chunk at most of what it had sent', async () => {
    await withHub(async (hub, convert) => {
      const [whole, broken] = [join(folder, 'whole'), join(folder, 'gone')];
      expect((await convert(whole)).exitCode).toBe(0);
      const needed = hub.sentBytes;
      hub.plan = () => 'refuse';
      hub.asked.length = 0;
      hub.sent.clear();
      // Five answers, then half of one, then nothing.
      hub.plan = (number) => (number < 5 ? undefined : number === 5 ? 'drop' : 'refuse');
      const first = await convert(broken);
      expect(first.exitCode).toBe(1);
      expect(first.errors).toMatch(/answered 403/);
      expect(hub.sentBytes).toBeGreaterThan(CHUNK_BYTES);
      expect(hub.sentBytes).toBeLessThan(needed);
      hub.plan = () => undefined;
      expect((await convert(broken)).exitCode).toBe(0);
      expectSamePackage(broken);
      // One-byte questions for lengths and versions come on top.
      expect(hub.sentBytes - needed).toBeLessThanOrEqual(CHUNK_BYTES + 100);
    });
  }, 120_000);

  test('whose download is interrupted goes on where it was', async () => {
    await withHub(async (hub, convert) => {
      const out = join(folder, 'stopped');
      const controller = new AbortController();
      hub.plan = (number) => {
        if (number === 6) controller.abort();
        return undefined;
      };
      expect((await convert(out, controller.signal)).exitCode).toBe(130);
      const before = hub.sentBytes;
      hub.plan = () => undefined;
      expect((await convert(out)).exitCode).toBe(0);
      expectSamePackage(out);
      const bytes = readdirSync(checkpoint).reduce((sum, file) => sum + readFileSync(join(checkpoint, file)).length, 0);
      expect(before).toBeGreaterThan(0);
      expect(hub.sentBytes).toBeLessThanOrEqual(bytes + CHUNK_BYTES + 100);
    });
  }, 120_000);

  test('that changes a file meanwhile: said, never mixed, and the next run has the new version', async () => {
    const changed = join(folder, 'changed');
    await cp(checkpoint, changed, { recursive: true });
    const weights = new Uint8Array(readFileSync(join(changed, WEIGHTS)));
    const { tensors } = await readSafetensorsHeader(memorySource(WEIGHTS, weights));
    const { begin, end } = tensors.get('model.layers.0.mlp.up_proj.weight')!;
    weights.copyWithin(begin, begin + (end - begin) / 2, end);
    writeFileSync(join(changed, WEIGHTS), weights);
    const expected = join(folder, 'changed-local');
    expect((await command([changed, '--out', expected, ...OPTIONS])).exitCode).toBe(0);
    await withHub(async (hub, convert) => {
      const out = join(folder, 'versions');
      hub.plan = () => {
        const file = hub.asked.at(-1)?.file;
        if (file === WEIGHTS && hub.asked.filter((asked) => asked.file === WEIGHTS).length === 3)
          hub.replace(WEIGHTS, weights);
        return undefined;
      };
      const first = await convert(out);
      expect(first.exitCode).toBe(1);
      expect(first.errors).toMatch(/model\.safetensors: the file at .* changed or went away.*Start again/);
      expect(readdirSync(out)).not.toContain('armoscope.json');
      expect((await convert(out)).exitCode).toBe(0);
      expectSamePackage(out, expected);
    });
  }, 120_000);
});

/** Files that take `room` bytes together, then fail as a full disk does. */
function limitedDisk(room: number): OpenFile {
  let left = room;
  return async (path) => {
    const handle = await open(path, 'w');
    const write = async (bytes: Uint8Array, offset: number, length: number) => {
      // A full disk takes what still fits, then nothing.
      const fits = Math.min(length, left);
      if (fits <= 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      left -= fits;
      return handle.write(bytes, offset, fits);
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return { write, close: () => handle.close() } as unknown as Awaited<ReturnType<OpenFile>>;
  };
}

describe('a package that was not finished', () => {
  test.each([0, 500_000, 2_000_000, 3_000_000])(
    'because the disk was full after %i bytes says so, and the same command finishes it',
    async (room) => {
      const out = join(folder, `full-${room}`);
      const { exitCode, errors } = await command([checkpoint, '--out', out, ...OPTIONS], {
        openFile: limitedDisk(room),
      });
      expect(exitCode).toBe(1);
      expect(errors).toMatch(/the disk is full \(ENOSPC\)\. Free some space and run the same command again/);
      expect(errors).toContain(`${out}: an incomplete package`);
      expect(readdirSync(out)).toContain('armoscope.incomplete.json');
      expect(readdirSync(out).filter((file) => file.endsWith('.part'))).toEqual([]);
      expect((await incompleteness(out)).message).toMatch(/incomplete conversion.*Run the same conversion again/);
      expect((await command([checkpoint, '--out', out, ...OPTIONS])).exitCode).toBe(0);
      expectSamePackage(out);
    },
    120_000,
  );

  test('because somebody pressed Ctrl-C says so, keeps what was there, and the same command finishes it', async () => {
    const out = join(folder, 'interrupted');
    const controller = new AbortController();
    const stopAt: OpenFile = async (path) => {
      if (path.includes('stage-01.data')) controller.abort();
      return open(path, 'w');
    };
    const { exitCode, errors } = await command(
      [checkpoint, '--out', out, ...OPTIONS],
      { openFile: stopAt },
      controller.signal,
    );
    expect(exitCode).toBe(130);
    expect(errors).toMatch(/an incomplete package.*\nInterrupted/);
    expect(readdirSync(out).sort()).toEqual([
      expect.stringMatching(/^\.conversion-[0-9a-f]{16}$/),
      'armoscope.incomplete.json',
      'embedding.safetensors',
      'stage-00.data',
      'stage-00.onnx',
    ]);
    expect((await incompleteness(out)).message).toMatch(/incomplete conversion/);
    expect((await command([checkpoint, '--out', out, ...OPTIONS])).exitCode).toBe(0);
    expectSamePackage(out);
  }, 120_000);

  /** Converts until `stage-02.data` is begun. */
  async function interrupt(out: string, source = checkpoint): Promise<void> {
    const controller = new AbortController();
    const stopAt: OpenFile = async (path) => {
      if (path.includes('stage-02.data')) controller.abort();
      return open(path, 'w');
    };
    const { exitCode } = await command([source, '--out', out, ...OPTIONS], { openFile: stopAt }, controller.signal);
    expect(exitCode).toBe(130);
  }

  /** Runs the command; names of the files it began. */
  async function finish(out: string, options: readonly string[] = OPTIONS, source = checkpoint) {
    const begun: string[] = [];
    const openFile: OpenFile = async (path) => {
      begun.push(basename(path, '.part'));
      return open(path, 'w');
    };
    const { exitCode, errors } = await command([source, '--out', out, ...options], { openFile });
    return { exitCode, errors, begun };
  }

  const EARLY = ['embedding.safetensors', 'stage-00.data', 'stage-01.data'];

  test('goes on after its last whole stage, and nothing of the state is left', async () => {
    const out = join(folder, 'resumed');
    await interrupt(out);
    const { exitCode, begun } = await finish(out);
    expect(exitCode).toBe(0);
    expect(begun).toContain('stage-02.data');
    for (const file of EARLY) expect(begun).not.toContain(file);
    expectSamePackage(out);
    // A second time there is nothing to go on with.
    expect((await finish(out)).begun).toEqual(expect.arrayContaining(EARLY));
    expectSamePackage(out);
  }, 120_000);

  test('begins anew where a byte of what was written has changed, the checkpoint has, or the options have', async () => {
    const out = join(folder, 'changed-stage');
    await interrupt(out);
    const bytes = readFileSync(join(out, 'stage-00.data'));
    bytes[1000]! ^= 1;
    writeFileSync(join(out, 'stage-00.data'), bytes);
    expect((await finish(out)).begun).toEqual(expect.arrayContaining(EARLY));
    expectSamePackage(out);

    const [touched, other] = [join(folder, 'touched'), join(folder, 'touched-out')];
    await cp(checkpoint, touched, { recursive: true });
    await interrupt(other, touched);
    utimesSync(join(touched, WEIGHTS), new Date(1e12), new Date(1e12));
    expect((await finish(other, OPTIONS, touched)).begun).toEqual(expect.arrayContaining(EARLY));
    expectSamePackage(other);

    const eight = join(folder, 'other-options');
    await interrupt(eight);
    const options = ['--dtype', 'q8', '--layers-per-stage', '1', '--name', 'same'];
    expect((await finish(eight, options)).begun).toEqual(expect.arrayContaining(EARLY));
    const expected = join(folder, 'other-options-whole');
    expect((await finish(expected, options)).exitCode).toBe(0);
    expectSamePackage(eight, expected);
  }, 300_000);

  test('is taken away whole where what is left of the checkpoint is refused', async () => {
    const [bad, out] = [join(folder, 'late-nan'), join(folder, 'late-nan-out')];
    await cp(checkpoint, bad, { recursive: true });
    const weights = new Uint8Array(readFileSync(join(bad, WEIGHTS)));
    const { tensors } = await readSafetensorsHeader(memorySource(WEIGHTS, weights));
    const { begin, end } = tensors.get('model.layers.2.mlp.up_proj.weight')!;
    weights.fill(0xff, begin, end);
    writeFileSync(join(bad, WEIGHTS), weights);
    await interrupt(out, bad);
    expect(readdirSync(out)).toContain('stage-01.data');
    const { exitCode, errors } = await finish(out, OPTIONS, bad);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/model\.layers\.2\.mlp\.up_proj\.weight.*NaN/);
    expect(() => readdirSync(out)).toThrow('ENOENT');
  }, 120_000);

  test('a checkpoint that is refused leaves nothing behind', async () => {
    const out = join(folder, 'refused');
    const bad = join(folder, 'nan');
    await cp(checkpoint, bad, { recursive: true });
    const weights = new Uint8Array(readFileSync(join(bad, WEIGHTS)));
    const { tensors } = await readSafetensorsHeader(memorySource(WEIGHTS, weights));
    weights.fill(0xff, tensors.get('model.norm.weight')!.begin, tensors.get('model.norm.weight')!.end);
    writeFileSync(join(bad, WEIGHTS), weights);
    const { exitCode, errors } = await command([bad, '--out', out, ...OPTIONS]);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/model\.norm\.weight.*NaN/);
    expect(() => readdirSync(out)).toThrow('ENOENT');
  }, 120_000);
});

test('a download that finds no room says so by name and keeps no half of a chunk', async () => {
  const chunks = join(folder, 'full-chunks');
  await mkdir(join(chunks, 'key'), { recursive: true });
  await symlink('/dev/full', join(chunks, 'key', '0.chunk.part'));
  const store = diskChunks(chunks);
  await expect(store.write('key', 0, new Uint8Array(10))).rejects.toThrow(/0\.chunk: the disk is full \(ENOSPC\)/);
  expect(await store.read('key', 0, 10, 0, 10)).toBeUndefined();
});
