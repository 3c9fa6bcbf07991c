/** Steer in the real page: an example is flipped by the suggested change, shared, and found the same; by mouse, by keyboard, in both schemes. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { idle, openModel, readResult } from './inspect-page.ts';
import { packageHead, scoredPairLines } from './scored-lines.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';

function status(page: Page, name: string): Locator {
  return page.getByRole('status', { name, exact: true });
}

/** Full precision, from the title. */
async function number(page: Page, name: string): Promise<number> {
  const found = status(page, name);
  await expect(found).toHaveAttribute('title', /\d/);
  return Number(await found.getAttribute('title'));
}

async function numbers(page: Page) {
  return {
    a: await number(page, 'Steered score of response A'),
    b: await number(page, 'Steered score of response B'),
    margin: await number(page, 'Steered margin'),
  };
}

async function openSteer(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.location.hash = '#/steer';
  });
  await expect(page.getByRole('heading', { level: 1, name: 'Steer' })).toBeAttached();
  await idle(page);
}

const weight = (page: Page, objective: string) => page.getByRole('spinbutton', { name: `${objective}, gate weight` });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

async function violations(page: Page): Promise<string[]> {
  const { violations: found } = await new AxeBuilder({ page }).analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

test('an example is flipped by the suggested change, shared, and opened elsewhere with the same numbers', async ({
  page,
  context,
}) => {
  await page.goto('/#/steer');
  await idle(page);
  const before = await numbers(page);
  expect(before.margin).toBe(before.a - before.b);
  await button(page, 'Smallest flip').click();
  await button(page, 'Apply flip').click();
  const flipped = await numbers(page);
  expect(Math.sign(flipped.margin)).toBe(-Math.sign(before.margin));
  expect(Math.abs(flipped.margin)).toBeLessThan(1e-4);

  await test.step('what was flipped is shared with its texts', async () => {
    await button(page, 'Share').click();
    await page.getByRole('checkbox', { name: /Include the texts/ }).check();
    const link = await page.getByRole('textbox', { name: 'Link', exact: true }).inputValue();
    const other = await context.newPage();
    await other.goto(link);
    await idle(other);
    await expect(status(other, 'Steered margin')).toHaveAttribute('title', String(flipped.margin));
    expect(await numbers(other)).toEqual(flipped);
    await other.close();
    await page.keyboard.press('Escape');
  });

  await test.step('undo returns to the exact state, and redo to the other', async () => {
    await button(page, 'Undo').click();
    expect(await numbers(page)).toEqual(before);
    await button(page, 'Redo').click();
    expect(await numbers(page)).toEqual(flipped);
    await button(page, 'Reset all').click();
    expect(await numbers(page)).toEqual(before);
    await page.keyboard.press('Control+z');
    expect(await numbers(page)).toEqual(flipped);
  });

  await test.step('kept as a head, Inspect shows the same score beside the model’s own', async () => {
    await button(page, 'Save as head').click();
    await page.getByRole('textbox', { name: 'Name of the head' }).fill('Flipped');
    await button(page, 'Save and use').click();
    await idle(page);
    await page.evaluate(() => {
      window.location.hash = '#/';
    });
    await idle(page);
    expect((await readResult(page, 'A')).score).toBe(flipped.a);
    await expect(page.getByText('Scores are shown under the head “Flipped”')).toBeVisible();
    await expect(page.getByRole('region', { name: 'Response A', exact: true })).toContainText('Model’s own head');
    await page.reload();
    await idle(page);
    expect((await readResult(page, 'A')).score).toBe(before.a);
    await page.getByRole('combobox', { name: 'Head in use' }).selectOption({ label: 'Flipped' });
    expect((await readResult(page, 'A')).score).toBe(flipped.a);
    await button(page, 'Use the model’s own head').click();
    expect((await readResult(page, 'A')).score).toBe(before.a);
  });
});

test('every handle moves the numbers, by keyboard alone, and a typed number is one step', async ({ page }) => {
  await openModel(page, model);
  await openSteer(page);
  const before = await numbers(page);
  const slider = page.getByRole('slider', { name: 'helpsteer-verbosity, gate weight' });
  await expect(page.getByRole('slider', { name: /, gate weight$/ })).toHaveCount(19 + 4);
  await slider.focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  expect((await numbers(page)).margin).not.toBe(before.margin);
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+z');
  expect(await numbers(page)).toEqual(before);

  await page.keyboard.press('Tab');
  await expect(weight(page, 'helpsteer-verbosity')).toBeFocused();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('0.25');
  await expect(slider).toHaveValue(/^0\.25/);
  const typed = await numbers(page);
  await page.keyboard.press('Enter');
  expect(await numbers(page)).toEqual(typed);
  await page.keyboard.press('Control+z');
  expect(await numbers(page)).toEqual(before);
  await page.keyboard.press('Control+Shift+z');
  expect(await numbers(page)).toEqual(typed);

  await test.step('the gate keeps its sum, and a lock holds', async () => {
    await button(page, 'Lock helpsteer-verbosity').press('Space');
    await weight(page, 'code-style').fill('0.4');
    await expect(weight(page, 'helpsteer-verbosity')).toHaveValue('0.25');
    await expect(slider).toBeDisabled();
    const weights = await page
      .getByRole('slider', { name: /-.*, gate weight$/ })
      .evaluateAll((sliders) => sliders.map((each) => Number((each as HTMLInputElement).value)));
    const own = await page.evaluate(
      () => document.querySelector<HTMLInputElement>('input[aria-label="code-style, gate weight"]')?.max,
    );
    expect(weights.reduce((sum, each) => sum + each, 0)).toBeCloseTo(Number(own), 4);
  });
  await test.step('muted, an objective weighs nothing', async () => {
    await button(page, 'Mute code-style').press('Space');
    await expect(weight(page, 'code-style')).toHaveValue('0');
    await button(page, 'Solo ultrafeedback-honesty').press('Space');
    await button(page, 'Solo ultrafeedback-honesty').press('Space');
    await button(page, 'Reset all').press('Space');
    expect(await numbers(page)).toEqual(before);
  });
  await test.step('coefficients, logits and penalties', async () => {
    await page.getByText('Final coefficients', { exact: true }).click();
    await page.getByRole('spinbutton', { name: 'helpsteer-verbosity, final coefficient' }).fill('-0.5');
    await expect(status(page, 'Steered margin')).not.toHaveAttribute('title', String(before.margin));
    await button(page, 'Reset helpsteer-verbosity').click();
    expect(await numbers(page)).toEqual(before);
    await page.getByText('Gate logits', { exact: true }).click();
    await page.getByRole('spinbutton', { name: 'gate temperature' }).fill('3');
    await expect(status(page, 'Steered margin')).not.toHaveAttribute('title', String(before.margin));
    await button(page, 'Undo').click();
    await page.getByText('Penalties λ', { exact: true }).click();
    for (const name of ['None', 'Ignore verbosity']) {
      await button(page, name).click();
      await expect(status(page, 'Steered margin')).not.toHaveAttribute('title', String(before.margin));
    }
    await button(page, 'Paper correction').click();
    expect(await numbers(page)).toEqual(before);
  });
  await test.step('a preset, the person’s own, and their file', async () => {
    await button(page, 'Presets').click();
    await page.getByRole('button', { name: /^Safety first/ }).click();
    const safe = await numbers(page);
    expect(safe).not.toEqual(before);
    await page.getByRole('textbox', { name: 'Name of the preset' }).fill('Mine');
    await page.getByRole('textbox', { name: 'Name of the preset' }).press('Enter');
    await expect(page.getByText('Saved as Mine.')).toBeVisible();
    await page.keyboard.press('Escape');
    await button(page, 'Reset all').click();
    await page.reload();
    await idle(page);
    await button(page, 'Presets').click();
    await page.getByRole('button', { name: 'Mine', exact: true }).click();
    expect(await numbers(page)).toEqual(safe);
  });
});

test('a set of scores is ranked anew with every move, its flips listed, each a pair to steer by', async ({ page }) => {
  await openModel(page, model);
  await openSteer(page);
  const head = await packageHead(fileURLToPath(new URL(`../.cache/e2e/${model}/`, import.meta.url)));
  const file = test.info().outputPath('pairs.jsonl');
  writeFileSync(file, [...scoredPairLines(head, 200)].join(''));
  await page.getByLabel('File of scored responses').setInputFiles(file);
  await expect(status(page, 'Flips in the set')).toHaveText('0');
  await weight(page, 'helpsteer-coherence').fill('0.9');
  await idle(page);
  const flips = Number(await status(page, 'Flips in the set').textContent());
  expect(flips).toBeGreaterThan(10);
  await expect(page.getByRole('table', { name: 'Flips', exact: true })).toHaveAttribute(
    'aria-rowcount',
    String(flips + 1),
  );
  await page
    .getByRole('button', { name: /^Steer by group pair-/ })
    .first()
    .click();
  await idle(page);
  await expect(page.getByText(/^Flipped:/)).toBeVisible();
  await page.getByText(/^All responses/).click();
  await expect(page.getByRole('table', { name: 'All responses by steered score' })).toHaveAttribute(
    'aria-rowcount',
    '401',
  );
  expect(await violations(page)).toEqual([]);
  await button(page, 'Back to the open responses').click();
  const wrong = test.info().outputPath('wrong.jsonl');
  writeFileSync(wrong, '{"score":1,"rewards":[1,2],"gateWeights":[0.5,0.5]}\n');
  await page.getByLabel('File of scored responses').setInputFiles(wrong);
  await expect(page.getByRole('alert')).toContainText('2 objectives, and the model in use has 19');
});

test('a link whose weights do not fit the model is refused in words', async ({ page }) => {
  await openModel(page, model);
  await openSteer(page);
  await weight(page, 'code-style').fill('0.5');
  await button(page, 'Share').click();
  const link = await page.getByRole('textbox', { name: 'Link', exact: true }).inputValue();
  const fragment = link.slice(link.indexOf('#'));
  await page.goto(`/?model=${encodeURIComponent('/packages/multidomain-tiny/')}${fragment}`);
  await idle(page);
  await expect(page.getByText('The weights of this link do not fit')).toBeVisible();
  await expect(page.getByText(/weighs 19 objectives, and the loaded model has 23/)).toBeVisible();
});

for (const scheme of ['light', 'dark'] as const) {
  test(`Steer is whole and accessible in the ${scheme} scheme at every width`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.goto('/#/steer');
    await idle(page);
    expect(await violations(page)).toEqual([]);
    await button(page, 'Smallest flip').click();
    await button(page, 'Apply flip').click();
    for (const width of [390, 1024, 1440, 2560]) {
      await page.setViewportSize({ width, height: 900 });
      await idle(page);
      const excess = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(excess, `the page is wider than ${width}`).toBeLessThanOrEqual(0);
      // The result stays in sight while sliders far below are moved.
      await weight(page, 'code-readability').scrollIntoViewIfNeeded();
      await expect(status(page, 'Steered margin')).toBeInViewport();
      await page.evaluate(() => window.scrollTo(0, 0));
    }
    for (const handle of ['Final coefficients', 'Gate logits', 'Penalties λ']) {
      await page.getByText(handle, { exact: true }).click();
      expect(await violations(page)).toEqual([]);
    }
    for (const popover of ['Presets', 'Share', 'Save as head']) {
      await button(page, popover).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press('Escape');
    }
  });
}
