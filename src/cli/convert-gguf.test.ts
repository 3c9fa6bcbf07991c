/** The convert command on a GGUF file made from a golden checkpoint, with that checkpoint's own heads and tokenizer. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPackage } from '@/formats/model-package.ts';
import { writeSafetensors } from '@/formats/safetensors-writer.ts';
import { runConvert } from './convert.ts';
import { diskFileSet } from './disk-files.ts';
import { expandGolden } from './fixtures/golden-checkpoints.ts';
import { writeGoldenGguf } from './fixtures/golden-gguf.ts';

const folder = mkdtempSync(join(tmpdir(), 'armoscope-gguf-'));
const checkpoint = join(folder, 'checkpoint');
const gguf = join(folder, 'gguf', 'Tiny.F32.gguf');
const heads = join(folder, 'heads.safetensors');

beforeAll(async () => {
  await mkdir(checkpoint);
  await expandGolden('armorm-tiny-smollm', checkpoint);
  await writeGoldenGguf(checkpoint, folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function command(...args: string[]) {
  const errors: string[] = [];
  const exitCode = await runConvert(
    args,
    { print: () => {}, printError: (line) => errors.push(line), progress: { write: () => {} } },
    new AbortController().signal,
  );
  return { exitCode, errors };
}

test('a .gguf with heads and tokenizer gives the package of the checkpoint it was made from', async () => {
  const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
  const more = ['--dtype', 'q4', '--max-layers', '1'];
  const tokenizer = ['--tokenizer', join(folder, 'tokenizer')];
  expect(await command(gguf, '--heads', heads, ...tokenizer, '--out', ours, ...more)).toMatchObject({ errors: [] });
  expect(await command(checkpoint, '--out', theirs, ...more)).toMatchObject({ errors: [] });
  const [one, other] = [await openPackage(diskFileSet(ours)), await openPackage(diskFileSet(theirs))];
  expect(one.manifest).toMatchObject({ name: 'Tiny', licence: 'mit', source: { name: 'Tiny.F32.gguf' } });
  for (const key of [
    'stages',
    'embedding',
    'heads',
    'tokenizer',
    'canaries',
    'architecture',
    'tokens',
    'gate',
  ] as const)
    expect(one.manifest[key], key).toEqual(other.manifest[key]);
}, 120_000);

test('what is missing is named', async () => {
  const out = ['--out', join(folder, 'missing')];
  const noHeads = await command(gguf, ...out);
  expect(noHeads.exitCode).toBe(2);
  expect(noHeads.errors.join()).toMatch(/--heads FILE is missing/);
  const noTokenizer = await command(gguf, '--heads', heads, ...out);
  expect(noTokenizer.exitCode).toBe(1);
  expect(noTokenizer.errors.join()).toMatch(/tokenizer\.json: .*gguf does not have this file.*tokenizer files/);
  const noFile = await command(join(folder, 'none.gguf'), '--heads', heads, ...out);
  expect(noFile.errors.join()).toMatch(/none\.gguf: there is no such file/);
  const halfHeads = join(folder, 'half.safetensors');
  writeFileSync(
    halfHeads,
    writeSafetensors([{ name: 'regression_layer.weight', dtype: 'F32', shape: [1, 2], data: new Float32Array(2) }]),
  );
  const half = await command(gguf, '--heads', halfHeads, ...out);
  expect(half.errors.join()).toMatch(/half\.safetensors: tensor "gating\.layers\.0\.weight": is missing/);
  const folderTokenizer = await command(checkpoint, '--tokenizer', folder, ...out);
  expect(folderTokenizer.exitCode).toBe(2);
});
