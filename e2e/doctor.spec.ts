/** The checkpoint doctor on the page: what it says of a sound model, of one with trouble, and where that is counted. */
import { idle, openModel } from './inspect-page.ts';
import { expectWholeAtEveryWidth } from './look.ts';
import { expect, test } from './test.ts';

test('a sound model has notes, nothing in the badge, and what is fine is folded', async ({ page }) => {
  await openModel(page, 'multidomain-tiny');
  await page.getByRole('link', { name: 'Models' }).click();
  await idle(page);
  const doctor = page.getByRole('region', { name: 'Checkpoint doctor' });
  await expect(doctor).toContainText('Nothing here makes a score wrong');
  await expect(doctor).toContainText(/Σg = logit_scale = 1\.3, not 1/);
  await expect(doctor).toContainText(/12 of 23 objectives/);
  await expect(doctor.getByText('Exactly one, id 128000')).toBeHidden();
  await doctor.getByText(/more looked at and fine/).click();
  await expect(doctor.getByText('Exactly one, id 128000')).toBeVisible();
  await expect(page.getByRole('banner').getByText(/warning/)).toHaveCount(0);
  // The published model's names, by their count.
  await expect(
    page
      .getByRole('cell', { name: /em_perspective_taking/ })
      .or(page.getByRole('rowheader', { name: /em_perspective_taking/ }))
      .first(),
  ).toBeVisible();
});

for (const scheme of ['light', 'dark'] as const) {
  test(`a warning is counted in the badge and explained, in the ${scheme} scheme`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await openModel(page, 'always-header');
    await page.getByRole('link', { name: 'Models' }).click();
    await idle(page);
    const doctor = page.getByRole('region', { name: 'Checkpoint doctor' });
    await expect(doctor).toContainText('1 warning: read these before you trust a score');
    await expect(doctor.getByRole('listitem').first()).toContainText(/Warning.*After the response.*im_start/s);
    await doctor.getByText(/more looked at and fine/).click();
    const badge = page.getByRole('banner').getByRole('button', { name: /^Model:/ });
    await expect(badge).toContainText('1 warning');
    await badge.click();
    await expect(page.getByRole('banner').getByText(/its scores will differ from these/)).toBeVisible();
    await expectWholeAtEveryWidth(page, 'findings and badge open');
  });
}
