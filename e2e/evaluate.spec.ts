/** Evaluate in the real page: datasets opened, scored, killed half-way and resumed; tables, filters, exports, a file without a model. */
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from '@playwright/test';
import { evaluationReport } from '@/core/evaluation-report.ts';
import { writeTrainedHead } from '@/formats/head-files.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { readScoredSet } from '@/formats/scored-set.ts';
import {
  button,
  bytesOf,
  choose,
  exported,
  openEvaluate,
  pairLines,
  panel,
  scoreDataset,
  status,
} from './evaluate-page.ts';
import { idle, openModel, readResult } from './inspect-page.ts';
import { expectNoViolations, expectWholeAtEveryWidth } from './look.ts';
import { packageHead } from './scored-lines.ts';
import { expect, test } from './test.ts';

const model = 'armorm-tiny-smollm';

/** The cells of one row of the table of accuracies: comparisons, accuracy, interval, baseline, ties, longest, shortest. */
function accuracyCells(page: Page, name: string): Locator {
  return page
    .getByRole('table', { name: 'Accuracy by subset and section' })
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name, exact: true }) })
    .getByRole('cell');
}

/** At full precision. */
async function accuracy(page: Page, name: string): Promise<number> {
  return Number(await accuracyCells(page, name).nth(1).getAttribute('title'));
}

test('the sample is scored, judged, steered, saved, and explored again without a model', async ({ page }) => {
  await openModel(page, model);
  await openEvaluate(page);
  await button(page, 'Sample dataset').click();
  await idle(page);
  await expect(status(page, 'Layout')).toContainText('Recognised as the layout of RewardBench');
  await scoreDataset(page);
  const file = await exported(page, 'JSON lines');
  const { set } = await readScoredSet(memorySource('scored.jsonl', file));
  const report = evaluationReport(set);

  await test.step('the tables are what the command line makes of the same scores', async () => {
    expect(set.rows).toBe(96);
    expect(await accuracy(page, 'All')).toBe(report.overall.accuracy);
    for (const { name, accuracy: right, longest } of report.subsets) {
      expect(await accuracy(page, name), name).toBe(right);
      await expect(accuracyCells(page, name).nth(5)).toHaveAttribute('title', String(longest?.accuracy));
    }
  });

  await test.step('rows are filtered and sorted', async () => {
    const shown = status(page, 'Rows shown');
    await expect(shown).toContainText('48 of 48');
    await page.getByLabel('Outcome').selectOption('wrong');
    await expect(shown).toContainText(`${report.overall.losses} of 48`);
    await page.getByLabel('Margin, to').fill('-0.01');
    await page.getByRole('columnheader', { name: 'Margin' }).getByRole('button').click();
    await page.getByRole('columnheader', { name: 'Margin' }).getByRole('button').click();
    const margins = await page
      .getByRole('table', { name: 'Comparisons' })
      .getByRole('row')
      .evaluateAll((rows) =>
        rows
          .slice(1)
          .map((row) => Number(row.querySelectorAll('[role=cell]')[2]?.firstElementChild?.getAttribute('title'))),
      );
    expect(margins.length).toBeGreaterThan(3);
    expect(margins).toEqual(margins.toSorted((a, b) => a - b));
    expect(margins.every((margin) => margin <= -0.01)).toBe(true);
    await page.getByLabel('Outcome').selectOption('any');
    await page.getByLabel('Margin, to').fill('');
  });

  await test.step('without the correction, here and in Steer, the same pairs flip', async () => {
    await page.getByRole('radiogroup').getByText('off', { exact: true }).click();
    await idle(page);
    const flips = Number.parseInt((await status(page, 'Flips').textContent()) ?? '', 10);
    expect(flips).toBeGreaterThan(0);
    await page.getByRole('checkbox', { name: 'Flips only' }).check();
    await expect(status(page, 'Rows shown')).toContainText(`${flips} of 48`);
    expect(await accuracy(page, 'All')).not.toBe(report.overall.accuracy);
    await page.getByRole('link', { name: 'Steer', exact: true }).first().click();
    await idle(page);
    await expect(panel(page, 'Loaded set')).toContainText(`Flips (${flips})`);
    await openEvaluate(page);
    await button(page, 'Reset to the baseline').click();
    await idle(page);
    expect(await accuracy(page, 'All')).toBe(report.overall.accuracy);
  });

  await test.step('whole at every width, in both schemes', async () => {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectWholeAtEveryWidth(page, `Evaluate, ${colorScheme}`);
    }
  });

  await test.step('a row opens in Inspect with the same score', async () => {
    await button(page, 'Open verbosity-1 in Inspect').click();
    await idle(page);
    const { score } = await readResult(page, 'A');
    expect(score).toBeCloseTo(set.scores[0] ?? Number.NaN, 6);
  });

  await test.step('saved scores are explored without a model, from every format', async () => {
    await openEvaluate(page);
    const parquet = await exported(page, 'Parquet');
    const csv = await exported(page, 'CSV');
    await page.goto('/?model=/packages/none/#/evaluate');
    await idle(page);
    for (const [name, content] of [
      ['scored.jsonl', file],
      ['scored.parquet', parquet],
      ['scored.csv', csv],
    ] as const) {
      await choose(page, name, content);
      await expect(page.getByRole('heading', { name: `Results: ${name}` })).toBeVisible();
      expect(await accuracy(page, 'All'), name).toBe(report.overall.accuracy);
    }
  });
});

/** Responses in each batch that is kept. */
async function keptBatches(page: Page): Promise<number[]> {
  return page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('evaluations').catch(() => undefined);
    const rows: number[] = [];
    if (folder === undefined) return rows;
    for await (const handle of folder.values()) {
      if (handle.kind !== 'file' || !handle.name.endsWith('.safetensors')) continue;
      const bytes = await (await handle.getFile()).arrayBuffer();
      const length = Number(new DataView(bytes).getBigUint64(0, true));
      const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, length))) as {
        scores: { shape: number[] };
      };
      rows.push(header.scores.shape[0] ?? 0);
    }
    return rows;
  });
}

test('a page killed in the middle of 300 rows goes on, and scores at most one batch again', async ({
  page,
  context,
}) => {
  await openModel(page, model);
  await openEvaluate(page);
  await choose(page, 'pairs.jsonl', pairLines(300));
  await button(page, 'Score the dataset').click();
  // Killed once a batch is kept and the next one has begun.
  await expect.poll(async () => (await keptBatches(page)).length, { timeout: 120_000 }).toBeGreaterThan(0);
  const before = await keptBatches(page);
  const kept = before.reduce((sum, rows) => sum + rows, 0);
  const state = status(page, 'Queue state');
  const done = async () => Number.parseInt(((await state.textContent()) ?? '').replaceAll(/[^\d ].*/g, ''), 10);
  await expect.poll(done).toBeGreaterThan(kept);
  expect(kept).toBeLessThan(600);
  await page.close();

  const other = await context.newPage();
  await openModel(other, model);
  await openEvaluate(other);
  await expect(other.getByText('The evaluation of pairs.jsonl was interrupted')).toBeVisible();
  const after = await keptBatches(other);
  const known = after.reduce((sum, rows) => sum + rows, 0);
  await button(other, 'Resume the evaluation').click();

  await test.step('it can be paused and taken up again', async () => {
    await button(other, 'Pause').click();
    await idle(other);
    await button(other, 'Resume').click();
  });
  await idle(other);
  // What was kept is not scored again; what was not is less than a batch.
  await expect(status(other, 'Queue state')).toContainText(`${600 - known}\u00a0responses scored, ${known} known`);
  expect(known).toBeGreaterThanOrEqual(kept);
  await expect(status(other, 'Rows shown')).toContainText('300 of 300');
  await expect(other.getByText('was interrupted')).toHaveCount(0);
  await other.reload();
  await idle(other);
  await expect(other.getByText('was interrupted')).toHaveCount(0);
});

test('unknown columns are mapped, bad rows listed, and the benchmarks’ own tables appear', async ({ page }) => {
  await openModel(page, model);
  await openEvaluate(page);

  await test.step('a file of no known layout', async () => {
    const record = (ask: string, one: string, two?: string) => JSON.stringify({ ask, one, two, kind: ask });
    const lines = [
      record('How?', 'Like this.', 'No idea.'),
      record('What?', 'Half a pair'),
      record('Why?', 'So.', 'Hm.'),
    ];
    await choose(page, 'mine.jsonl', [...lines, '{"ask": broken'].join('\n'));
    await expect(status(page, 'Layout')).toContainText('none that is known');
    const columns = page.getByRole('group', { name: 'Columns' });
    await columns.getByLabel('A record is').selectOption({ value: 'pair' });
    for (const [part, column] of [
      ['Prompt (optional)', 'ask'],
      ['Chosen', 'one'],
      ['Rejected', 'two'],
      ['Subset (optional)', 'kind'],
    ] as const)
      await columns.getByLabel(part, { exact: true }).selectOption(column);
    await expect(page.getByRole('table', { name: 'First records as they would be scored' })).toContainText(
      'chosen: Like this.',
    );
    await scoreDataset(page);
    expect(await accuracyCells(page, 'Why?').first().textContent()).toBe('1');
  });

  await test.step('rows that could not be used are listed and saved with reasons', async () => {
    const rejected = panel(page, 'Rows not used');
    await expect(rejected.getByRole('row')).toHaveCount(3);
    await expect(rejected).toContainText('is missing');
    await expect(rejected).toContainText('is not valid JSON');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      rejected.getByRole('button', { name: 'Save them with reasons' }).click(),
    ]);
    const saved = new TextDecoder()
      .decode(await bytesOf(download))
      .trim()
      .split('\n');
    expect(saved.map((line) => (JSON.parse(line) as { row: number }).row)).toEqual([2, 4]);
    expect(saved[0]).toContain('Half a pair');
  });

  await test.step('RM-Bench, dropped on the page, and best of N', async () => {
    const styles = (word: string) => [word, `${word}, at length and with care`, `- **${word}**, at length`];
    const items = ['chat', 'math'].map((domain, at) => ({
      id: at,
      domain,
      prompt: `${domain}?`,
      chosen: styles('Right'),
      rejected: styles('Wrong'),
    }));
    const files = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], 'rm.json'));
      return transfer;
    }, JSON.stringify(items));
    await page.dispatchEvent('body', 'drop', { dataTransfer: files });
    await idle(page);
    await expect(status(page, 'Layout')).toContainText('Recognised as the layout of RM-Bench');
    await scoreDataset(page);
    await expect(page.getByRole('table', { name: 'RM-Bench by domain' }).getByRole('row')).toHaveCount(4);
    const completions = [1, 2, 4].map((label) => ({ response: `Answer of quality ${label}.`, overall_score: label }));
    await choose(page, 'uf.jsonl', `${JSON.stringify({ instruction: 'Say something.', completions })}\n`);
    await scoreDataset(page);
    await expect(panel(page, 'Best of N')).toContainText('Mean rank of the pick');
  });

  await test.step('what cannot be read is refused in words', async () => {
    await choose(page, 'bad.jsonl', 'not json\n');
    await expect(page.getByRole('alert')).toContainText('bad.jsonl was not opened');
  });
});

test('a head with a regression of its own judges a scored dataset from what was kept, and says where it cannot', async ({
  page,
}) => {
  await openModel(page, model);
  await openEvaluate(page);
  await choose(page, 'pairs.jsonl', pairLines(20));
  await scoreDataset(page);
  const right = await accuracy(page, 'All');
  const scores = await exported(page, 'JSON lines');
  const withoutTexts = new TextDecoder()
    .decode(scores)
    .trim()
    .split('\n')
    .map((line) => {
      const {
        messages: _messages,
        prompt: _prompt,
        response: _response,
        ...rest
      } = JSON.parse(line) as Record<string, unknown>;
      return JSON.stringify(rest);
    })
    .join('\n');

  // Every reward with the other sign: every verdict is the other one.
  const head = await packageHead(fileURLToPath(new URL(`../.cache/e2e/${model}/`, import.meta.url)));
  const turned = { ...head, regression: head.regression.map((value) => -value) };
  await page.evaluate(() => {
    window.location.hash = '#/train';
  });
  await idle(page);
  await page.getByLabel('Features and heads').setInputFiles({
    name: 'turned.safetensors',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(writeTrainedHead(turned, 1)),
  });
  await idle(page);
  await button(page, 'Use these heads in every view').click();
  await idle(page);

  await openEvaluate(page);
  await expect(panel(page, 'Scored set')).toContainText('shown under the head “Heads of turned.safetensors”');
  await expect.poll(() => accuracy(page, 'All')).toBeCloseTo(1 - right, 12);

  await test.step('the original scores are what leaves, and Inspect agrees with the row', async () => {
    expect(await exported(page, 'JSON lines')).toEqual(scores);
    const baseline = page.getByRole('table', { name: 'Comparisons' }).getByRole('row').nth(1);
    const margin = Number(await baseline.getByRole('cell').nth(2).locator('[title]').getAttribute('title'));
    await button(page, 'Open pair-0 in Inspect').click();
    await idle(page);
    const [a, b] = [await readResult(page, 'A'), await readResult(page, 'B')];
    expect(a.score - b.score).toBeCloseTo(margin, 5);
  });

  await test.step('Steer and Debias show the set under it too', async () => {
    await page.getByRole('link', { name: 'Steer', exact: true }).first().click();
    await idle(page);
    await expect(panel(page, 'Loaded set')).toContainText('the chosen response wins in');
    await page.getByRole('link', { name: 'Debias', exact: true }).first().click();
    await idle(page);
    await expect(page.getByRole('status', { name: 'Head on this set' })).toHaveCount(0);
  });

  await test.step('a file without texts keeps the model’s own scores, and the page says why', async () => {
    await openEvaluate(page);
    await choose(page, 'numbers.jsonl', withoutTexts);
    await expect(page.getByRole('status', { name: 'Head on this set' })).toContainText('this set brings neither');
    expect(await accuracy(page, 'All')).toBe(right);
    await expectNoViolations(page, 'a head that is not used');
  });

  await test.step('texts whose hidden states are gone are counted', async () => {
    await page.evaluate(async () => {
      await (await navigator.storage.getDirectory()).removeEntry('evaluations', { recursive: true });
    });
    await choose(page, 'scored.jsonl', scores);
    await expect(page.getByRole('status', { name: 'Head on this set' })).toContainText('for 40 of the 40 responses');
    expect(await accuracy(page, 'All')).toBe(right);
  });
});

test('datasets come by paste and by address; a run is cancelled, or ends with its model, and what was scored is kept', async ({
  page,
}) => {
  await openModel(page, model);
  await openEvaluate(page);

  await test.step('pasted', async () => {
    await button(page, 'Paste…').click();
    const dialog = page.getByRole('dialog', { name: 'Paste a dataset' });
    await dialog.getByLabel('Records').fill('prompt,chosen,rejected\nHow?,"Like this, I think.",No idea.\n');
    await expectNoViolations(page, 'the paste dialog');
    await dialog.getByRole('button', { name: 'Open', exact: true }).click();
    await idle(page);
    await expect(panel(page, 'Open dataset')).toContainText('Pasted text');
    await expect(status(page, 'Layout')).toContainText('CSV');
  });

  await test.step('from an address, and refused in words where there is no file', async () => {
    const open = async (address: string) => {
      await button(page, 'From an address…').click();
      const dialog = page.getByRole('dialog', { name: 'Open an address' });
      await dialog.getByLabel('Address of a file').fill(address);
      await dialog.getByRole('button', { name: 'Open', exact: true }).click();
      await idle(page);
    };
    await open('ftp://example.org/pairs.jsonl');
    await expect(page.getByRole('alert')).toContainText('it is no address of a file');
    await open(new URL('/sample/none.jsonl', page.url()).href);
    await expect(page.getByRole('alert')).toContainText('none.jsonl was not opened');
    await open(new URL('/sample/written-pairs.jsonl', page.url()).href);
    await expect(panel(page, 'Open dataset')).toContainText('written-pairs.jsonl');
    await expect(status(page, 'Layout')).toContainText('Recognised as the layout of RewardBench');
  });

  await test.step('cancelled half-way: the next run goes on from there', async () => {
    await choose(page, 'long.jsonl', pairLines(300));
    await button(page, 'Score the dataset').click();
    await expect(status(page, 'Queue state')).toContainText(/tokens\/s, about .* left/);
    await button(page, 'Cancel').click();
    await idle(page);
    await expect(panel(page, 'Queue')).toContainText('What was scored is kept.');
    const kept = (await keptBatches(page)).reduce((sum, rows) => sum + rows, 0);
    expect(kept).toBeGreaterThan(0);
    await button(page, 'Score again').click();
    await expect(status(page, 'Queue state')).toContainText(`${kept} of them known from before`);
  });

  await test.step('another model ends the run, with the reason', async () => {
    await page.evaluate(() => {
      window.location.hash = '#/models';
    });
    await page.getByRole('button', { name: 'Open Embedded model', exact: true }).click();
    await openEvaluate(page);
    await expect(page.getByRole('alert')).toContainText('The model was changed');
  });
});
