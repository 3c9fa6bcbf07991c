/** Inspect's analysis: charts with table twins and exports, waterfalls that sum, sentences that are true. */
import { readFileSync } from 'node:fs';
import type { Locator, Page } from '@playwright/test';
import { openModel, readResult } from './inspect-page.ts';
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
