/** Whether a page holds up: no accessibility violation, nothing cut off or overlapping. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect } from './test.ts';

/** A phone, a small laptop, a laptop, a large screen. */
export const widths = [390, 1024, 1440, 2560];

export async function expectNoViolations(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`)).toEqual(
    [],
  );
}

/** Labels of charts that leave their chart or touch each other, and text that its box cuts off. */
export async function badlyPlaced(page: Page): Promise<string[]> {
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
