/** A file of features in Debias: read with the head in use, and read again when that head gets another regression. */
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { diskSource } from '@/cli/disk-files.ts';
import { spearman } from '@/core/rank-correlation.ts';
import { openStage2Features } from '@/formats/feature-files.ts';
import { writeLinearHead } from '@/formats/head-files.ts';
import { idle } from './inspect-page.ts';
import { packageHead } from './scored-lines.ts';
import { expect, test } from './test.ts';

const folder = (path: string) => fileURLToPath(new URL(`../public/${path}`, import.meta.url));
const features = folder('sample/embedded-stage2.safetensors');
const [k, verbosity] = [19, 4];

/** ρ with verbosity of every objective, as the page shows it before any correction, at full precision. */
async function shownRho(page: Page): Promise<number[]> {
  return await page
    .getByRole('table', { name: 'Correlations with verbosity and length', exact: true })
    .locator('tbody tr')
    .evaluateAll((rows) => rows.map((row) => Number(row.querySelector('td')?.getAttribute('title') ?? 'NaN')));
}

async function openView(page: Page, name: 'Debias' | 'Train'): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name, exact: true })).toBeAttached();
  await idle(page);
}

test('features are read with the head in use, and again when it changes', async ({ page }) => {
  test.setTimeout(600_000);
  const source = await diskSource(features);
  if (source === undefined) throw new Error(`${features} is missing`);
  const file = await openStage2Features(source);
  const d = file.hiddenSize;
  const rows = 2 * file.pairs;
  const embeddings = await file.readEmbeddings(0, file.pairs);
  const head = await packageHead(folder('models/embedded/'));
  /** r_j = w_j · h of every response, then ρ with that of verbosity. */
  const rhoUnder = (regression: Float32Array) => {
    const rewards = Array.from({ length: k }, (_, j) =>
      Float64Array.from({ length: rows }, (_row, row) => {
        let sum = 0;
        for (let i = 0; i < d; i++) sum += regression[j * d + i]! * embeddings[row * d + i]!;
        return sum;
      }),
    );
    return rewards.map((values) => spearman(values, rewards[verbosity]!));
  };
  const others = (values: readonly number[]) => values.filter((_, j) => j !== verbosity);
  const expectRho = (shown: readonly number[], regression: Float32Array) => {
    expect(shown).toHaveLength(k);
    for (const [at, rho] of others(rhoUnder(regression)).entries()) expect(others(shown)[at]).toBeCloseTo(rho, 9);
  };

  await page.goto('/#/debias');
  await idle(page);
  await page.getByLabel('Reference file').setInputFiles(features);
  const panel = page.getByRole('region', { name: 'Reference set', exact: true });
  // As a text, which is compared with all kinds of spaces alike.
  await expect(panel).toContainText('500 prompts; 500 comparisons; lengths in tokens are not known.');
  await idle(page);
  expectRho(await shownRho(page), head.regression);

  // Another regression: each objective as the next one had it, verbosity as it was.
  const turned = head.regression.slice();
  for (let j = 0; j < k; j++) {
    if (j === verbosity) continue;
    const from = [j + 1, j + 2, j + 3].map((next) => next % k).find((next) => next !== verbosity)!;
    turned.set(head.regression.subarray(from * d, (from + 1) * d), j * d);
  }
  await openView(page, 'Train');
  await page.getByLabel('Features and heads').setInputFiles({
    name: 'turned.safetensors',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(
      writeLinearHead({ objectives: k, featureSize: d, regression: turned, transform: head.transform }),
    ),
  });
  await idle(page);
  await page.getByRole('button', { name: 'Use these heads in every view' }).click();
  await idle(page);
  await openView(page, 'Debias');
  await expect(page.getByRole('status', { name: 'Head in use in every view' })).toContainText('turned');
  await expect(panel).toContainText('embedded-stage2.safetensors');
  await idle(page);
  const reread = await shownRho(page);
  expectRho(reread, turned);

  // Back to the model's own, without leaving the view.
  await page.getByRole('button', { name: 'Reset to the model’s own', exact: true }).click();
  await idle(page);
  const again = await shownRho(page);
  expectRho(again, head.regression);
  expect(again).not.toEqual(reread);
});

test('a file that holds no features is refused in words', async ({ page }) => {
  await page.goto('/#/debias');
  await idle(page);
  await page.getByLabel('Reference file').setInputFiles({
    name: 'broken.safetensors',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from('no header'),
  });
  await expect(page.getByRole('alert')).toContainText('broken.safetensors was not opened');
  await idle(page);
});
