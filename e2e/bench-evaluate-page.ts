/**
 * `npm run bench:evaluate-page`: Evaluate with 100,000 imported responses, in Chromium on the built site.
 *
 * Every move changes the strength of the correction. `scores`: from the click until the flips on the page are those of the move.
 * `report`: until the whole report has followed. `longest task`: the longest time in which the page could not answer, from the click
 * to the end of that.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { SeededRandom } from '@/base/random.ts';
import { diskFileSet } from '@/cli/disk-files.ts';
import { adjustedRewards, gateWeights, score, type RewardHead } from '@/core/reward-head.ts';
import { ScoredSetBuilder } from '@/core/scored-set.ts';
import { openPackage } from '@/formats/model-package.ts';
import { writeScoredSet } from '@/formats/scored-set.ts';
import { onBuiltPage } from './bench-page.ts';
import { idle } from './inspect-page.ts';
import { packageHead } from './scored-lines.ts';

const RESPONSES = 100_000;
const MOVES = 12;

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const embedded = folder('../public/models/embedded/');

/** Pairs in 23 subsets with random rewards and gates, as a Parquet file of scores of the embedded model. */
async function scoredFile(head: RewardHead): Promise<Uint8Array[]> {
  const { manifest } = await openPackage(diskFileSet(embedded));
  const random = new SeededRandom(1);
  const k = head.objectives;
  const normals = (spread: number) => Float64Array.from({ length: k }, () => spread * random.normal());
  const { temperature, logitScale } = head.gate;
  const builder = new ScoredSetBuilder(
    manifest.objectives.map(({ name }) => name),
    manifest.id,
    { transform: head.transform, temperature, logitScale },
  );
  for (let pair = 0; pair < RESPONSES / 2; pair += 1) {
    const gateLogits = normals(temperature);
    const g = gateWeights(head, gateLogits);
    const subset = `subset ${random.integer(23)}`;
    const row = (role: 'chosen' | 'rejected') => {
      const rewards = normals(0.1);
      const responseTokens = 20 + random.integer(200);
      return {
        role,
        subset,
        rewards,
        gateLogits,
        gateWeights: g,
        responseTokens,
        score: score(g, adjustedRewards(head, rewards)),
      };
    };
    builder.addGroup(`pair-${pair + 1}`, pair + 1, [row('chosen'), row('rejected')]);
  }
  return [...writeScoredSet(builder.finish(), 'parquet')];
}

const median = (times: readonly number[]) =>
  (times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN).toFixed(0);

async function benchPage(page: Page): Promise<void> {
  await page.evaluate(() => {
    const tasks: { from: number; ms: number }[] = [];
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) tasks.push({ from: startTime, ms: duration });
    }).observe({ entryTypes: ['longtask'] });
    Object.assign(window, { benchTasks: tasks });
  });
  const flips = page.getByRole('status', { name: 'Flips' });
  const accuracy = page.locator('dt', { hasText: /^Accuracy$/ }).locator('xpath=../dd');
  const figures = { scores: [] as number[], report: [] as number[], longest: [] as number[] };
  const strengths = ['off', '0.5', '1.5', '1, the model’s'];
  for (let move = 0; move < MOVES; move += 1) {
    const before = { flips: await flips.textContent(), accuracy: await accuracy.getAttribute('title') };
    const from = await page.evaluate(() => performance.now());
    await page.evaluate(
      (name) => {
        const radios = document.querySelectorAll<HTMLInputElement>('input[type=radio]');
        [...radios].find(({ labels }) => labels?.[0]?.textContent === name)?.click();
      },
      strengths[move % strengths.length],
    );
    await page.waitForFunction(
      (text) => document.querySelector('[role=status][aria-label=Flips]')?.textContent !== text,
      before.flips,
      { polling: 'raf' },
    );
    figures.scores.push((await page.evaluate(() => performance.now())) - from);
    await page.waitForFunction(
      (title) =>
        [...document.querySelectorAll('dt')]
          .find(({ textContent }) => textContent === 'Accuracy')
          ?.nextElementSibling?.getAttribute('title') !== title,
      before.accuracy,
      { polling: 'raf' },
    );
    figures.report.push((await page.evaluate(() => performance.now())) - from);
    await idle(page);
    figures.longest.push(
      await page.evaluate((since) => {
        const tasks = (window as unknown as { benchTasks: { from: number; ms: number }[] }).benchTasks;
        return Math.max(0, ...tasks.filter((task) => task.from >= since).map(({ ms }) => ms));
      }, from),
    );
  }
  console.log(
    `${RESPONSES} responses, medians of ${MOVES} moves: scores after ${median(figures.scores)} ms, the report after ${median(figures.report)} ms;` +
      ` longest task ${median(figures.longest)} ms (worst ${Math.max(...figures.longest).toFixed(0)}; 0: none over 50)`,
  );
}

const scratch = mkdtempSync(join(tmpdir(), 'bench-evaluate-page-'));
const file = join(scratch, 'bench.parquet');
writeFileSync(file, Buffer.concat(await scoredFile(await packageHead(embedded))));
try {
  await onBuiltPage('evaluate', async (page) => {
    page.setDefaultTimeout(120_000);
    await page.getByLabel('File of a dataset or of scores').setInputFiles(file);
    await page.getByRole('status', { name: 'Flips' }).waitFor();
    await idle(page);
    await benchPage(page);
  });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
