/** A checkpoint converted in the page: the command line's package, from a folder and from a hub; cancelled and gone on with. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';
import { convertCheckpoint } from '@/convert/convert-checkpoint.ts';
import { createConvertTools } from '@/cli/convert-tools.ts';
import { diskFileSet } from '@/cli/disk-files.ts';
import { expandGolden } from '@/cli/fixtures/golden-checkpoints.ts';
import { memoryPackageSink } from '@/convert/package-sink.ts';
import { expectClosePackages, keptFiles } from './converted.ts';
import { expectNoViolations, expectWholeAtEveryWidth } from './look.ts';
import { expectOpen, keptItems, openModelsView } from './kept-page.ts';
import { expect, test } from './test.ts';

const name = 'multidomain-tiny';
const root = mkdtempSync(join(tmpdir(), 'armoscope-convert-'));
const folder = join(root, name);

test.beforeAll(() => expandGolden(name, folder));
test.afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The package as the command line's converter makes it, under the page's options. */
async function expectTheCommandLinesPackage(page: Page, source: { name: string; revision?: string; url?: string }) {
  const sink = memoryPackageSink('package');
  const tools = await createConvertTools();
  await convertCheckpoint(
    diskFileSet(folder),
    sink,
    { dtype: 'q4', mixed: true, layersPerStage: 4, name, source },
    tools,
  );
  await tools.dispose();
  const hashes = [...sink.contents].map(([file, bytes]) => [file, createHash('sha256').update(bytes).digest('hex')]);
  const manifest = new TextDecoder().decode(sink.contents.get('armoscope.json'));
  await expectClosePackages(await keptFiles(page), Object.fromEntries(hashes), manifest);
}

/** A hub that serves the folder; `handle` sees each request's path and authorisation. */
async function serveHub(context: BrowserContext, handle: (path: string, authorization: string) => void) {
  await context.route(/\/hub\//, async (route) => {
    const request = route.request();
    const path = new URL(request.url()).pathname;
    handle(path, (await request.headerValue('authorization')) ?? '');
    const file = join(folder, path.split('/').at(-1) ?? '');
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) return route.fulfill({ status: 404 });
    const [, begin = '0', last = ''] = /^bytes=(\d+)-(\d+)$/.exec((await request.headerValue('range')) ?? '') ?? [];
    const end = Math.min(last === '' ? size : Number(last) + 1, size);
    return route.fulfill({
      status: 206,
      headers: { 'content-range': `bytes ${begin}-${end - 1}/${size}`, etag: '"v1"' },
      body: readFileSync(file).subarray(Number(begin), end),
    });
  });
}

test('a checkpoint dropped on another view opens Models, says what it is and is ready to convert', async ({ page }) => {
  await page.goto('/#/steer');
  await expect(page.getByRole('heading', { name: 'Steer', level: 1 })).toBeVisible();
  const dropped = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['{}'], 'config.json'));
    transfer.items.add(new File(['12345678'], 'model.safetensors'));
    return transfer;
  });
  await page.dispatchEvent('body', 'drop', { dataTransfer: dropped });
  await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
  const said = page.getByRole('status').filter({ hasText: 'a checkpoint, not a package yet' });
  await expect(said).toBeInViewport();
  await expect(page.getByRole('alert')).toHaveCount(0);
  const panel = page.getByRole('region', { name: 'Convert a checkpoint' });
  await expect(panel).toContainText('The dropped files: 2 files');
  await expect(panel.getByRole('button', { name: 'Convert', exact: true })).toBeEnabled();
  await expectNoViolations(page, 'checkpoint dropped');
});

test('a folder becomes the package that the command line writes, and opens', async ({ page }) => {
  await openModelsView(page);
  await page.getByLabel('Checkpoint folder').setInputFiles(folder);
  await expect(page.getByRole('region', { name: 'Convert a checkpoint' })).toContainText(`${name}: `);
  await expectNoViolations(page, 'checkpoint chosen');
  await page.getByRole('button', { name: 'Convert', exact: true }).click();
  const item = keptItems(page);
  await expect(item.getByRole('status')).toContainText('Converted', { timeout: 200_000 });
  await expectTheCommandLinesPackage(page, { name });
  await item.getByRole('button', { name: `Open ${name}, kept here` }).click();
  await expectOpen(page, name);
});

test('a hub’s repository is converted with a token that is kept nowhere; cancelled, it goes on after a reload', async ({
  page,
  context,
}) => {
  const token = 'hf_not-a-real-token';
  const asked: { path: string; authorization: string }[] = [];
  await serveHub(context, (path, authorization) => asked.push({ path, authorization }));
  const start = async () => {
    await page.getByLabel('Or its id on the hub').fill(`someone/${name}`);
    await page.getByLabel('Access token', { exact: true }).fill(token);
    await page.getByLabel('Hub', { exact: true }).fill(`${new URL(page.url()).origin}/hub`);
    await page.getByRole('button', { name: 'Convert', exact: true }).click();
  };
  await openModelsView(page);
  await page.getByLabel('Or its id on the hub').fill(`someone/${name}`);
  await expectWholeAtEveryWidth(page, 'hub');
  await start();
  const item = keptItems(page);
  await item.getByRole('button', { name: `Cancel converting ${name}` }).click();
  await expect(item).toContainText('partial', { timeout: 60_000 });
  await expect(item).toContainText('Convert the same checkpoint again');
  await page.reload();
  const before = asked.length;
  await start();
  await expect(item.getByRole('status')).toContainText('Converted', { timeout: 200_000 });
  const { origin } = new URL(page.url());
  await expectTheCommandLinesPackage(page, {
    name: `someone/${name}`,
    revision: 'main',
    url: `${origin}/hub/someone/${name}`,
  });
  expect(asked.length).toBeGreaterThan(before);
  expect(asked.every(({ authorization }) => authorization === `Bearer ${token}`)).toBe(true);
  expect(asked[0]?.path).toBe(`/hub/someone/${name}/resolve/main/model.safetensors.index.json`);
  // Kept in memory alone.
  const kept = await page.evaluate(async () => {
    const texts = [document.location.href, JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
    const packages = await (await navigator.storage.getDirectory()).getDirectoryHandle('packages');
    for await (const folderOf of packages.values())
      if (folderOf instanceof FileSystemDirectoryHandle)
        texts.push(await (await (await folderOf.getFileHandle('.record.json')).getFile()).text());
    return texts.join('\n');
  });
  expect(kept).not.toContain(token);
  expect(kept).toContain(name);
});
