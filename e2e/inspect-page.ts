/** The Inspect view as a person with assistive technology meets it: by roles and accessible names alone. */
import { expect, type Locator, type Page } from '@playwright/test';

/** One objective's row, in the table's order; numbers at full precision, from the cells' titles. */
export interface ObjectiveRow {
  readonly objective: string;
  readonly reward: number;
  readonly adjusted: number;
  readonly gateWeight: number;
  readonly coefficient: number;
  readonly contribution: number;
}

export interface ResponseResult {
  readonly score: number;
  readonly rows: readonly ObjectiveRow[];
}

/** Waits until the page says that no work is running: no load, no score, no lazy code. */
export async function idle(page: Page): Promise<void> {
  await page.waitForFunction(() => 'armoscope' in window);
  await page.evaluate(() => (window as unknown as { armoscope: { whenIdle(): Promise<void> } }).armoscope.whenIdle());
}

/** Opens the page on a package that the test server holds, and waits until it is loaded or refused. */
export async function openModel(page: Page, packageName: string, query = ''): Promise<void> {
  await page.goto(`/?model=${encodeURIComponent(`/packages/${packageName}/`)}${query}`);
  await idle(page);
}

export function response(page: Page, letter: string): Locator {
  return page.getByRole('region', { name: `Response ${letter}`, exact: true });
}

/** Writes the texts, presses Score, waits, and reads every response's numbers. */
export async function score(page: Page, prompt: string, responses: readonly string[]): Promise<ResponseResult[]> {
  await write(page, prompt, responses);
  await page.getByRole('button', { name: 'Score', exact: true }).click();
  await idle(page);
  return await Promise.all(responses.map(async (_, index) => await readResult(page, letterOf(index))));
}

export async function write(page: Page, prompt: string, responses: readonly string[]): Promise<void> {
  await page.getByRole('textbox', { name: 'User message', exact: true }).fill(prompt);
  for (const [index, text] of responses.entries())
    await page.getByRole('textbox', { name: `Response ${letterOf(index)} text`, exact: true }).fill(text);
}

export async function readResult(page: Page, letter: string): Promise<ResponseResult> {
  const status = response(page, letter).getByRole('status', { name: `Score of response ${letter}` });
  await expect(status).toHaveAttribute('title', /\d/);
  const table = page.getByRole('table', { name: `Objectives of response ${letter}` });
  const cells = await table.getByRole('row').evaluateAll((rows) =>
    rows.slice(1).map((row) => ({
      objective: row.querySelector('[role=rowheader]')?.textContent ?? '',
      titles: [...row.querySelectorAll('[role=cell]')].map((cell) => cell.getAttribute('title') ?? ''),
    })),
  );
  return {
    score: Number(await status.getAttribute('title')),
    rows: cells.map(({ objective, titles }) => {
      const [reward = NaN, adjusted = NaN, gateWeight = NaN, coefficient = NaN, contribution = NaN] =
        titles.map(Number);
      return { objective, reward, adjusted, gateWeight, coefficient, contribution };
    }),
  };
}

function letterOf(index: number): string {
  return 'ABCDEFGH'.charAt(index);
}
