/** The first screen is in the page's markup, before a line of its script has run, and gives way to the living page. */
import { expect, test } from '@playwright/test';
import { idle } from './inspect-page.ts';

const sentence = '[aria-label="Why"] p:first-child';

test('without its script the page shows the recorded example, and says the same when it lives', async ({
  browser,
  page,
  baseURL,
}) => {
  const still = await browser.newPage({ javaScriptEnabled: false });
  await still.goto(baseURL ?? '');
  await expect(still.getByText(/^Response A scores higher than response B$/)).toBeVisible();
  const words = await still.locator(sentence).innerText();
  const score = await still.getByLabel('Score of response A').first().innerText();
  await still.close();

  await page.goto('/');
  await idle(page);
  await expect(page.locator('[data-first-picture]')).toHaveCount(0);
  await expect(page.locator(sentence)).toHaveText(words);
  await expect(page.getByRole('status', { name: 'Score of response A' })).toHaveText(score);
});

test.describe('while the script is on its way', () => {
  test.beforeEach(async ({ page }) => {
    // The page's own script never comes; what stands before it does.
    await page.route(/\/assets\/index-[^/]*\.js$/, (route) => route.abort());
  });

  test('nothing of it can be pressed or typed into', async ({ page }) => {
    await page.goto('/');
    const picture = page.locator('[data-first-picture]');
    await expect(picture.getByText(/^Response A scores higher than response B$/)).toBeVisible();
    expect(await picture.evaluate((element) => element.hasAttribute('inert'))).toBe(true);
  });

  for (const address of ['/#/models', '/?model=https%3A%2F%2Fexample.org%2Fm%2Farmoscope.json'])
    test(`another address does not show it: ${address}`, async ({ page }) => {
      await page.goto(address);
      await expect(page.locator('[data-first-picture]')).toBeAttached();
      await expect(page.getByText(/^Response A scores higher than response B$/)).toBeHidden();
    });

  test('it has the colours that were chosen here', async ({ page }) => {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto('/');
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.evaluate(() => localStorage.setItem('mantine-color-scheme-value', 'dark'));
    await page.reload();
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
    expect(await background()).not.toBe(light);
  });
});
