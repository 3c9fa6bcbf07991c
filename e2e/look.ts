/** What every view is held to: nothing a screen reader stumbles over, nothing cut off. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { idle } from './inspect-page.ts';

/** Widths of a phone, a small window, a laptop and a large screen, in CSS pixels. */
const widths = [390, 1024, 1440, 2560];

export async function expectNoViolations(page: Page, where = ''): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`),
    where,
  ).toEqual([]);
}

/** Text that leaves the page or that its own box cuts off; beginnings of texts that say so (`Excerpt`) may be cut. */
export async function cutText(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const found: string[] = [];
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) found.push(`the page is ${scrollWidth} wide in ${clientWidth}`);
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      const ownText = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== '',
      );
      if (!ownText || element.closest('.visually-hidden, [hidden], svg, textarea, [data-excerpt][title]') !== null)
        continue;
      const style = getComputedStyle(element);
      const clips = style.overflowX === 'hidden' || style.overflowX === 'clip';
      if (clips && element.scrollWidth > element.clientWidth + 1) found.push(`${element.textContent} is cut off`);
    }
    return found;
  });
}

/** Labels of charts that leave their chart or touch each other, and text that its box cuts off. */
async function badlyPlaced(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const found: string[] = [];
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) found.push(`the page is ${scrollWidth} wide in ${clientWidth}`);
    for (const chart of document.querySelectorAll('figure [role=img]')) {
      const frame = chart.getBoundingClientRect();
      const labels = [...chart.querySelectorAll('text[text-anchor]')].map((text) => ({
        name: text.textContent,
        box: text.getBoundingClientRect(),
      }));
      if (labels.length === 0) found.push('a chart has no labels');
      // A radar's line goes once around, back to where it began, with one corner for each objective; each has its label.
      const line = chart.querySelector('.recharts-radar-polygon path')?.getAttribute('d');
      const corners = (line?.match(/[ML][^MLZz]+/g) ?? [])
        .map((corner) => corner.slice(1))
        .filter((corner, at, all) => at === 0 || corner !== all[0]).length;
      if (line !== undefined && labels.length !== corners)
        found.push(`a radar has ${labels.length} labels for ${corners} objectives`);
      for (const [index, { name, box }] of labels.entries()) {
        if (
          box.left < frame.left ||
          box.right > frame.right ||
          box.top < frame.top - 1 ||
          box.bottom > frame.bottom + 1
        )
          found.push(`${name} leaves its chart`);
        for (const other of labels.slice(index + 1)) {
          const apart =
            box.right <= other.box.left ||
            other.box.right <= box.left ||
            box.bottom <= other.box.top + 1 ||
            other.box.bottom <= box.top + 1;
          if (!apart) found.push(`${name} touches ${other.name}`);
        }
      }
    }
    for (const cell of document.querySelectorAll('table th, table td')) {
      if (cell.scrollWidth > cell.clientWidth + 1) found.push(`${cell.textContent} is cut off`);
    }
    for (const row of document.querySelectorAll('tbody tr')) {
      const texts = [...row.querySelectorAll('td > span:last-child')].map((cell) => cell.getBoundingClientRect());
      for (const [index, box] of texts.entries()) {
        const next = texts[index + 1];
        if (next !== undefined && Math.abs(next.top - box.top) < 2 && box.right > next.left + 1)
          found.push(`numbers touch in ${row.textContent}`);
      }
    }
    return found;
  });
}

/** Holds the charts and tables of the page as it is to every width: no label leaves its chart or touches another. */
export async function expectWellPlaced(page: Page, where = ''): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    await expect.poll(() => badlyPlaced(page), `${where} at ${width}`).toEqual([]);
  }
}

/**
 * Holds the page as it is to every width: nothing cut, and no violation at any of them. `settles`: the page comes to rest by itself
 * (one that is loading does not).
 */
export async function expectWholeAtEveryWidth(page: Page, where = '', settles = true): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    if (settles) await idle(page);
    await expect.poll(() => cutText(page), `${where} at ${width}`).toEqual([]);
    await expectNoViolations(page, `${where} at ${width}`);
  }
}
