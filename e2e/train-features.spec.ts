/** Train: features made in the page from a dataset, trained on, cut off and taken up again; the result as a package. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { unzipSync } from 'fflate';
import { openStage1Features, openStage2Features } from '@/formats/feature-files.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { idle, openModel, score } from './inspect-page.ts';
import { expectNoViolations, expectWholeAtEveryWidth } from './look.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const panel = (page: Page) => page.getByRole('region', { name: 'Make features', exact: true });

async function openTrain(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.location.hash = '#/train';
  });
  await expect(page.getByRole('heading', { level: 1, name: 'Train' })).toBeAttached();
  await idle(page);
}

async function choose(page: Page, name: string, records: readonly unknown[]): Promise<void> {
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  await page
    .getByLabel('Dataset to make features from')
    .setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) });
  await idle(page);
}

async function saved(page: Page, name: string) {
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, `Save ${name}`).click()]);
  expect(download.suggestedFilename()).toBe(name);
  return memorySource(name, new Uint8Array(readFileSync(await download.path())));
}

/** A small run on the processor. */
async function train(page: Page): Promise<void> {
  await page.getByRole('combobox', { name: 'Device' }).selectOption('cpu');
  const fields = { Steps: '5', 'Hidden width': '8', 'Batch size': '4' };
  for (const [field, value] of Object.entries(fields))
    await page.getByRole('textbox', { name: field, exact: true }).fill(value);
  await button(page, 'Train gate').click();
  await idle(page);
  await expect(page.getByRole('region', { name: 'Run', exact: true })).toContainText('Finished all 5 steps');
}

test('features of pairs train a gate; its package, opened again, gives the same scores to the bit', async ({
  page,
}, info) => {
  // A folder of the page's own in place of the browser's dialog, which no test can answer.
  await page.addInitScript(() => {
    Object.assign(window, { showDirectoryPicker: () => navigator.storage.getDirectory() });
  });
  await openModel(page, model);
  await openTrain(page);
  const pairs = ['red', 'blue', 'green', 'white', 'black', 'grey'].map((colour, i) => ({
    prompt: `Say ${colour}.`,
    chosen: `${colour}.`,
    rejected: `I would rather talk about ${i + 1} other things.`,
  }));
  await choose(page, 'colours.jsonl', pairs);
  await expect(panel(page).getByRole('status', { name: 'Layout' })).toContainText('plain pairs');
  await expect(panel(page).getByRole('combobox', { name: 'To be made' })).toHaveValue('pairs');
  await button(page, 'Make features').click();
  await idle(page);
  const made = panel(page).getByRole('group', { name: 'Features made here' });
  const file = (await made.locator('code').textContent()) ?? '';
  expect(file).toMatch(/^colours-.*-stage2\.safetensors$/);
  await expect(panel(page).getByRole('status', { name: 'Features made' })).toContainText('holds 6\u00a0pairs');
  await expect(page.getByRole('group', { name: 'Preference pairs (stage 2)' })).toContainText('6\u00a0pairs');
  const features = await openStage2Features(await saved(page, file));
  const d = features.hiddenSize;
  expect([features.pairs, features.promptRows, features.dtype]).toEqual([6, 2, 'F32']);
  const prompts = await features.readPromptEmbeddings(0, 6);
  for (let pair = 0; pair < 6; pair++)
    expect(prompts.slice(2 * pair * d, (2 * pair + 1) * d)).toEqual(
      prompts.slice((2 * pair + 1) * d, 2 * (pair + 1) * d),
    );

  await train(page);
  await button(page, 'Use in every view').click();
  await idle(page);
  await page.getByRole('link', { name: 'Inspect' }).click();
  const used = await score(page, 'Say pink.', ['Pink.', 'I would rather not.']);

  await openTrain(page);
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Export package').click()]);
  await idle(page);
  await expect(page.getByRole('status', { name: 'Package' })).toContainText('Saved as');
  const entries = unzipSync(new Uint8Array(readFileSync(await download.path())));
  const names = Object.keys(entries).map((name) => name.split('/').at(-1));
  expect(names).toEqual(expect.arrayContaining(['armoscope.json', 'heads.safetensors', 'stage-00.data']));

  await test.step('into a folder the same files are written', async () => {
    await button(page, 'Export package to a folder…').click();
    await idle(page);
    await expect(page.getByRole('status', { name: 'Package' })).toContainText('Written to the folder');
    const written = await page.evaluate(async () => {
      const found: Record<string, number> = {};
      for await (const folder of (await navigator.storage.getDirectory()).values())
        if (folder.kind === 'directory' && folder.name.includes('gate-of-run-1'))
          for await (const each of folder.values())
            if (each.kind === 'file') found[`${folder.name}/${each.name}`] = (await each.getFile()).size;
      return found;
    });
    expect(written).toEqual(Object.fromEntries(Object.entries(entries).map(([name, bytes]) => [name, bytes.length])));
  });

  const folder = info.outputPath('package');
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(entries)) writeFileSync(join(folder, name.split('/').at(-1) ?? ''), bytes);
  await page.getByRole('link', { name: 'Models' }).click();
  await page.getByLabel('Package folder').setInputFiles(folder);
  await idle(page);
  await expect(page.getByRole('banner')).toContainText('gate of run 1');
  await page.getByText(/texts whose results are known/).click();
  await expect(page.getByRole('table', { name: 'Canaries' })).toContainText('not known');
  await page.getByRole('link', { name: 'Inspect' }).click();
  await idle(page);
  expect(await score(page, 'Say pink.', ['Pink.', 'I would rather not.'])).toEqual(used);

  await test.step('the feature file outlives the page', async () => {
    await openModel(page, model);
    await openTrain(page);
    await button(page, `Train on ${file}`).click();
    await idle(page);
    await expect(page.getByRole('group', { name: 'Preference pairs (stage 2)' })).toContainText('6\u00a0pairs');
    await button(page, `Remove ${file}`).click();
    await expect(made).toHaveCount(0);
  });
});

test('a page closed in the middle goes on where it was; rated responses get the labels they are given', async ({
  page,
  context,
}) => {
  await openModel(page, model);
  await openTrain(page);
  const records = Array.from({ length: 120 }, (_, i) => ({
    prompt: `Question ${i}`,
    response: `Answer ${i}`,
    helpfulness: i % 5,
    'code-style': i / 120,
  }));
  await choose(page, 'rated.jsonl', records);
  await button(page, 'Make features').click();
  const state = panel(page).getByRole('status', { name: 'Queue state' });
  await expect(state).toContainText(/^[1-9]\d* of/, { timeout: 60_000 });
  await button(page, 'Pause making features').click();
  await idle(page);
  await expect(button(page, 'Go on making features')).toBeVisible();
  await page.close();

  const other = await context.newPage();
  await openModel(other, model);
  await openTrain(other);
  await expect(other.getByText('Making features from rated.jsonl was interrupted')).toBeVisible();
  await expectNoViolations(other, 'interrupted');
  await button(other, 'Resume making features').click();
  await idle(other);
  await expect(panel(other).getByRole('status', { name: 'Features made' })).toContainText(
    '120\u00a0responses, 120 of them with a label',
  );
  const file = (await panel(other).locator('code').first().textContent()) ?? '';
  const features = await openStage1Features(await saved(other, file));
  expect([features.rows, features.objectives]).toEqual([120, 19]);
  const labels = await features.readLabels(7, 1);
  // HelpSteer’s own layout: its rating 2 is r = 0.5; the second field by its objective’s name; nothing else is known.
  expect([labels[0], labels[15], labels[1]]).toEqual([0.5, Math.fround(7 / 120), NaN]);
});

test('what can be made is said, in every width and both schemes', async ({ page }) => {
  await openModel(page, model);
  await openTrain(page);
  await choose(page, 'odd.jsonl', [{ ask: 'a', one: 'b', two: 'c' }]);
  await expect(panel(page).getByRole('group', { name: 'Columns' })).toBeVisible();
  await choose(page, 'rated.jsonl', [
    { prompt: 'p', response: 'a', helpfulness: 4, verbosity: 1 },
    { prompt: 'p', response: 'b', helpfulness: 2, verbosity: 2 },
  ]);
  await panel(page).getByText('the first records rate 2 of').click();
  await expect(panel(page).getByRole('combobox', { name: 'helpsteer-verbosity' })).toHaveValue('verbosity');
  await panel(page).getByRole('combobox', { name: 'To be made' }).selectOption('pairs');
  await expect(panel(page)).toContainText('its best response by the label with its worst');
  await panel(page).getByRole('combobox', { name: 'To be made' }).selectOption('labels');
  await panel(page).getByText('the first records rate 2 of').click();
  await expectWholeAtEveryWidth(page, 'make features');
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await expectNoViolations(page, 'make features, dark');
  await choose(page, 'broken.jsonl', []);
  await expect(panel(page).getByRole('alert')).toContainText('broken.jsonl was not opened');
});
