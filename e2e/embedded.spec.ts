/** A stranger's first minute: the page opens on the model that ships with it, two answers are typed, 19 numbers come back each. */
import { idle, response, score } from './inspect-page.ts';
import { expect, test } from './test.ts';

test('the embedded model is proven on this machine and scores what is typed', async ({ page }) => {
  await page.goto('/');
  await idle(page);
  // The example that the page opens on was scored by itself.
  await expect(response(page, 'A').getByRole('status')).toContainText(/\d/);
  await expect(page.getByRole('banner')).toContainText(/wasm.*error/);
  const [good, bad] = await score(page, 'What is the capital of France?', [
    'The capital of France is Paris.',
    'Shut up. Go away, you stupid idiot. idiot idiot idiot idiot idiot idiot idiot idiot',
  ]);
  for (const result of [good, bad]) {
    expect(result?.rows).toHaveLength(19);
    expect(new Set(result?.rows.map((row) => row.objective)).size).toBe(19);
    expect(new Set(result?.rows.map((row) => row.reward)).size).toBe(19);
    for (const row of result?.rows ?? []) {
      for (const value of [row.reward, row.adjusted, row.gateWeight, row.coefficient]) expect(value).not.toBeNaN();
      expect(row.contribution).toBeCloseTo(row.coefficient * row.reward, 9);
    }
    expect(result?.rows.reduce((sum, row) => sum + row.contribution, 0)).toBeCloseTo(result?.score ?? NaN, 9);
  }
  expect(good?.rows[0]?.objective).toContain('helpfulness');
  expect(good?.score).toBeGreaterThan(bad?.score ?? NaN);
});
