/** Packages and texts that cannot be scored: each refused in the page, by name, with no number shown. */
import { badPackages } from '../src/cli/fixtures/bad-packages.ts';
import { idle, openModel, response, write } from './inspect-page.ts';
import { expect, test } from './test.ts';

for (const { name, says } of badPackages) {
  test(`a package is refused by name: ${name}`, async ({ page }) => {
    await openModel(page, `bad/${name}`);
    const alert = page.getByRole('alert').first();
    await expect(alert).toBeVisible();
    for (const words of says) await expect(alert).toContainText(words);
    await write(page, 'Name a colour.', ['Blue.', 'Red.']);
    const button = page.getByRole('button', { name: 'Score', exact: true });
    if (await button.isEnabled()) await button.click();
    await idle(page);
    for (const letter of ['A', 'B']) await expect(response(page, letter).getByRole('status')).not.toContainText(/\d/);
  });
}

test('a response beyond the context is refused by its length, and the next one is scored', async ({ page }) => {
  await openModel(page, 'armorm-tiny-smollm');
  await write(page, 'Name a colour.', ['word '.repeat(20_000), 'Red.']);
  await page.getByRole('button', { name: 'Score', exact: true }).click();
  await idle(page);
  const alert = page.getByRole('alert').first();
  await expect(alert).toContainText(/response A/i);
  await expect(alert).toContainText(/\d{4,} tokens/);
  await expect(response(page, 'A').getByRole('status')).not.toContainText(/\d/);

  await write(page, 'Name a colour.', ['Blue.', 'Red.']);
  await page.getByRole('button', { name: 'Score', exact: true }).click();
  await idle(page);
  await expect(response(page, 'A').getByRole('status')).toContainText(/\d/);
  await expect(page.getByRole('alert')).toHaveCount(0);
});
