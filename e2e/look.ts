/** What every view is held to: nothing a screen reader stumbles over, nothing cut off. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { idle } from './inspect-page.ts';

/** Widths of a phone, a small window, a laptop and a large screen, in CSS pixels. */
export const widths = [390, 1024, 1440, 2560];

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
