/** The Evaluate view as a person meets it: a dataset opened, scored, exported. */
import { readFileSync } from 'node:fs';
import { expect, type Download, type Page } from '@playwright/test';
import { SeededRandom } from '@/base/random.ts';
import { idle } from './inspect-page.ts';

export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
export const status = (page: Page, name: string) => page.getByRole('status', { name, exact: true });
export const panel = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

export async function openEvaluate(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.location.hash = '#/evaluate';
  });
  await expect(page.getByRole('heading', { level: 1, name: 'Evaluate' })).toBeAttached();
  await idle(page);
}

export async function choose(page: Page, name: string, content: string | Uint8Array): Promise<void> {
  await page
    .getByLabel('File of a dataset or of scores')
    .setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) });
  await idle(page);
}

export async function scoreDataset(page: Page): Promise<void> {
  await button(page, 'Score the dataset').click();
  await idle(page);
  await expect(status(page, 'Queue state')).toContainText('scored');
}

export async function bytesOf(download: Download): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(readFileSync(await download.path()));
}

export async function exported(page: Page, format: string): Promise<Uint8Array<ArrayBuffer>> {
  await button(page, 'Export scores, rewards and gate weights').click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: format }).click(),
  ]);
  return bytesOf(download);
}

/** Pairs that nobody wrote, of about as many tokens each. */
export function pairLines(pairs: number): string {
  const random = new SeededRandom(6);
  const words = 'river stone lamp quiet green walk seven paper cloud bread music north winter engine garden'.split(' ');
  const text = (count: number) => Array.from({ length: count }, () => words[random.integer(words.length)]).join(' ');
  return Array.from({ length: pairs }, (_, at) =>
    JSON.stringify({ id: `pair-${at}`, prompt: `${text(8)} ${at}?`, chosen: text(16), rejected: text(16) }),
  ).join('\n');
}
