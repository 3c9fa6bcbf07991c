/**
 * Conversions in the page from more than one place: a GGUF with heads and tokenizer of their own, a LoRA adapter on top, an address; and
 * weights so many that they are rounded in workers. Each is held to what `npm run convert` writes.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { SeededRandom } from '@/base/random.ts';
import { runConvert } from '@/cli/convert.ts';
import { expandGolden } from '@/cli/fixtures/golden-checkpoints.ts';
import { type GgufPaths, writeGoldenGguf, writeTestAdapter } from '@/cli/fixtures/golden-gguf.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { readSafetensorsHeader, readTensorAsFloat32 } from '@/formats/safetensors.ts';
import { type TensorData, writeSafetensors } from '@/formats/safetensors-writer.ts';
import { expectNoViolations, expectWholeAtEveryWidth } from './look.ts';
import { expectClosePackages, keptFiles } from './converted.ts';
import { keptItems, openModelsView } from './kept-page.ts';
import { expect, test } from './test.ts';

const root = mkdtempSync(join(tmpdir(), 'armoscope-parts-'));
const checkpoint = join(root, 'tiny');
const adapter = join(root, 'tuned');
let paths: GgufPaths;

test.beforeAll(async () => {
  await expandGolden('armorm-tiny-smollm', checkpoint);
  paths = await writeGoldenGguf(checkpoint, root);
  await writeTestAdapter(checkpoint, adapter);
});
test.afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The one package kept in the page is what the command writes with these arguments. */
async function expectTheCommandsPackage(page: Page, args: readonly string[]): Promise<void> {
  const out = mkdtempSync(join(root, 'out-'));
  const errors: string[] = [];
  const streams = { print: () => undefined, printError: (line: string) => errors.push(line), progress: { write() {} } };
  await runConvert([...args, '--out', out], streams, new AbortController().signal, {});
  expect(errors).toEqual([]);
  const hash = (file: string): string =>
    createHash('sha256')
      .update(readFileSync(join(out, file)))
      .digest('hex');
  const expected = Object.fromEntries(readdirSync(out).map((file) => [file, hash(file)]));
  await expectClosePackages(await keptFiles(page), expected, readFileSync(join(out, 'armoscope.json'), 'utf8'));
}

const panel = (page: Page) => page.getByRole('region', { name: 'Convert a checkpoint' });
const convert = (page: Page) => page.getByRole('button', { name: 'Convert', exact: true });

async function expectConverted(page: Page): Promise<void> {
  await convert(page).click();
  await expect(keptItems(page).getByRole('status')).toContainText('Converted', { timeout: 200_000 });
}

test('a GGUF is asked for what it lacks, takes an adapter, and becomes the command line’s package', async ({
  page,
}) => {
  await openModelsView(page);
  await page.getByLabel('GGUF file').setInputFiles([join(paths.tokenizer, 'tokenizer.json')]);
  await expect(panel(page).getByRole('alert')).toContainText('There is no .gguf file among these');
  await page.getByLabel('GGUF file').setInputFiles([paths.gguf, join(paths.tokenizer, 'tokenizer.json')]);
  await expect(panel(page).getByRole('alert')).toHaveCount(0);
  const missing = panel(page).getByRole('status');
  await expect(missing).toContainText('tokenizer_config.json, a .safetensors file with the reward heads');
  await expect(convert(page)).toBeDisabled();
  await page.getByLabel('Files beside the GGUF').setInputFiles([paths.heads]);
  await expect(missing).toHaveText('GGUF does not hold these: tokenizer_config.json. Add them.');
  await page.getByLabel('Files beside the GGUF').setInputFiles([join(paths.tokenizer, 'tokenizer_config.json')]);
  await expect(missing).toHaveCount(0);
  await page.getByLabel('Adapter folder').setInputFiles(paths.tokenizer);
  await expect(panel(page).getByRole('alert')).toContainText('no LoRA adapter');
  await page.getByLabel('Adapter folder').setInputFiles(adapter);
  await expect(panel(page).getByLabel('What is converted')).toContainText('tuned: 2 files');
  await expectNoViolations(page, 'parts chosen');
  await expectWholeAtEveryWidth(page, 'parts');
  await expectConverted(page);
  await expectTheCommandsPackage(page, [
    paths.gguf,
    '--heads',
    paths.heads,
    '--tokenizer',
    paths.tokenizer,
    '--adapter',
    adapter,
  ]);
});

test('an address is converted like its folder', async ({ page, context }) => {
  await context.route(/\/checkpoints\/tiny\//, async (route) => {
    const file = new URL(route.request().url()).pathname.split('/').at(-1) ?? '';
    if (!readdirSync(checkpoint).includes(file)) return route.fulfill({ status: 404 });
    const bytes = readFileSync(join(checkpoint, file));
    const range = (await route.request().headerValue('range')) ?? '';
    const [, begin = '0', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    const end = Math.min(last === '' ? bytes.length : Number(last) + 1, bytes.length);
    const headers = { 'content-range': `bytes ${begin}-${end - 1}/${bytes.length}`, etag: '"v1"' };
    return route.fulfill({ status: 206, headers, body: bytes.subarray(Number(begin), end) });
  });
  await openModelsView(page);
  const address = `${new URL(page.url()).origin}/checkpoints/tiny/config.json`;
  await page.getByLabel('Or its id on the hub').fill(address);
  await expect(page.getByLabel('Access token', { exact: true })).toHaveCount(0);
  await expectConverted(page);
  const { manifest } = await keptFiles(page);
  expect(JSON.parse(manifest)).toMatchObject({ name: 'tiny', source: { name: 'tiny', url: address } });
});

/** One layer with three matrices of 1,048,576 weights and more: enough for a thread each. */
async function writeWide(folder: string): Promise<void> {
  await expandGolden('armorm-tiny-smollm', folder);
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, number>;
  const source = memorySource('golden', new Uint8Array(readFileSync(join(folder, 'model.safetensors'))));
  const header = await readSafetensorsHeader(source);
  const random = new SeededRandom(3);
  const d = config['hidden_size']!;
  const wide = 32 * Math.ceil(1_100_000 / d / 32);
  const tensors: TensorData[] = [];
  for (const [name, { shape }] of header.tensors) {
    if (/model\.layers\.[1-9]/.test(name)) continue;
    const isWide = name.includes('.mlp.');
    const dims = !isWide ? shape : name.includes('down_proj') ? [d, wide] : [wide, d];
    const data = isWide
      ? Float32Array.from({ length: d * wide }, () => 0.05 * random.normal())
      : await readTensorAsFloat32(source, header, name);
    tensors.push({ name, dtype: 'F32', shape: dims, data });
  }
  writeFileSync(join(folder, 'model.safetensors'), writeSafetensors(tensors));
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ ...config, num_hidden_layers: 1, intermediate_size: wide }),
  );
}

test('many weights are rounded in workers, to the bytes of the command line', async ({ page }) => {
  const folder = join(root, 'wide');
  await writeWide(folder);
  const workers: string[] = [];
  page.on('request', (request) => {
    if (/rounding-worker/.test(request.url())) workers.push(request.url());
  });
  page.context().on('request', (request) => {
    if (/rounding-worker/.test(request.url())) workers.push(request.url());
  });
  await openModelsView(page);
  await page.getByLabel('Checkpoint folder').setInputFiles(folder);
  await expectConverted(page);
  await expectTheCommandsPackage(page, [folder]);
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  if (cores > 1) expect(workers.length).toBeGreaterThan(0);
});
