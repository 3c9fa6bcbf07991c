/** Debias in the real page: found, applied and followed, brought out and back to the bit, taught in five steps; in both schemes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { idle, openModel, readResult, score } from './inspect-page.ts';
import { expectNoViolations, expectWholeAtEveryWidth } from './look.ts';
import { packageHead, scoredPairLines } from './scored-lines.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

async function openDebias(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.location.hash = '#/debias';
  });
  await expect(page.getByRole('heading', { level: 1, name: 'Debias' })).toBeAttached();
  await idle(page);
}

/** Columns of a table's rows at full precision, from the cells' titles. */
async function titles(page: Page, table: string): Promise<number[][]> {
  return await page
    .getByRole('table', { name: table, exact: true })
    .locator('tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll('td')].map((cell) => Number(cell.getAttribute('title') ?? 'NaN'))),
    );
}

/** The file that an item of the export menu saves. */
async function exported(page: Page, item: string): Promise<string> {
  await button(page, 'Export transform').click();
  const download = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: item }).click();
  return await (await download).path();
}

test('on the embedded set every objective is taken to zero, and the lesson shows it', async ({ page }) => {
  await page.goto('/#/debias');
  await idle(page);
  const table = 'Correlations with verbosity and length';
  const others = (rows: number[][]) => rows.filter((_, index) => index !== 4);
  const exact = await titles(page, table);
  expect(exact).toHaveLength(19);
  for (const [before = NaN, after = NaN] of others(exact)) {
    expect(Math.abs(before)).toBeGreaterThan(0.02);
    expect(Math.abs(after)).toBeLessThan(1e-3);
  }
  await expect(
    page
      .getByRole('table', { name: table })
      .getByText(/^−?\d\.\d\d to −?\d\.\d\d$/)
      .first(),
  ).toBeVisible();

  await test.step('the three methods side by side, and what each leaves', async () => {
    for (const [, left = NaN, , , grid = NaN, gridLeft = NaN] of others(await titles(page, 'Penalties by method'))) {
      expect(Math.abs(left)).toBeLessThan(1e-3);
      expect(grid).toBeGreaterThanOrEqual(0);
      expect(gridLeft <= 0.03 || grid === 1).toBe(true);
    }
    await page.getByText('Authors’ grid', { exact: true }).click();
    await idle(page);
    expect(Math.max(...others(await titles(page, table)).map(([, after = NaN]) => Math.abs(after)))).toBeGreaterThan(
      0.01,
    );
    await page.getByText('Exact root', { exact: true }).click();
  });

  await test.step('at strength 0 nothing changes', async () => {
    await page.getByRole('slider', { name: 'Strength' }).fill('0');
    await idle(page);
    for (const [before = NaN, after = NaN] of await titles(page, table))
      if (!Number.isNaN(after)) expect(after).toBe(before);
    await page.getByRole('slider', { name: 'Strength' }).fill('1');
    await idle(page);
  });

  await test.step('the lesson: five steps, the correction off and on', async () => {
    await button(page, 'Verbosity bias in five steps').click();
    await expect(page.getByRole('heading', { name: '1. Longer looks better' })).toBeFocused();
    for (const heading of ['2. Does saying it twice pay?', '3. What to subtract', '4. Put it in force']) {
      await button(page, 'Next').click();
      await expect(page.getByRole('heading', { name: heading })).toBeFocused();
    }
    await expectNoViolations(page, 'step 4');
    const inUse = page.getByRole('status', { name: 'Head in use in every view' });
    await button(page, 'Use no correction').click();
    await expect(inUse).toContainText('No correction');
    await button(page, 'Use this correction').click();
    await expect(inUse).toContainText('Debiased in five steps');
    await button(page, 'Back to the model’s own').click();
    await expect(inUse).toContainText('the model’s own head');
    await button(page, 'Next').click();
    await expect(page.getByText(/Measured once on/)).toContainText('interval');
    // The pairs it speaks of are there without any waiting: their scores were recorded with the model.
    const cost = page.getByRole('region', { name: 'What it costs', exact: true });
    await expect(cost).toContainText('48 comparisons');
    await expect(cost).toContainText('recorded when it was made');
    await expect(cost.getByRole('table', { name: 'Accuracy on pairs matched in length' })).toBeVisible();
    await button(page, 'Finish').click();
  });
});

test('a correction found on a dataset is followed by every view, and comes back from its file to the bit', async ({
  page,
}) => {
  await openModel(page, model);
  const text = 'One sentence here. Another one follows! Is there a third? There is.';
  const [own] = await score(page, 'Tell me about the weather.', [text]);
  await openDebias(page);
  await expect(page.getByText('No scored dataset is open.', { exact: false })).toBeVisible();
  const head = await packageHead(fileURLToPath(new URL(`../.cache/e2e/${model}/`, import.meta.url)));
  const pairs = test.info().outputPath('pairs.jsonl');
  writeFileSync(pairs, [...scoredPairLines(head, 60)].join(''));
  await page.getByLabel('Reference file').setInputFiles(pairs);
  await idle(page);
  await expect(page.getByText('120 responses to 60 prompts', { exact: false })).toBeVisible();
  await expect(page.getByRole('table', { name: 'Accuracy on pairs matched in length' })).toBeVisible();
  await expect(page.getByRole('img', { name: /Without penalties the chosen response wins in/ })).toBeVisible();

  await button(page, 'Apply to every view').click();
  await idle(page);
  const first = readFileSync(await exported(page, 'Head in use, safetensors'));
  expect(first.equals(readFileSync(await exported(page, 'This correction, safetensors')))).toBe(true);
  const json = await exported(page, 'This correction, JSON');

  await test.step('Inspect shows its score, Reset the model’s own', async () => {
    await page.evaluate(() => {
      window.location.hash = '#/';
    });
    await idle(page);
    expect((await readResult(page, 'A')).score).not.toBe(own?.score);
    await openDebias(page);
    await button(page, 'Reset to the model’s own').click();
    const reset = readFileSync(await exported(page, 'Head in use, safetensors'));
    expect(reset.equals(first)).toBe(false);
  });

  await test.step('imported from JSON, the matrix is the same to the bit', async () => {
    const file = test.info().outputPath('mine.json');
    writeFileSync(file, readFileSync(json));
    await page.getByLabel('Transform file').setInputFiles(file);
    await expect(page.getByRole('status', { name: 'Head in use in every view' })).toContainText('mine');
    await idle(page);
    const back = readFileSync(await exported(page, 'Head in use, safetensors'));
    expect(back.equals(first)).toBe(true);
  });

  await test.step('the open response in several lengths, both slopes drawn', async () => {
    await button(page, 'Sweep response A').click();
    await idle(page);
    await expect(page.getByRole('img', { name: /A hundred tokens more change the score by/ })).toBeVisible();
    await page.getByText(/^The \d+ versions$/).click();
    await expect(page.getByText(/To restate the above: One sentence here\./).first()).toBeVisible();
  });

  await test.step('a file that does not fit is refused in words, and nothing is lost', async () => {
    const wrong = test.info().outputPath('wrong.json');
    writeFileSync(wrong, '{"reward_transform_matrix": [[1, 0], [0, 1]]}');
    await page.getByLabel('Transform file').setInputFiles(wrong);
    await expect(page.getByRole('alert')).toContainText('for 2 objectives, and the model in use has 19');
    await expect(page.getByRole('status', { name: 'Head in use in every view' })).toContainText('mine');
  });
});

for (const scheme of ['light', 'dark'] as const) {
  test(`Debias is whole and accessible in the ${scheme} scheme at every width`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.goto('/#/debias');
    await idle(page);
    await button(page, 'Verbosity bias in five steps').click();
    await expectWholeAtEveryWidth(page, scheme);
  });
}
