/** Evaluate in the real page: a dataset opened, scored, killed half-way and resumed; its tables, filters, exports and a file without a model. */
import type { Page } from '@playwright/test';
import { idle, openModel } from './inspect-page.ts';
import { expectWholeAtEveryWidth } from './look.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const status = (page: Page, name: string) => page.getByRole('status', { name, exact: true });

async function openEvaluate(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.location.hash = '#/evaluate';
  });
  await expect(page.getByRole('heading', { level: 1, name: 'Evaluate' })).toBeAttached();
  await idle(page);
}

/** The figure of one subset in the table of accuracies, at full precision. */
async function accuracy(page: Page, name: string): Promise<number> {
  const row = page
    .getByRole('table', { name: 'Accuracy by subset and section' })
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name, exact: true }) });
  return Number(await row.getByRole('cell').nth(1).getAttribute('title'));
}

test('the sample is scored; tables, filters, steering and exports agree', async ({ page }) => {
  await openModel(page, model);
  await openEvaluate(page);
  await button(page, 'Sample dataset').click();
  await idle(page);
  await expect(status(page, 'Layout')).toContainText('Recognised as RewardBench');
  await button(page, 'Score the dataset').click();
  await idle(page);
  await expect(status(page, 'Queue state')).toContainText('scored');
  const all = await accuracy(page, 'All');
  expect(all).toBeGreaterThanOrEqual(0);
  expect(all).toBeLessThanOrEqual(1);

  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectWholeAtEveryWidth(page, `Evaluate, ${colorScheme}`);
  }
});
