/**
 * The golden models, typed into the page as a person would: every conversation of every golden on wasm, two of each on WebGPU,
 * with the numbers an independent implementation gave, within the tolerance its file states.
 */
import type { Page } from '@playwright/test';
import { MULTIDOMAIN_OBJECTIVES } from '@/core/multidomain-objectives.ts';
import { goldenNames, readGolden, type GoldenCase } from '../src/cli/fixtures/golden-checkpoints.ts';
import { idle, openModel, readResult, type ResponseResult } from './inspect-page.ts';
import { expect, test } from './test.ts';

const providers = [
  { name: 'wasm', choice: 'wasm', shown: /wasm/i, only: undefined },
  // The software adapter is never taken by itself; here it is asked for. Its subgroups are too narrow for attention.
  // It is slow, too: two conversations here, all of them in the engine's own test in the browser.
  { name: 'WebGPU', choice: 'webgpu-no-subgroups', shown: /webgpu/i, only: ['one-turn', 'three-turns'] },
];

/** Cases that answer one and the same conversation. */
function conversations(cases: readonly GoldenCase[]): GoldenCase[][] {
  const groups = new Map<string, GoldenCase[]>();
  for (const golden of cases) {
    const key = JSON.stringify(golden.messages);
    groups.set(key, [...(groups.get(key) ?? []), golden]);
  }
  return [...groups.values()];
}

async function typeConversation(page: Page, cases: readonly GoldenCase[]): Promise<void> {
  const messages = cases[0]?.messages ?? [];
  const system = messages.find(({ role }) => role === 'system');
  const turns = messages.filter(({ role }) => role !== 'system');
  if (system !== undefined) {
    await page.getByRole('button', { name: 'Add a system turn' }).click();
    await page.getByRole('textbox', { name: 'System message' }).fill(system.content);
  }
  for (let count = 1; count < turns.length; count += 2) await page.getByRole('button', { name: 'Add a turn' }).click();
  for (const [index, { role, content }] of turns.entries()) {
    const number = Math.floor(index / 2) + 1;
    const label =
      index === turns.length - 1 ? 'User message' : `${role === 'user' ? 'User' : 'Assistant'} turn ${number}`;
    await page.getByRole('textbox', { name: label, exact: true }).fill(content);
  }
  for (let count = 2; count < cases.length; count++) await page.getByRole('button', { name: 'Add a response' }).click();
  for (const [index, { response }] of cases.entries())
    await page.getByRole('textbox', { name: `Response ${'ABCDEFGH'.charAt(index)} text`, exact: true }).fill(response);
  // A lone golden leaves the second box empty, which is left out.
  if (cases.length === 1) await page.getByRole('textbox', { name: 'Response B text', exact: true }).fill('');
}

function expectGolden(result: ResponseResult, golden: GoldenCase, tolerance: Tolerance, name: string): void {
  const close = (actual: readonly number[], expected: readonly number[], bound: number, what: string): void => {
    expect(actual.length, `${name}: ${what}`).toBe(expected.length);
    const worst = Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] ?? NaN))));
    expect(worst, `${name}: worst error of ${what}`).toBeLessThanOrEqual(bound);
  };
  const column = (key: 'reward' | 'adjusted' | 'gateWeight' | 'coefficient') => result.rows.map((row) => row[key]);
  close([result.score], [golden.score], tolerance.score, 'score');
  close(column('reward'), golden.rewards, tolerance.rewards, 'rewards');
  close(column('adjusted'), golden.adjustedRewards, tolerance.rewards, 'adjusted rewards');
  close(column('gateWeight'), golden.gateWeights, tolerance.gateWeights, 'gate weights');
  close(column('coefficient'), golden.coefficients, tolerance.gateWeights, 'coefficients');
  const sum = result.rows.reduce((total, row) => total + row.contribution, 0);
  close([sum], [result.score], 1e-9, 'sum of the contributions');
}

interface Tolerance {
  readonly rewards: number;
  readonly gateWeights: number;
  readonly score: number;
}

for (const golden of goldenNames) {
  for (const provider of providers) {
    test(`${golden} on ${provider.name}`, async ({ page }) => {
      const { meta, cases: all } = readGolden(golden);
      const cases = all.filter((one) => provider.only?.includes(one.case) ?? true);
      await openModel(page, golden);
      await page.getByRole('link', { name: 'Models' }).click();
      await page.getByLabel('Runs on').selectOption(provider.choice);
      await idle(page);
      await expect(page.getByRole('region', { name: 'Model in use' })).toContainText('Proofs');
      await expect(page.getByRole('banner')).toContainText(provider.shown);
      await page.getByRole('link', { name: 'Inspect' }).click();
      let scored = 0;
      for (const group of conversations(cases)) {
        await test.step(group[0]?.case ?? '', async () => {
          await clearConversation(page);
          await typeConversation(page, group);
          await page.getByRole('button', { name: 'Score', exact: true }).click();
          await idle(page);
          for (const [index, one] of group.entries()) {
            const result = await readResult(page, 'ABCDEFGH'.charAt(index));
            expectGolden(result, one, meta.tolerance, `${one.case} ${index}`);
            // Checkpoints carry no names; those of the two published models follow from the number of objectives.
            const names = golden.startsWith('armorm')
              ? meta.objectives
              : MULTIDOMAIN_OBJECTIVES.map(({ name }) => name);
            expect(result.rows.map((row) => row.objective)).toEqual([...names]);
            scored++;
          }
        });
      }
      expect(scored).toBe(cases.length);
    });
  }
}

/** Back to one user turn and two responses. */
async function clearConversation(page: Page): Promise<void> {
  await expect(page.getByRole('textbox', { name: 'User message', exact: true })).toBeVisible();
  const removals = page.getByRole('button', { name: /^Remove (the system turn|.* and its partner|response [C-H])$/ });
  while ((await removals.count()) > 0) await removals.first().click();
}
