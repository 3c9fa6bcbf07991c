/** The Models view: what is at hand, how it loads, what it is, what was verified, on what device; all of it checkable. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { expectNoViolations, expectWholeAtEveryWidth } from './look.ts';
import { idle, openModel, score } from './inspect-page.ts';
import { keepAddress, keptItems, openModelsView } from './kept-page.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';
const packageFile = (name: string): string => fileURLToPath(new URL(`../.cache/e2e/${model}/${name}`, import.meta.url));

async function openModels(page: Page, name = model): Promise<void> {
  await openModel(page, name);
  await page.getByRole('link', { name: 'Models' }).click();
  await idle(page);
}

test('every file is listed with its hash, and the hash is that of the file', async ({ page }) => {
  await openModels(page);
  await page.getByText(/files?, .*every hash verified/).click();
  const rows = page.getByRole('table', { name: 'Files of the package' }).getByRole('row');
  const listed = await rows.evaluateAll((all) =>
    all.slice(1).map((row) => [...row.querySelectorAll('code')].map((code) => code.textContent)),
  );
  expect(listed.length).toBeGreaterThan(5);
  for (const [file = '', hash] of listed)
    expect(
      createHash('sha256')
        .update(readFileSync(packageFile(file)))
        .digest('hex'),
      file,
    ).toBe(hash);
  await expect(rows.nth(1)).toContainText('verified');
});

test('the manifest, canaries, template and licence texts can be read in full', async ({ page }) => {
  await openModels(page);
  await page.getByText('The manifest as it is').click();
  const shown: unknown = JSON.parse((await page.getByRole('region', { name: 'Manifest' }).textContent()) ?? '');
  expect(shown).toEqual(JSON.parse(readFileSync(packageFile('armoscope.json'), 'utf8')));
  await page.getByText(/texts whose results are known/).click();
  await expect(page.getByRole('table', { name: 'Canaries' }).getByRole('row').nth(1)).toContainText(/\d/);
  await page.getByText('Template and special tokens').click();
  await expect(page.getByRole('region', { name: 'Chat template' })).toContainText('{%');
  // The golden package brings no licence file, and the page says so; the embedded one does.
  await page.getByText('Licence text').click();
  await expect(page.getByText('The package brings no LICENSE.')).toBeVisible();
});

test('a model is unloaded, loaded again, and opened again from the list, also after a reload', async ({ page }) => {
  await openModels(page);
  const inUse = page.getByRole('region', { name: 'Model in use' });
  await inUse.getByRole('button', { name: 'Unload' }).click();
  await idle(page);
  await expect(inUse).toContainText('its memory given back');
  await expect(page.getByRole('banner')).toContainText('No model');
  await expect(page.getByRole('region', { name: 'This device' })).toContainText(/Provider in use\s*none/);
  await expectNoViolations(page, 'unloaded');
  await inUse.getByRole('button', { name: 'Load it' }).click();
  await idle(page);
  await expect(inUse).toContainText('Proofs');

  await page.getByRole('textbox', { name: 'Address of a package' }).fill('/packages/multidomain-tiny/armoscope.json');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await idle(page);
  await expect(inUse.getByRole('heading', { name: 'multidomain-tiny' })).toBeVisible();
  await page.reload();
  await idle(page);
  const list = page.getByRole('list', { name: 'Models' });
  await expect(list.getByRole('listitem')).toHaveCount(3);
  await list.getByRole('button', { name: /^Open multidomain-tiny/ }).click();
  await idle(page);
  await expect(inUse.getByRole('heading', { name: 'multidomain-tiny' })).toBeVisible();
  await list.getByRole('button', { name: /^Forget armorm-tiny-smollm/ }).click();
  await expect(list.getByRole('listitem')).toHaveCount(2);
});

test('a server that ignores byte ranges gives the same scores, each file sent once, and can be kept', async ({
  page,
  context,
}) => {
  const prompt = 'Why is the sky blue?';
  const responses = ['Air scatters blue light more than red.', 'Because it is.'];
  await openModel(page, model);
  const expected = await score(page, prompt, responses);

  const sent: string[] = [];
  await context.route(/\/packages\/(armorm|multidomain)-tiny/, async (route) => {
    const { range: _range, 'if-range': _ifRange, ...headers } = await route.request().allHeaders();
    sent.push(new URL(route.request().url()).pathname.split('/').at(-1) ?? '');
    const answer = await route.fetch({ headers });
    const { 'accept-ranges': _ranges, ...others } = answer.headers();
    await route.fulfill({ response: answer, headers: others });
  });
  await page.reload();
  await idle(page);
  expect(await score(page, prompt, responses)).toEqual(expected);
  const weights = sent.filter((name) => /\.(data|safetensors)$/.test(name));
  expect(weights.length).toBeGreaterThan(1);
  expect(new Set(weights).size).toBe(weights.length);

  await openModelsView(page);
  await keepAddress(page, '/packages/multidomain-tiny/');
  await expect(keptItems(page)).toContainText(/whole, 6\sfiles/);
});

test('loading shows every file with its bytes, and can be cancelled', async ({ page }) => {
  // The second half of the package waits, so that there is something to see.
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(/packages\/.*\/tokenizer\.json/, async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`/?model=/packages/${model}/#/models`);
  const files = page.getByRole('list', { name: 'Files fetched' });
  await expect(files.getByRole('listitem').first()).toContainText(/embedding.*B, verified/);
  await expect(page.getByRole('group', { name: /^Loading/ })).toContainText(/of .*B \(\d/);
  await expectWholeAtEveryWidth(page, 'loading', false);
  await page.getByRole('button', { name: 'Cancel loading' }).click();
  release();
  await idle(page);
  await expect(page.getByRole('region', { name: 'Model in use' })).toContainText('was cancelled');
  await expectWholeAtEveryWidth(page, 'cancelled');
});

test('the diagnostics can be copied as text', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await openModels(page);
  await page.getByRole('button', { name: 'Copy diagnostics' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Copied.' })).toBeVisible();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  for (const words of [
    'cross-origin isolated: yes',
    'provider in use: wasm (CPU)',
    'worst canary error',
    'storage: ',
    'files verified',
  ])
    expect(text).toContain(words);
});

for (const scheme of ['light', 'dark'] as const) {
  test(`every state of Models is whole and accessible in the ${scheme} scheme`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await openModels(page);
    await expectWholeAtEveryWidth(page, 'closed');
    for (const summary of await page.locator('summary').all()) await summary.click();
    await idle(page);
    await expectWholeAtEveryWidth(page, 'everything open');
    await page.goto('/?model=/packages/none/#/models');
    await idle(page);
    await expect(page.getByRole('alert').first()).toBeVisible();
    await expectWholeAtEveryWidth(page, 'failed');
  });
}
