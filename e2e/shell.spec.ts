/** The shell around the views: commands by name and by key, dialogs, focus, addresses, the connection. */
import { expectNoViolations, expectWholeAtEveryWidth } from './look.ts';
import { idle, openModel } from './inspect-page.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';

test('the palette finds commands by any of their words, by keyboard alone', async ({ page }) => {
  await openModel(page, model);
  await page.keyboard.press('Control+k');
  const field = page.getByRole('combobox', { name: 'Find a command' });
  await expect(field).toBeFocused();
  await field.fill('dark');
  await expect(page.getByRole('option')).toHaveCount(1);
  await expect(page.getByRole('option', { selected: true })).toContainText('Dark colours');
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await expect(page.getByRole('dialog')).toHaveCount(0);

  // By mouse too, and with arrows that go around.
  const button = page.getByRole('button', { name: /^Find a command/ });
  await button.click();
  await page.keyboard.press('ArrowUp');
  await expect(page.getByRole('option').last()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('option').first()).toHaveAttribute('aria-selected', 'true');
  await field.fill('there is no such thing');
  await expect(page.getByRole('status').filter({ hasText: 'No command is called' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(button).toBeFocused();

  await button.click();
  await field.fill('example');
  await expect(page.getByRole('group', { name: 'Examples' }).getByRole('option').nth(5)).toBeVisible();
  await field.fill('');
  await page.getByRole('option', { name: /^Models/ }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Models' })).toBeVisible();
  expect(new URL(page.url()).hash).toBe('#/models');
});

test('keys go where they say, but not while text is typed or when they are turned off', async ({ page }) => {
  await openModel(page, model);
  await page.keyboard.press('g');
  await page.keyboard.press('m');
  await expect(page.getByRole('heading', { level: 1, name: 'Models' })).toBeVisible();
  await expect(page).toHaveTitle('Models · Armoscope');
  const address = page.getByRole('textbox', { name: 'Address of a package' });
  await address.fill('');
  await address.pressSequentially('gi?');
  await expect(address).toHaveValue('gi?');
  await expect(page.getByRole('heading', { level: 1, name: 'Models' })).toBeVisible();
  await address.blur();

  await page.keyboard.press('?');
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(dialog).toContainText('Find a command');
  await expect(dialog).toContainText('Inspect');
  await dialog.getByRole('checkbox', { name: /plain keys/ }).uncheck();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('?');
  await page.keyboard.press('g');
  await page.keyboard.press('i');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('heading', { level: 1, name: 'Models' })).toBeVisible();
  // The choice is remembered; keys with Control are no plain keys.
  await page.reload();
  await idle(page);
  await page.keyboard.press('?');
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('dialog', { name: 'Commands' })).toBeVisible();
});

for (const scheme of ['light', 'dark'] as const) {
  test(`palette, shortcuts and unknown addresses are whole and accessible in the ${scheme} scheme`, async ({
    page,
  }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await openModel(page, model);
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('dialog', { name: 'Commands' })).toBeVisible();
    await expectWholeAtEveryWidth(page, 'palette');
    await page.getByRole('combobox').fill('nothing is called this');
    await expectNoViolations(page, 'empty palette');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
    await expectWholeAtEveryWidth(page, 'shortcuts');
    await page.keyboard.press('Escape');
    await page.evaluate(() => {
      window.location.hash = '/no-such-view';
    });
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('There is no view at /no-such-view');
    await expectWholeAtEveryWidth(page, 'unknown view');
  });
}

test('the skip link comes first and leads to the content; the order of focus is that of the page', async ({ page }) => {
  await openModel(page, model);
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to the content' });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Armoscope' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('navigation', { name: 'Views' }).getByRole('link').first()).toBeFocused();
  await skip.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
});

test('what follows a question mark in an address belongs to the view', async ({ page }) => {
  await page.goto('/#/models?s=anything');
  await expect(page.getByRole('heading', { level: 1, name: 'Models' })).toBeVisible();
  await page.goto('/#/inspect');
  await expect(page.getByRole('heading', { level: 1, name: 'Inspect' })).toBeAttached();
});

test('without its server the page says what it cannot fetch, and everything that is here keeps working', async ({
  page,
  context,
  watch,
}) => {
  await openModel(page, model);
  // Views are fetched ahead once nothing runs; that counts as work.
  await idle(page);
  await context.setOffline(true);
  await expect(page.getByRole('status').filter({ hasText: 'Offline.' })).toBeVisible();
  await expectWholeAtEveryWidth(page, 'offline');
  for (const link of await page.getByRole('navigation', { name: 'Views' }).getByRole('link').all()) {
    await link.click();
    await idle(page);
    const name = (await link.textContent()) ?? '';
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
    // Train reads the package's own heads, a file that scoring has not kept: it names it, and that is all it misses.
    if (name === 'Train')
      await expect(page.getByRole('alert')).toHaveText(/heads\.safetensors could not be read.*connection/);
    else await expect(page.getByRole('alert')).toHaveCount(0);
  }
  await page.getByRole('link', { name: 'Inspect' }).click();
  await page.getByRole('textbox', { name: 'Response A text', exact: true }).fill('A different answer.');
  await page.getByRole('button', { name: 'Score', exact: true }).click();
  await idle(page);
  await expect(page.getByRole('status', { name: 'Score of response A' })).toHaveAttribute('title', /\d/);

  await page.getByRole('link', { name: 'Models' }).click();
  await page.getByRole('textbox', { name: 'Address of a package' }).fill('/packages/armorm-tiny-llama3/');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(page.getByRole('alert').first()).toContainText('could not be', { timeout: 60_000 });
  await context.setOffline(false);
  await expect(page.getByText('Offline.')).toHaveCount(0);
  await page.getByRole('button', { name: 'Load the model again' }).click();
  await idle(page);
  await expect(page.getByRole('alert')).toHaveCount(0);
  // Chromium reports a script that cannot be fetched without a network as an uncaught error that has no text.
  expect(watch.errors.filter((text) => text !== '')).toEqual([]);
  watch.errors.length = 0;
});

test('a view that cannot be fetched says so in its place and can be tried again', async ({ page }) => {
  await page.route(/assets\/models-page-.*\.js/, (route) => route.abort());
  await page.goto('/#/models');
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('Models is fetched when it is first opened');
  await expectNoViolations(page, 'failed view');
  await page.unroute(/assets\/models-page-.*\.js/);
  await alert.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Models' })).toBeVisible();
});

test('a view that fails leaves the others alone, and opens again when it can', async ({ page, watch }) => {
  // The view's chunk, with a component in place of its own that throws until the page says otherwise.
  await page.route(/assets\/models-page-.*\.js/, (route) =>
    route.fulfill({
      contentType: 'text/javascript',
      body:
        "export const workerUrl = '/';" +
        "export const Page = () => { if (!window.mended) throw new Error('broken on purpose'); };",
    }),
  );
  await page.goto('/#/models');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This view stopped working');
  await expect(page.getByRole('alert')).toContainText('broken on purpose');
  await expectNoViolations(page, 'stopped view');
  await page.evaluate(() => Object.assign(window, { mended: true }));
  await page.getByRole('button', { name: 'Open the view again' }).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await page.getByRole('link', { name: 'Inspect' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Inspect');
  expect(watch.errors.filter((error) => !error.includes('broken on purpose'))).toEqual([]);
  watch.errors.length = 0;
});
