/** Stages held one at a time by choice: said before it starts and after, and scores still come. Where the published example applies. */
import { idle, openModel } from './inspect-page.ts';
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

test('the published example is offered to the published shape alone, with the reason', async ({ page }) => {
  await openModel(page, 'armorm-tiny-llama3');
  await page.getByRole('link', { name: 'Models' }).click();
  await idle(page);
  const example = page.getByRole('region', { name: 'Published example' });
  await expect(example).toContainText(/Not for this package\. .*32 layers of 4096; this package has/);
  await expect(example.getByRole('button')).toHaveCount(0);
});
