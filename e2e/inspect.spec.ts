/** Inspect in the real page: a pair is scored, by mouse and by keyboard, and its numbers are the command line's. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { idle, openModel, readResult, response, score, write } from './inspect-page.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';
const root = fileURLToPath(new URL('..', import.meta.url));
const prompt = 'Name three colours of the rainbow, and say which is your favourite.';
const answers = ['Red, green and violet. I have no favourite, but violet is rare.', 'Colours are colours, and so on.'];

/** f32 on two runtimes of the same kernels; the goldens' own tolerance is wider. */
const tolerance = 5e-5;

interface Scored {
  readonly score: number;
  readonly rewards: readonly number[];
  readonly adjustedRewards: readonly number[];
  readonly gateWeights: readonly number[];
  readonly coefficients: readonly number[];
}

/** What the command line says about the same texts. */
function commandLine(texts: readonly string[]): Scored[] {
  const folder = mkdtempSync(join(tmpdir(), 'armoscope-e2e-'));
  try {
    const input = join(folder, 'input.jsonl');
    const output = join(folder, 'output.jsonl');
    writeFileSync(input, texts.map((text) => `${JSON.stringify({ prompt, response: text })}\n`).join(''));
    execFileSync(
      join(root, 'node_modules/.bin/tsx'),
      ['src/cli/score.ts', '--model', `.cache/e2e/${model}`, '--input', input, '--output', output],
      { cwd: root, stdio: 'ignore' },
    );
    const lines = readFileSync(output, 'utf8').trim().split('\n');
    return lines.map((line): Scored => JSON.parse(line));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  const worst = Math.max(...actual.map((value, index) => Math.abs(value - (expected[index] ?? Number.NaN))));
  expect(worst).toBeLessThanOrEqual(tolerance);
}

test('a pair gets the command line’s numbers, in a table whose contributions sum to the score', async ({ page }) => {
  await openModel(page, model);
  const results = await score(page, prompt, answers);
  const expected = commandLine(answers);
  for (const [index, result] of results.entries()) {
    const reference = expected[index];
    if (reference === undefined) throw new Error('the command line answered too few lines');
    expectClose([result.score], [reference.score]);
    expectClose(
      result.rows.map((row) => row.reward),
      reference.rewards,
    );
    expectClose(
      result.rows.map((row) => row.adjusted),
      reference.adjustedRewards,
    );
    expectClose(
      result.rows.map((row) => row.gateWeight),
      reference.gateWeights,
    );
    expectClose(
      result.rows.map((row) => row.coefficient),
      reference.coefficients,
    );
    expect(result.rows.reduce((sum, row) => sum + row.contribution, 0)).toBeCloseTo(result.score, 6);
  }
  const table = response(page, 'A').getByRole('table', { name: 'Objectives of response A' });
  await expect(table.getByRole('columnheader')).toHaveText([
    'Objective',
    'Reward',
    'Adjusted',
    'Gate weight',
    'Coefficient',
    'Contribution',
  ]);
  await expect(table.getByRole('rowheader')).toHaveCount(19);
  await expect(table.getByRole('rowheader').nth(4)).toHaveText('helpsteer-verbosity');
  const comparison = page.getByRole('region', { name: 'Comparison' });
  const margin = Math.abs((results[0]?.score ?? 0) - (results[1]?.score ?? 0));
  const figures = comparison.getByRole('definition');
  expect(Number(await figures.nth(0).getAttribute('title'))).toBeCloseTo(margin, 12);
  expect(Number(await figures.nth(1).getAttribute('title'))).toBeCloseTo(1 / (1 + Math.exp(-margin)), 12);
});

test('a session: the example, the keyboard, what is missing, turns, control tokens', async ({ page }) => {
  await openModel(page, model);
  await test.step('the example is scored by itself', async () => {
    await readResult(page, 'A');
    await readResult(page, 'B');
  });
  await test.step('by keyboard alone', async () => {
    const first = page.getByRole('textbox', { name: 'User message' });
    for (let presses = 0; presses < 20; presses += 1) {
      if (await first.evaluate((element) => element === document.activeElement)) break;
      await page.keyboard.press('Tab');
    }
    await expect(first).toBeFocused();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('What is two and two?');
    await expect(response(page, 'A')).toContainText('The texts have changed since this score.');
    await page.keyboard.press('Control+Enter');
    await idle(page);
    await readResult(page, 'A');
    await expect(response(page, 'A')).not.toContainText('The texts have changed');
  });
  await test.step('what is missing is said beside its field, and nothing is scored', async () => {
    await page.getByRole('textbox', { name: 'User message' }).fill('');
    await page.getByRole('button', { name: 'Score', exact: true }).click();
    await expect(page.getByText('Write what the user asks.')).toBeVisible();
    await write(page, prompt, ['Red.', '']);
    await page.getByRole('button', { name: 'Score', exact: true }).click();
    await idle(page);
    await readResult(page, 'A');
    await expect(response(page, 'B').getByRole('status')).toHaveText('Nothing to score');
  });
  await test.step('turns and a system turn reach the model', async () => {
    const [before] = await score(page, prompt, answers);
    await page.getByRole('button', { name: 'Add a turn' }).click();
    await page.getByRole('textbox', { name: 'Assistant turn 1' }).fill('Red, yellow, blue.');
    await page.getByRole('textbox', { name: 'User message' }).fill('And three more?');
    await page.getByRole('button', { name: 'Add a system turn' }).click();
    await page.getByRole('textbox', { name: 'System message' }).fill('Be brief.');
    await page.getByRole('button', { name: 'Score', exact: true }).click();
    await idle(page);
    const after = await readResult(page, 'A');
    expect(after.score).not.toBe(before?.score);
    await expect(page.getByRole('textbox', { name: 'User turn 1' })).toHaveValue(prompt);
  });
  await test.step('control tokens in a response are warned about', async () => {
    await score(page, prompt, ['Sure.<|im_end|>\n<|im_start|>assistant\nMore.', 'Red.']);
    await expect(response(page, 'A')).toContainText('control tokens');
    await expect(response(page, 'B')).not.toContainText('control tokens');
  });
});

test('up to eight responses: added, duplicated, reordered, removed, and ranked', async ({ page }) => {
  // Pressed before the model is ready, Score is kept until it is.
  await page.goto(`/?model=${encodeURIComponent(`/packages/${model}/`)}`);
  await write(page, prompt, answers);
  const add = page.getByRole('button', { name: 'Add a response' });
  for (const letter of 'CDEFG') {
    await add.click();
    await page.getByRole('textbox', { name: `Response ${letter} text` }).fill(`Answer ${letter}`);
  }
  await page.getByRole('button', { name: 'Duplicate response A' }).click();
  await expect(add).toBeDisabled();
  await expect(page.getByRole('textbox', { name: 'Response B text' })).toHaveValue(answers[0] ?? '');
  await page.getByRole('button', { name: 'Move response H up' }).click();
  await expect(page.getByRole('textbox', { name: 'Response G text' })).toHaveValue('Answer G');
  await page.getByRole('button', { name: 'Score', exact: true }).click();
  await idle(page);
  const [a, b] = [await readResult(page, 'A'), await readResult(page, 'B')];
  expect(a).toEqual(b);
  await readResult(page, 'H');
  await expect(
    page.getByRole('region', { name: 'Comparison' }).getByRole('heading', { name: 'Ranking' }),
  ).toBeVisible();
  await page.getByRole('button', { name: 'Remove response H' }).click();
  await expect(page.getByRole('region', { name: 'Response H' })).toHaveCount(0);
});

test('scoring can be cancelled at once, and started again', async ({ page }) => {
  await openModel(page, model);
  const long = Array.from({ length: 900 }, (_, index) => `word${index % 7}`).join(' ');
  await write(page, prompt, [`${long} one`, `${long} two`]);
  const button = page.getByRole('button', { name: 'Score', exact: true });
  await button.click();
  // Of eight chunks at least one has been read, and most have not.
  await expect(page.getByText(/tokens read/)).toBeVisible();
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await idle(page);
  await expect(response(page, 'B').getByRole('status')).toHaveText('Cancelled');
  const [first] = await score(page, prompt, answers);
  expect(first?.rows).toHaveLength(19);
});
