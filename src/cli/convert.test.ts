/** The convert command on a tiny checkpoint: from a folder, and over ranges from a server with the hub's layout. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hubFileSet, parseHubId } from '@/formats/hub-source.ts';
import { openPackage } from '@/formats/model-package.ts';
import { diskFileSet } from './disk-files.ts';
import { runConvert } from './convert.ts';
import { diskChunks } from './disk-chunks.ts';
import { FlakyHub } from './fixtures/flaky-hub.ts';
import { expandGolden } from './fixtures/golden-checkpoints.ts';
import { writeTestAdapter } from './fixtures/golden-gguf.ts';
import { folderPackageSink } from './node-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'armoscope-convert-'));
const checkpoint = join(folder, 'checkpoint');
beforeAll(async () => {
  await mkdir(checkpoint);
  await expandGolden('armorm-tiny-smollm', checkpoint);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function command(args: readonly string[], signal = new AbortController().signal, environment = {}) {
  const lines: string[] = [];
  const errors: string[] = [];
  const exitCode = await runConvert(
    args,
    {
      print: (line) => lines.push(line),
      printError: (line) => errors.push(line),
      progress: { write: (text: string) => lines.push(text) },
    },
    signal,
    environment,
  );
  return { exitCode, lines, errors };
}

describe('arguments', () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['nothing', [], /SOURCE/],
    ['no --out', ['x'], /--out/],
    ['two sources', ['x', 'y', '--out', 'z'], /y is left over/],
    ['another dtype', ['x', '--out', 'z', '--dtype', 'q3'], /--dtype.*q3/],
    ['no layers', ['x', '--out', 'z', '--layers-per-stage', '0'], /--layers-per-stage.*0/],
    ['half a layer', ['x', '--out', 'z', '--max-layers', '1.5'], /--max-layers.*1\.5/],
    ['an unknown option', ['x', '--out', 'z', '--fast'], /--fast/],
  ];
  test.each(cases)('%s: exit code 2', async (_, args, says) => {
    const { exitCode, errors } = await command(args);
    expect(exitCode).toBe(2);
    expect(errors.join('\n')).toMatch(says);
  });

  test('help', async () => {
    const { exitCode, lines } = await command(['--help']);
    expect(exitCode).toBe(0);
    expect(lines.join('\n')).toContain('--layers-per-stage');
  });

  test('a source that is neither a folder nor a hub id: exit code 1', async () => {
    const { exitCode, errors } = await command([join(folder, 'nowhere'), '--out', join(folder, 'x')]);
    expect(exitCode).toBe(1);
    expect(errors).toEqual([expect.stringMatching(/nowhere: is neither a folder nor a hub id/)]);
  });
});

test('a folder becomes a package with ArmoRM’s objectives, and the report says what it cost', async () => {
  const out = join(folder, 'q4');
  const { exitCode, lines } = await command([checkpoint, '--out', out, '--layers-per-stage', '3', '--verify']);
  expect(exitCode).toBe(0);
  const { manifest } = await openPackage(diskFileSet(out));
  expect(manifest.objectives[4]).toMatchObject({ name: 'helpsteer-verbosity', group: 'helpsteer' });
  expect(manifest.verbosityDimensions).toEqual([4]);
  expect(manifest.stages).toHaveLength(2);
  expect(readdirSync(out).sort()).toEqual([
    'armoscope.json',
    'embedding.safetensors',
    'heads.safetensors',
    'stage-00.data',
    'stage-00.onnx',
    'stage-01.data',
    'stage-01.onnx',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  const text = lines.join('\n');
  expect(text).toMatch(/model\.layers\.0\.mlp\.up_proj\.weight, q4, \d\.\d\de-2/);
  expect(text).toMatch(/Against f32 on \d+ texts \(--verify\): score error \d/);
});

test('q4 keeps the values’ matrices in 8 bits, which brings the package nearer to f32, unless told --uniform', async () => {
  const worst = async (...more: string[]): Promise<number> => {
    const out = join(folder, `uniform-${more.length}`);
    const { exitCode, lines } = await command([checkpoint, '--out', out, ...more]);
    expect(exitCode).toBe(0);
    const values = lines.filter((line) => line.includes('v_proj'));
    expect(values.every((line) => line.includes(more.length === 0 ? 'weight, q8' : 'weight, q4'))).toBe(true);
    expect(lines.filter((line) => line.includes('q_proj')).every((line) => line.includes('weight, q4'))).toBe(true);
    const { manifest } = await openPackage(diskFileSet(out));
    expect(/v_proj in 8 bits/.test(manifest.quantisation?.form ?? '')).toBe(more.length === 0);
    return manifest.canaries.reduce(
      (sum, { own, reference }) => sum + own.rewards.reduce((s, r, j) => s + (r - reference!.rewards[j]!) ** 2, 0),
      0,
    );
  };
  expect(await worst()).toBeLessThan(await worst('--uniform'));
  expect((await command([checkpoint, '--out', 'x', '--dtype', 'q8', '--uniform'])).exitCode).toBe(2);
});

describe('a folder as a sink', () => {
  test('grows files under another name and forgets an old manifest first', async () => {
    const home = join(folder, 'sink');
    await mkdir(home);
    writeFileSync(join(home, 'armoscope.json'), '{}');
    const sink = folderPackageSink(home);
    const file = await sink.create('a.data');
    expect(readdirSync(home).sort()).toEqual(['a.data.part', 'armoscope.incomplete.json']);
    await file.append(Uint8Array.of(1, 2));
    await file.append(Uint8Array.of(3));
    expect(await file.finish()).toEqual({
      file: 'a.data',
      bytes: 3,
      sha256: '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81',
    });
    expect(readdirSync(home).sort()).toEqual(['a.data', 'armoscope.incomplete.json']);
    await sink.create('b.data');
    await sink.discard();
    expect(readdirSync(folder)).not.toContain('sink');
  });
});

test('an adapter is merged and named; a folder without one is refused', async () => {
  const [plain, adapted, adapter] = [join(folder, 'plain'), join(folder, 'adapted'), join(folder, 'tuned')];
  await mkdir(adapter);
  const more = ['--dtype', 'f32', '--max-layers', '1'];
  const args = [checkpoint, '--out', adapted, '--adapter', adapter, ...more];
  expect(await command(args)).toMatchObject({ exitCode: 1, errors: [expect.stringMatching(/^adapter_config\.json/)] });
  await writeTestAdapter(checkpoint, adapter);
  const { exitCode, lines } = await command(args);
  expect(exitCode).toBe(0);
  expect(lines.join('\n')).toContain(`The adapter ${adapter} was merged into 1 tensors.`);
  expect((await command([checkpoint, '--out', plain, ...more])).exitCode).toBe(0);
  const [one, other] = [await openPackage(diskFileSet(plain)), await openPackage(diskFileSet(adapted))];
  expect(other.manifest).toMatchObject({ name: 'checkpoint-tuned', source: { name: 'checkpoint + tuned' } });
  expect(other.manifest.canaries[0]!.reference).not.toEqual(one.manifest.canaries[0]!.reference);
}, 120_000);

test('hub ids', () => {
  expect(parseHubId('owner/name')).toEqual({ id: 'owner/name', revision: 'main' });
  expect(parseHubId('owner/na.me-1@refs/pr/3')).toEqual({ id: 'owner/na.me-1', revision: 'refs/pr/3' });
  for (const text of ['name', '../up/name', '/a/b', 'a/b/c', 'a/..', ''])
    expect(parseHubId(text), text).toBeUndefined();
});

describe('a hub', () => {
  test('gives the same package as the folder, with the revision and the token', async () => {
    const hub = new FlakyHub(checkpoint);
    try {
      const address = await hub.listen();
      const [local, remote] = [join(folder, 'local'), join(folder, 'remote')];
      const more = ['--dtype', 'f32', '--max-layers', '1', '--name', 'same'];
      expect((await command([checkpoint, '--out', local, ...more])).exitCode).toBe(0);
      const environment = { HF_ENDPOINT: address, HF_TOKEN: 'secret' };
      const { exitCode, errors } = await command(['owner/tiny@v1', '--out', remote, ...more], undefined, environment);
      expect(errors).toEqual([]);
      expect(exitCode).toBe(0);
      const [one, other] = [await openPackage(diskFileSet(local)), await openPackage(diskFileSet(remote))];
      expect(other.manifest.id).toBe(one.manifest.id);
      expect(other.manifest.source).toEqual({ name: 'owner/tiny', revision: 'v1', url: `${address}/owner/tiny` });
      expect([...hub.tokens]).toEqual(['Bearer secret']);
      expect(readdirSync(remote)).not.toContain('.download');
    } finally {
      hub.close();
    }
  }, 180_000);

  test('and an address give what their folders give: checkpoint and adapter', async () => {
    const adapter = join(folder, 'remote-adapter');
    await writeTestAdapter(checkpoint, adapter);
    const [hub, adapterHub] = [new FlakyHub(checkpoint), new FlakyHub(adapter)];
    try {
      const path = '/owner/tiny/resolve/v1';
      const [local, remote] = [join(folder, 'adapted-local'), join(folder, 'adapted-remote')];
      const more = ['--dtype', 'f32', '--max-layers', '1', '--name', 'same'];
      expect(await command([checkpoint, '--out', local, '--adapter', adapter, ...more])).toMatchObject({ exitCode: 0 });
      const addresses = [`${await hub.listen()}${path}/`, `${await adapterHub.listen()}${path}/adapter_config.json`];
      const ours = await command([addresses[0]!, '--out', remote, '--adapter', addresses[1]!, ...more]);
      expect(ours).toMatchObject({ exitCode: 0, errors: [] });
      const [one, other] = [await openPackage(diskFileSet(local)), await openPackage(diskFileSet(remote))];
      expect(other.manifest.id).toBe(one.manifest.id);
      expect(other.manifest.stages).toEqual(one.manifest.stages);
      expect(other.manifest.source).toEqual({ name: 'v1 + v1', url: addresses[0] });
      expect([...adapterHub.sent.keys()].sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
      const nowhere = await command([checkpoint, '--out', remote, '--adapter', 'nowhere', ...more]);
      expect(nowhere.errors.join()).toMatch(/^nowhere: is neither a folder nor a hub id.*--adapter/);
    } finally {
      hub.close();
      adapterHub.close();
    }
  }, 180_000);

  test('is asked again only for what had not arrived', async () => {
    const hub = new FlakyHub(checkpoint);
    try {
      const address = await hub.listen();
      const options = { hub: address, chunks: diskChunks(join(folder, 'chunks')), chunkBytes: 1_000_000 };
      const open = async () =>
        (await hubFileSet({ id: 'owner/tiny', revision: 'v1' }, options).open('model.safetensors'))!;
      const whole = new Uint8Array(readFileSync(join(checkpoint, 'model.safetensors')));
      const first = await open();
      expect(first.size).toBe(whole.length);
      hub.plan = () => (hub.sentBytes > 3_000_000 ? 'refuse' : undefined);
      await expect(first.read(0, whole.length)).rejects.toThrow(/model\.safetensors/);
      const before = hub.sentBytes;
      hub.plan = () => undefined;
      const again = await open();
      expect(Buffer.compare(await again.read(0, whole.length), whole)).toBe(0);
      expect(hub.sentBytes - before).toBeLessThan(whole.length - 2_000_000);
      expect(Buffer.compare(await again.read(999_990, 1_000_020), whole.subarray(999_990, 2_000_010))).toBe(0);
      expect(await hubFileSet({ id: 'owner/tiny', revision: 'v1' }, options).open('nothing.json')).toBeUndefined();
    } finally {
      hub.close();
    }
  });
});
