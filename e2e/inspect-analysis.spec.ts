/** Inspect's analysis: charts with table twins and exports, waterfalls that sum, sentences that are true. */
import { readFileSync } from 'node:fs';
import type { Locator, Page } from '@playwright/test';
import { idle, openModel, readResult, response, score, write } from './inspect-page.ts';
import { expectNoViolations, expectWellPlaced } from './look.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';

/** The frame of a chart, by its title. */
function chart(page: Page, title: string): Locator {
  return page.getByRole('figure', { name: title, exact: true });
}

/** Saves the chart and reads the file. */
async function exported(
  page: Page,
  title: string,
  kind: 'SVG' | 'PNG' | 'CSV',
): Promise<{ name: string; bytes: Buffer }> {
  await chart(page, title)
    .getByRole('button', { name: `Export ${title}`, exact: true })
    .click();
  const download = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: new RegExp(`^${kind}`) }).click();
  const file = await download;
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

/** A CSV without quotes in it, as lines of cells. */
function cells(bytes: Buffer): string[][] {
  return bytes
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimEnd()
    .split('\r\n')
    .map((line) => line.split(','));
}

test('a chart has its table, and leaves as SVG, PNG and CSV', async ({ page }) => {
  await openModel(page, model);
  const [a, b] = [await readResult(page, 'A'), await readResult(page, 'B')];
  const frame = chart(page, 'Rewards');
  await test.step('the CSV holds every number in full', async () => {
    const { name, bytes } = await exported(page, 'Rewards', 'CSV');
    expect(name).toBe('rewards-raw.csv');
    const [header, ...rows] = cells(bytes);
    expect(header).toEqual(['Objective', 'Response A', 'Response B']);
    expect(rows).toEqual(
      a.rows.map((row, index) => [row.objective, String(row.reward), String(b.rows[index]?.reward)]),
    );
  });
  const svg = await test.step('the SVG stands by itself', async () => {
    const { name, bytes } = await exported(page, 'Rewards', 'SVG');
    expect(name).toBe('rewards-raw.svg');
    const text = bytes.toString('utf8');
    expect(text.match(/var\(|\s(?:class|style)=|<script|href="http|NaN/)?.[0]).toBeUndefined();
    const facts = await page.evaluate((source) => {
      const parsed = new DOMParser().parseFromString(source, 'image/svg+xml');
      const root = parsed.documentElement;
      return {
        name: root.nodeName,
        errors: parsed.querySelectorAll('parsererror').length,
        size: [Number(root.getAttribute('width')), Number(root.getAttribute('height'))],
        title: root.querySelector('title')?.textContent,
        texts: [...root.querySelectorAll('text')].map((node) => node.textContent),
        background: root.querySelector('rect')?.getAttribute('fill'),
      };
    }, text);
    expect(facts).toMatchObject({ name: 'svg', errors: 0, title: 'Rewards', background: '#ffffff' });
    expect(facts.texts).toEqual(expect.arrayContaining(['Rewards', 'verbosity', 'Response A', 'Response B']));
    return facts;
  });
  await test.step('the PNG is the same picture at twice the size', async () => {
    const { bytes } = await exported(page, 'Rewards', 'PNG');
    const image = await page.evaluate(async (base64) => {
      const bitmap = await createImageBitmap(
        new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))], { type: 'image/png' }),
      );
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      const context = canvas.getContext('2d');
      context?.drawImage(bitmap, 0, 0);
      const pixels = context?.getImageData(0, 0, bitmap.width, bitmap.height).data ?? [];
      const colours = new Set<number>();
      for (let at = 0; at < pixels.length; at += 4)
        colours.add(((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0));
      return { size: [bitmap.width, bitmap.height], colours: [...colours] };
    }, bytes.toString('base64'));
    expect(image.size).toEqual(svg.size.map((side) => side * 2));
    // The background, both responses' lines and the HelpSteer marker.
    expect(image.colours).toEqual(expect.arrayContaining([0xffffff, 0x20262f, 0xa8324f, 0x4a70e2]));
  });
  await test.step('the table twin shows the same, and the chart can still be saved beside it', async () => {
    await frame.getByRole('button', { name: 'Show Rewards as a table' }).click();
    const table = frame.getByRole('table', { name: 'Rewards' });
    await expect(table.getByRole('row')).toHaveCount(a.rows.length + 1);
    await expect(table.getByRole('row').nth(1).getByRole('cell').first()).toHaveAttribute(
      'title',
      String(a.rows[0]?.reward),
    );
    const { bytes } = await exported(page, 'Rewards', 'SVG');
    expect(bytes.toString('utf8')).toContain('>verbosity<');
    await frame.getByRole('button', { name: 'Show Rewards as a table' }).click();
    await expect(frame.getByRole('img')).toBeVisible();
  });
});

/** Rows of a shown table: the header cell's text, then every cell's full number or text. */
async function tableRows(table: Locator): Promise<string[][]> {
  return await table
    .getByRole('row')
    .evaluateAll((rows) =>
      rows.map((row) =>
        [...row.querySelectorAll('th, td')].map((cell) => cell.getAttribute('title') ?? cell.textContent.trim()),
      ),
    );
}

const prompt = 'Name three colours of the rainbow, and say which is your favourite.';
const answers = ['Red, green and violet. I have no favourite, but violet is rare.', 'Colours are colours, and so on.'];

test('a score is a waterfall whose table sums to it, and a pair’s sentence says what the numbers say', async ({
  page,
}) => {
  await openModel(page, model);
  const results = await score(page, prompt, answers);
  await test.step('the waterfall of a response', async () => {
    const frame = chart(page, 'Where the score of A comes from');
    await frame.getByRole('button', { name: 'Show Where the score of A comes from as a table' }).click();
    const rows = (await tableRows(frame.getByRole('table'))).slice(1);
    const total = Number(rows.at(-1)?.at(-1));
    expect(total).toBe(results[0]?.score);
    const base = Number(rows[0]?.at(-1));
    const steps = rows.slice(1, -1).map((row) => Number(row[4]));
    expect(steps).toHaveLength(19);
    expect(base + steps.reduce((sum, step) => sum + step, 0)).toBeCloseTo(total, 12);
    // The running total before the last row ends where the score is.
    expect(Number(rows.at(-2)?.at(-1))).toBeCloseTo(total, 12);
  });
  const [a, b] = results;
  if (a === undefined || b === undefined) throw new Error('two responses were scored');
  const [better, worse, first, second] = a.score >= b.score ? [a, b, 'A', 'B'] : [b, a, 'B', 'A'];
  const steps = better.rows.map((row, index) => row.coefficient * (row.reward - (worse.rows[index]?.reward ?? NaN)));
  await test.step('the margin of the pair', async () => {
    const frame = chart(page, `Margin ${first} − ${second}`);
    await frame.getByRole('button', { name: /^Show Margin/ }).click();
    const rows = (await tableRows(frame.getByRole('table'))).slice(1, -1);
    for (const row of rows) {
      const index = better.rows.findIndex((entry) => entry.objective === row[0]);
      expect(Number(row[4])).toBeCloseTo(steps[index] ?? NaN, 12);
    }
    expect(rows.reduce((sum, row) => sum + Number(row[4]), 0)).toBeCloseTo(better.score - worse.score, 12);
  });
  await test.step('the sentence', async () => {
    const words = page.getByRole('group', { name: 'Why' });
    const largest = better.rows[steps.indexOf(Math.max(...steps))]?.objective ?? '';
    const against = better.rows[steps.indexOf(Math.min(...steps))]?.objective ?? '';
    await expect(words).toContainText(`Response ${first} scores higher than response ${second}, `);
    await expect(words).toContainText(new RegExp(`because it rates (higher|lower) on ${largest}\\b`));
    await expect(words).toContainText(`; ${against} pulls the other way most`);
    const top = better.rows.reduce((most, row) => (row.gateWeight > most.gateWeight ? row : most));
    await expect(words).toContainText(`the gate weighs ${top.objective} most`);
  });
  await test.step('an objective explains itself, by keyboard, and gives the focus back', async () => {
    const name = response(page, 'A').getByRole('button', { name: 'helpsteer-verbosity', exact: true }).last();
    await name.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'helpsteer-verbosity' });
    await expect(dialog).toContainText('It measures length');
    await expect(dialog).toContainText('Unknown: this package brings no figures for it.');
    const rows = await tableRows(dialog.getByRole('table', { name: 'helpsteer-verbosity in this inspection' }));
    expect(rows[1]?.slice(0, 2)).toEqual(['A', String(a.rows[4]?.reward)]);
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    await expect(name).toBeFocused();
  });
});

test('the embedded package tells what raises an objective, and a chart in a dialog can be saved', async ({ page }) => {
  await page.goto('/');
  await response(page, 'A').getByRole('button', { name: 'ultrafeedback-honesty', exact: true }).last().click();
  const dialog = page.getByRole('dialog', { name: 'ultrafeedback-honesty' });
  await expect(dialog).toContainText(/follows its labels: (AUC|Spearman ρ) \d/);
  const { name, bytes } = await exported(page, 'What raises it', 'CSV');
  expect(name).toBe('raised-by-ultrafeedback-honesty.csv');
  expect(bytes.toString('utf8')).toMatch(/^\ufeffWhen the response …,Effect,±,Pairs\r\n/);
});

test('many responses are ranked, and compared with the one that is pinned', async ({ page }) => {
  await openModel(page, model);
  await write(page, prompt, answers);
  for (const [at, text] of ['Blue.', 'No.'].entries()) {
    await page.getByRole('button', { name: 'Add a response' }).click();
    await page.getByRole('textbox', { name: `Response ${'CD'.charAt(at)} text` }).fill(text);
  }
  await page.getByRole('button', { name: 'Score', exact: true }).click();
  await idle(page);
  const results = await Promise.all(['A', 'B', 'C', 'D'].map((letter) => readResult(page, letter)));
  const scores = cells((await exported(page, 'Scores', 'CSV')).bytes).slice(1);
  expect(scores.map((row) => Number(row[2]))).toEqual(results.map((result) => result.score).sort((x, y) => y - x));
  await page.getByRole('radiogroup', { name: 'Pinned response' }).getByText('C', { exact: true }).click();
  const title = 'Differences to response C';
  await chart(page, title)
    .getByRole('button', { name: `Show ${title} as a table` })
    .click();
  const rows = await tableRows(chart(page, title).getByRole('table'));
  expect(rows[0]).toEqual(['Objective', 'A − C', 'B − C', 'D − C']);
  for (const [column, letter] of ['A', 'B', 'D'].entries()) {
    const sum = rows.slice(1, -1).reduce((total, row) => total + Number(row[column + 1]), 0);
    const difference = (results['ABCD'.indexOf(letter)]?.score ?? NaN) - (results[2]?.score ?? NaN);
    expect(sum).toBeCloseTo(difference, 12);
    expect(Number(rows.at(-1)?.[column + 1])).toBe(difference);
  }
});

for (const scheme of ['light', 'dark'] as const) {
  test(`menus, the gate’s radar, tables and a ranking are whole and accessible in the ${scheme} scheme`, async ({
    page,
  }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await openModel(page, model);
    await page.getByRole('radiogroup', { name: 'Shape of the gate' }).getByText('Radar').click();
    await page.getByRole('button', { name: 'Export Gate', exact: true }).click();
    await expect(page.getByRole('menuitem').first()).toBeFocused();
    await expectNoViolations(page);
    await page.keyboard.press('ArrowUp');
    await expect(page.getByRole('menuitem', { name: 'CSV table' })).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('button', { name: 'Export Gate', exact: true })).toBeFocused();
    await expectWellPlaced(page);
    for (const button of await page.getByRole('button', { name: /^Show .* as a table$/ }).all()) await button.click();
    await expectWellPlaced(page);
    await expectNoViolations(page);
    await page.getByRole('button', { name: 'Add a response' }).click();
    await page.getByRole('textbox', { name: 'Response C text' }).fill('Stop watering.');
    await page.getByRole('button', { name: 'Score', exact: true }).click();
    await idle(page);
    await expectWellPlaced(page);
    await expectNoViolations(page);
  });

  test(`an objective’s explanation is whole and accessible in the ${scheme} scheme`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    // The first screen is recorded, so its objectives explain themselves before any weight is there.
    await page.goto('/');
    await response(page, 'A').getByRole('button', { name: 'ultrafeedback-honesty', exact: true }).last().click();
    await expect(page.getByRole('dialog')).toContainText('What raises it');
    await expectWellPlaced(page);
    await expectNoViolations(page);
  });
}
