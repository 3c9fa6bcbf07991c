/** Stages held one at a time by choice: said before it starts and after, and scores still come. Where the published example applies. */
import { appendFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { choose, exported, openEvaluate, pairLines, panel, scoreDataset, status } from './evaluate-page.ts';
import { idle, openModel, write } from './inspect-page.ts';
import { expectOpen, openModelsView } from './kept-page.ts';
import { expectNoViolations } from './look.ts';
import { expect, test } from './test.ts';

test('one stage at a time is chosen, said, and scores', async ({ page }) => {
  await openModel(page, 'armorm-tiny-smollm');
  await page.getByRole('link', { name: 'Models' }).click();
  await idle(page);
  const inUse = page.getByRole('region', { name: 'Model in use' });
  await expect(inUse).toContainText(/Memory\s*all stages stay loaded/);
  await page.getByLabel('Stages').selectOption('streamed');
  await expect(page.getByText('You chose to load stage by stage.').first()).toBeVisible();
  await idle(page);
  await expect(inUse).toContainText(/one stage at a time, about .* instead of/);
  await expectNoViolations(page, 'streamed');
  await page.getByRole('link', { name: 'Inspect' }).click();
  await page
    .getByRole('button', { name: /^Score/ })
    .first()
    .click();
  await idle(page);
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('a dataset is scored one stage at a time, to the same last digit, and says so before it starts', async ({
  page,
  browser,
  baseURL,
}) => {
  const dataset = pairLines(40);
  await openModel(page, 'armorm-tiny-smollm');
  await page.getByRole('link', { name: 'Models' }).click();
  await idle(page);
  await page.getByLabel('Stages').selectOption('streamed');
  await idle(page);
  await openEvaluate(page);
  await choose(page, 'pairs.jsonl', dataset);
  // Said before the queue is started.
  const queue = panel(page, 'Queue');
  await expect(queue).toContainText(/You chose to load stage by stage\. Every stage is loaded once for 32\sprompts/);
  await expectNoViolations(page, 'streamed queue');
  await scoreDataset(page);
  await expect(status(page, 'Queue state')).toContainText('80\u00a0responses scored');
  const streamed = await exported(page, 'JSON lines');

  // Another visitor: this one's scores are kept, and would be taken for the second's.
  const context = await browser.newContext(baseURL === undefined ? {} : { baseURL });
  const other = await context.newPage();
  await openModel(other, 'armorm-tiny-smollm');
  await openEvaluate(other);
  await choose(other, 'pairs.jsonl', dataset);
  await scoreDataset(other);
  const resident = await exported(other, 'JSON lines');
  await context.close();
  expect(Buffer.from(streamed).toString()).toBe(Buffer.from(resident).toString());
});

test('a chosen folder whose weights change on the disk is named where a stage of it is needed again', async ({
  page,
}, testInfo) => {
  const folder = testInfo.outputPath('armorm-tiny-smollm');
  cpSync(fileURLToPath(new URL('../.cache/e2e/armorm-tiny-smollm', import.meta.url)), folder, { recursive: true });
  await openModelsView(page);
  await page.getByLabel('Package folder').setInputFiles(folder);
  await expectOpen(page, 'armorm-tiny-smollm');
  await page.getByLabel('Stages').selectOption('streamed');
  await idle(page);
  appendFileSync(join(folder, 'stage-01.data'), 'x');
  await page.getByRole('link', { name: 'Inspect' }).click();
  await write(page, 'Why is the sky blue?', ['Air scatters blue light.']);
  await page.getByRole('button', { name: 'Score', exact: true }).click();
  await idle(page);
  await expect(page.getByRole('alert').filter({ hasText: 'stage-01.data' })).toContainText(
    /cannot be read: .*Choose the file again\./,
  );
});

test('the published example is offered to the published shape alone, with the reason', async ({ page }) => {
  await openModel(page, 'armorm-tiny-llama3');
  await page.getByRole('link', { name: 'Models' }).click();
  await idle(page);
  const example = page.getByRole('region', { name: 'Published example' });
  await expect(example).toContainText(/Not for this package\. .*32 layers of 4096; this package has/);
  await expect(example.getByRole('button')).toHaveCount(0);
});
