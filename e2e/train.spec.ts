/** Train: the embedded model's own features train a gate in the page, which every view then shows, and which survives its files. */
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { SeededRandom } from '@/base/random.ts';
import { writeLinearHead } from '@/formats/head-files.ts';
import { idle, readResult, response, type ResponseResult } from './inspect-page.ts';
import { cutText, expectNoViolations, expectWholeAtEveryWidth } from './look.ts';
import { expect, test } from './test.ts';

async function openTrain(page: Page): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: 'Train', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Train', exact: true })).toBeAttached();
  await idle(page);
}

async function openInspect(page: Page): Promise<ResponseResult> {
  await page.getByRole('navigation').getByRole('link', { name: 'Inspect', exact: true }).click();
  await idle(page);
  return await readResult(page, 'A');
}

async function openSample(page: Page, device: string, fields: Readonly<Record<string, string>>): Promise<void> {
  await page.getByRole('button', { name: 'Use the sample' }).click();
  await idle(page);
  await expect(page.getByRole('group', { name: 'Preference pairs (stage 2)' })).toContainText('500');
  await page.getByRole('combobox', { name: 'Device' }).selectOption(device);
  for (const [name, value] of Object.entries(fields))
    await page.getByRole('textbox', { name, exact: true }).fill(value);
}

function figure(page: Page, name: string) {
  return page.getByRole('status', { name, exact: true });
}

async function exact(page: Page, name: string): Promise<number> {
  return Number(await figure(page, name).getAttribute('title'));
}

/** Every row of a chart's table twin, by its numbers. */
async function tableOf(page: Page, title: string): Promise<number[][]> {
  const toggle = page.getByRole('button', { name: `Show ${title} as a table` });
  await toggle.click();
  const table = page.getByRole('table', { name: title, exact: true });
  const rows = await table
    .locator('tbody tr')
    .evaluateAll((all) =>
      all.map((row) =>
        [...row.querySelectorAll('th, td')].map((cell) => Number(cell.getAttribute('title') ?? cell.textContent)),
      ),
    );
  await toggle.click();
  return rows;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('a gate learns on the software GPU, changes Inspect, and comes back from its file to the bit', async ({
  page,
}) => {
  await page.goto('/');
  await idle(page);
  await expect(response(page, 'A').getByRole('status')).toContainText(/\d/);
  const before = await readResult(page, 'A');
  await openTrain(page);
  await openSample(page, 'webgpu', { Steps: '60', 'Hidden width': '32', 'Batch size': '64', 'Learning rate': '0.003' });
  await page.getByRole('button', { name: 'Train gate' }).click();
  await idle(page);
  expect(await exact(page, 'Training step')).toBe(60);
  const run = page.getByRole('region', { name: 'Run', exact: true });
  await expect(run).toContainText('Finished all 60 steps');
  await expect(run).toContainText(/WebGPU \(.*software\)/);
  // The curve moves: one row a step, and the gate leaves the even weights it began with.
  const loss = await tableOf(page, 'Loss');
  expect(loss.map(([step]) => step)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  expect(loss.at(-1)?.[1]).toBe(await exact(page, 'Training loss'));
  const losses = loss.map(([, batch]) => batch ?? NaN);
  expect(mean(losses.slice(-15))).toBeLessThan(mean(losses.slice(0, 15)));
  const entropy = (await tableOf(page, 'Gate entropy')).map(([, batch]) => batch ?? NaN);
  expect(entropy[0]).toBeGreaterThan(2.9);
  expect(entropy.at(-1)).toBeLessThan(entropy[0]! - 0.1);
  const accuracy = await exact(page, 'Held-out accuracy');
  const comparison = page.getByRole('table', { name: 'Comparison' });
  await expect(comparison.getByRole('row')).toHaveCount(4);
  const trained = comparison
    .getByRole('row', { name: /^This gate/ })
    .getByRole('cell')
    .first();
  expect(Number(await trained.getAttribute('title'))).toBeCloseTo(accuracy, 9);
  // In every view.
  await page.getByRole('button', { name: 'Use in every view' }).click();
  await idle(page);
  const used = await openInspect(page);
  expect(used.score).not.toBe(before.score);
  expect(used.rows.map((row) => row.reward)).toEqual(before.rows.map((row) => row.reward));
  expect(used.rows.map((row) => row.gateWeight)).not.toEqual(before.rows.map((row) => row.gateWeight));
  // Out and in again.
  await openTrain(page);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export heads' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('heads-run-1.safetensors');
  const path = await download.path();
  const header = readFileSync(path).subarray(8, 4000).toString('latin1');
  for (const name of [
    'gating.layers.0.weight',
    'gating.logit_scale',
    'reward_transform_matrix',
    'regression_layer.weight',
  ])
    expect(header).toContain(name);
  const heads = page.getByRole('combobox', { name: 'Head in use' });
  await heads.selectOption('');
  await page.getByLabel('Features and heads').setInputFiles({
    name: 'again.safetensors',
    mimeType: 'application/octet-stream',
    buffer: readFileSync(path),
  });
  await idle(page);
  await expect(page.getByRole('group', { name: 'Heads' })).toContainText('gate (576–32–32–32–19)');
  await page.getByRole('button', { name: 'Use these heads in every view' }).click();
  await idle(page);
  await expect(heads.locator('option:checked')).toHaveText('Heads of again.safetensors');
  const read = await openInspect(page);
  expect(read).toEqual(used);
});

test('a run is paused, cut off by a reload and goes on from its checkpoint, on the processor', async ({ page }) => {
  await page.goto('/#/train');
  await idle(page);
  await openSample(page, 'cpu', { Steps: '1000000', 'Hidden width': '16', 'Batch size': '32' });
  await page.getByRole('button', { name: 'Train gate' }).click();
  await expect.poll(() => exact(page, 'Training step')).toBeGreaterThan(20);
  await page.getByRole('button', { name: 'Pause' }).click();
  const run = page.getByRole('region', { name: 'Run', exact: true });
  await expect(run).toContainText('Paused at step');
  await idle(page);
  const paused = await exact(page, 'Training step');
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect.poll(() => exact(page, 'Training step')).toBeGreaterThan(paused);
  await page.getByRole('button', { name: 'Checkpoint' }).click();
  await expect(page.getByRole('button', { name: 'Checkpoint' })).toBeEnabled();
  await expect.poll(() => exact(page, 'Training step')).toBeGreaterThan(paused + 20);
  // The tab is closed and opened again.
  await page.reload();
  await idle(page);
  await expect(run).toContainText('The page was closed; it goes on from step');
  const stored = await exact(page, 'Training step');
  expect(stored).toBeGreaterThanOrEqual(paused);
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect.poll(() => exact(page, 'Training step')).toBeGreaterThan(stored);
  await page.getByRole('button', { name: 'Stop' }).click();
  await idle(page);
  await expect(run).toContainText('Stopped at step');
  await expect(run).toContainText('processor');
  // One curve without a gap or a step told twice.
  const steps = (await tableOf(page, 'Loss')).map(([step]) => step);
  expect(steps).toEqual(Array.from({ length: steps.length }, (_, i) => i + 1));
  await page.getByRole('button', { name: 'Remove Run 1' }).click();
  await expect(page.getByText('Run 1 was removed.')).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('button', { name: 'Remove Run 1' })).toBeVisible();
});

test('two runs stand in one chart, and a gate that collapsed is called by its name', async ({ page }) => {
  await page.goto('/#/train');
  await idle(page);
  // Weights thrown about by the rate, and a softmax that makes one-hot whatever they end on.
  await openSample(page, 'cpu', {
    Steps: '30',
    'Hidden width': '8',
    'Batch size': '64',
    'Learning rate': '1',
    'Gate temperature': '0.1',
  });
  await page.getByRole('button', { name: 'Train gate' }).click();
  await idle(page);
  const gate = page.getByRole('region', { name: 'Gate of the run' });
  await expect(gate).toContainText('The gate has collapsed');
  await expect(gate).toContainText(/100(\.0)?.% of its weight is on [a-z]+-[a-z_-]+, whatever the prompt/);
  await expect(gate).toContainText('The gate is constant');
  await expectNoViolations(page, 'collapsed');
  await page.getByRole('textbox', { name: 'Learning rate', exact: true }).fill('0.001');
  await page.getByRole('textbox', { name: 'Steps', exact: true }).fill('40');
  await page.getByRole('textbox', { name: 'Gate temperature', exact: true }).fill('10');
  await page.getByRole('button', { name: 'Train gate' }).click();
  await idle(page);
  await expect(gate).not.toContainText('The gate has collapsed');
  const runs = page.getByRole('region', { name: 'Runs' });
  await expect(runs).toContainText(/Of 2 runs, Run [12] ends with the best held-out accuracy/);
  const compared = await tableOf(page, 'Comparison of runs');
  // Name, step, accuracy, loss, β.
  expect(compared.map(([, step]) => step)).toEqual([30, 40]);
  expect(compared[1]?.[2]).toBe(await exact(page, 'Held-out accuracy'));
  await page.getByText('Batch loss', { exact: true }).click();
  await expect(runs).toContainText(/ends with the best batch loss/);
});

test('weight on objectives whose adjusted reward is always zero is called so, and how much of it', async ({ page }) => {
  await page.goto('/#/train');
  await idle(page);
  const fields = { Steps: '20', 'Hidden width': '8', 'Batch size': '64', 'Learning rate': '0.0001' };
  await openSample(page, 'cpu', fields);
  const gate = page.getByRole('region', { name: 'Gate of the run' });
  const train = async () => {
    await page.getByRole('button', { name: 'Train gate' }).click();
    await idle(page);
    await expect(gate).toContainText('Mean gate by objective');
  };
  // The model's own heads: M takes verbosity alone away, of which an almost even gate holds a nineteenth.
  await train();
  await expect(gate).not.toContainText('Weight on what cannot count');
  // Heads whose M takes three objectives away.
  const [k, d] = [19, 576];
  const random = new SeededRandom(1);
  const dead = [3, 4, 11];
  const head = {
    objectives: k,
    featureSize: d,
    regression: Float32Array.from({ length: k * d }, () => 0.01 * random.normal()),
    transform: Float64Array.from({ length: k * k }, (_, i) =>
      Math.floor(i / k) === i % k && !dead.includes(i % k) ? 1 : 0,
    ),
  };
  await page.getByLabel('Features and heads').setInputFiles({
    name: 'three-dead.safetensors',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(writeLinearHead(head)),
  });
  await idle(page);
  await page.getByRole('combobox', { name: 'Trained under' }).selectOption('files');
  await train();
  await expect(gate).toContainText('Weight on what cannot count');
  await expect(gate).toContainText(
    /1[4-7]\.\d % of the gate’s weight is on helpsteer-complexity, helpsteer-verbosity, prometheus-score, whose adjusted reward is always zero/,
  );
  await expect(gate).not.toContainText('The gate has collapsed');
  await expectNoViolations(page, 'dead mass');
});

test('one button shows the whole pipeline; nothing is cut off at any width, in both schemes', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize({ width: 390, height: 900 });
  await page.goto('/#/train');
  await idle(page);
  expect(await cutText(page)).toEqual([]);
  await expectNoViolations(page, 'empty');
  await page.getByRole('button', { name: 'Show it on the sample' }).click();
  await expect(page.getByRole('region', { name: 'Result' })).toBeVisible({ timeout: 240_000 });
  await idle(page);
  await expect(page.getByRole('region', { name: 'Probes' })).toContainText('19 of 19 objectives are fitted');
  await expect(page.getByRole('region', { name: 'Result' })).toContainText(
    /the new gate prefers the chosen response in/,
  );
  await expect(page.getByRole('combobox', { name: 'Trained under' })).toHaveValue('probes');
  await page.getByText('Optimiser, dropout, mask, evaluation').click();
  await page.getByText('How the files are loaded in Python').click();
  await page.getByText('As the authors’ script').click();
  await expect(page.getByText('exactly half of logit_scale')).toBeVisible();
  await expectWholeAtEveryWidth(page, 'trained, light');
  // Colours alone differ: the widths were looked at.
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await expectNoViolations(page, 'trained, dark');
});

test('what cannot be used is said, and nothing is lost', async ({ page }) => {
  await page.route('**/sample/*', (route) => route.fulfill({ status: 404, body: '' }));
  await page.goto('/#/train');
  await idle(page);
  await expect(page.getByRole('button', { name: 'Train the whole pipeline' })).toBeDisabled();
  await expect(page.getByRole('region', { name: 'Run', exact: true })).toContainText(
    'drop the files, or use the sample',
  );
  await page.getByRole('button', { name: 'Use the sample' }).click();
  await expect(page.getByRole('alert')).toContainText('sample/embedded-stage1.safetensors is not there (404)');
  await page.unroute('**/sample/*');
  await openSample(page, 'automatic', {});
  await page.getByLabel('Features and heads').setInputFiles({
    name: 'holiday.safetensors',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from('a picture of a beach, and no tensor in it'),
  });
  await idle(page);
  await expect(page.getByRole('alert')).toContainText('holiday.safetensors');
  await expect(page.getByRole('group', { name: 'Preference pairs (stage 2)' })).toBeVisible();
  const steps = page.getByRole('textbox', { name: 'Steps', exact: true });
  await steps.fill('none');
  await expect(steps).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByText('Steps must be a number, not “none”.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Train gate' })).toBeDisabled();
  await page.getByText('Optimiser, dropout, mask, evaluation').click();
  await page.getByRole('textbox', { name: 'Objectives it weighs' }).fill('0-3, 19');
  await expect(page.getByText('names objective 19, but the heads have 19 (0 to 18).')).toBeVisible();
  await page.getByRole('textbox', { name: 'Sum of the weights' }).fill('0');
  await expect(page.getByText('must be a positive number, not “0”.')).toBeVisible();
  await expectNoViolations(page, 'errors');
  await page.getByRole('button', { name: 'Reset 3 changed' }).click();
  await expect(page.getByRole('button', { name: 'Train gate' })).toBeEnabled();
});
