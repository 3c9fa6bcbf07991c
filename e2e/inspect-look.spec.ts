/** How the views hold up: no accessibility violation, nothing cut off or overlapping, at every width and in both schemes. */
import { fileURLToPath } from 'node:url';
import { idle, openModel, readResult, response } from './inspect-page.ts';
import { expectNoViolations, expectWellPlaced, expectWholeAtEveryWidth } from './look.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';
/** What opens each dialog, and the dialog's name. */
const dialogs = [
  ['Examples', 'Examples'],
  ['History', 'History'],
  ['Paste JSON', 'Paste or open JSON'],
  ['Share', 'Share or export'],
  ['What the model reads of response A', 'What the model reads of response A'],
] as const;

for (const scheme of ['light', 'dark'] as const) {
  test(`Inspect and Models are whole and accessible in the ${scheme} scheme`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await openModel(page, model);
    await readResult(page, 'A');
    for (const path of ['/', '/models']) {
      await page.evaluate((hash) => {
        window.location.hash = hash;
      }, path);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(path === '/' ? 'Inspect' : 'Models');
      await idle(page);
      await expectWholeAtEveryWidth(page, path);
      await expectWellPlaced(page, path);
    }
  });

  test(`every dialog of Inspect is whole and accessible in the ${scheme} scheme`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await openModel(page, model);
    for (const [opener, dialog] of dialogs) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.getByRole('button', { name: opener }).first().click();
      await expect(page.getByRole('dialog', { name: dialog })).toBeVisible();
      await expectWholeAtEveryWidth(page, dialog);
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);
    }
  });
}

test('the colour scheme is chosen by hand and remembered', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await openModel(page, model);
  const root = page.locator('html');
  await expect(root).toHaveAttribute('data-mantine-color-scheme', 'light');
  const toggle = page.getByRole('button', { name: /^Colour scheme/ });
  await toggle.click();
  await toggle.click();
  await expect(root).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.reload();
  await expect(root).toHaveAttribute('data-mantine-color-scheme', 'dark');
});

test('a failed, a cancelled and a stale state are accessible', async ({ page }) => {
  await page.goto('/?model=/packages/none/');
  await idle(page);
  await expect(page.getByRole('alert').first()).toBeVisible();
  await expectNoViolations(page);
  await page.goto(`/?model=/packages/${model}/`);
  await page.getByRole('button', { name: 'Cancel loading' }).click();
  await idle(page);
  await expect(page.getByText('No model is loaded')).toBeVisible();
  await expectNoViolations(page);
  await page.getByRole('button', { name: 'Load the model' }).click();
  await idle(page);
  await page.getByRole('textbox', { name: 'Response A text' }).fill('Something else.');
  await expect(response(page, 'A')).toContainText('The texts have changed');
  await expectNoViolations(page);
});

test('the badge opens the proofs of every provider', async ({ page }) => {
  await openModel(page, model);
  await page.getByRole('button', { name: /^Model:/ }).click();
  const proofs = page.getByRole('list', { name: 'Proofs of the providers' });
  await expect(proofs.getByRole('listitem').last()).toContainText(/proven: worst canary error/);
  await expectNoViolations(page);
  await page.keyboard.press('Escape');
  await expect(proofs).toHaveCount(0);
});

test('a package folder is opened from disk, and another folder is refused by name', async ({ page }) => {
  await openModel(page, model);
  await page.goto(`/?model=/packages/${model}/#/models`);
  await idle(page);
  const picker = page.getByLabel('Package folder');
  await picker.setInputFiles(fileURLToPath(new URL('.', import.meta.url)));
  await expect(page.getByRole('alert')).toContainText('armoscope.json');
  await expect(page.getByRole('region', { name: 'Model in use' })).toContainText(model);
  await picker.setInputFiles(fileURLToPath(new URL('../.cache/e2e/multidomain-tiny', import.meta.url)));
  await idle(page);
  await expect(page.getByRole('region', { name: 'Model in use' })).toContainText('multidomain-tiny');
  await expect(page.getByRole('region', { name: 'Objectives of the model' }).getByRole('rowheader')).toHaveCount(23);
});
