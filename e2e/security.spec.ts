/** The promises of the first sentence: nothing leaves the machine, nothing runs that was not shipped. */
import { idle, openModel, score } from './inspect-page.ts';
import { expect, test } from './test.ts';

test('page, scripts, workers and weights carry the production headers', async ({ page, request }) => {
  const answers: { url: string; headers: Record<string, string> }[] = [];
  page.context().on('response', (response) => {
    if (response.url().startsWith('http')) answers.push({ url: response.url(), headers: response.headers() });
  });
  await openModel(page, 'armorm-tiny-smollm');
  expect(answers.some(({ url }) => url.endsWith('.wasm'))).toBe(true);
  expect(answers.some(({ url }) => url.endsWith('.data'))).toBe(true);
  answers.push({ url: '/none', headers: (await request.get('/none')).headers() });
  for (const { url, headers } of answers) {
    expect(headers['content-security-policy'], url).toMatch(
      /default-src 'self'.*script-src 'self' 'wasm-unsafe-eval';/,
    );
    expect(headers['content-security-policy'], url).not.toContain('unsafe-inline');
    expect(headers, url).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  }
});

test('the page is cross-origin isolated, so that wasm has its threads', async ({ page }) => {
  await page.goto('/');
  expect(await page.evaluate(() => [crossOriginIsolated, typeof SharedArrayBuffer])).toEqual([true, 'function']);
});

test('a whole session, from loading to scoring, breaks no policy and asks nobody else', async ({ page, watch }) => {
  await openModel(page, 'armorm-tiny-smollm');
  await score(page, 'Name a colour.', ['Blue.', '<img src=x onerror="alert(1)"><script>alert(2)</script>']);
  await page.goto('/#/models');
  await idle(page);
  expect(watch.violations).toEqual([]);
  expect(watch.strayRequests).toEqual([]);
});

test('the watch sees what it watches for', async ({ page, watch }) => {
  await page.goto('/');
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.broken = true';
    document.head.append(script);
    document.body.setAttribute('style', 'color: red');
  });
  await page.evaluate(() => fetch('https://example.invalid/').catch(() => undefined));
  await expect.poll(() => watch.violations.some((text) => text.startsWith('script-src'))).toBe(true);
  await expect.poll(() => watch.violations.some((text) => text.startsWith('style-src'))).toBe(true);
  await expect.poll(() => watch.strayRequests).toEqual(['GET https://example.invalid/']);
  expect(await page.evaluate(() => 'broken' in window)).toBe(false);
  watch.violations.length = 0;
  watch.strayRequests.length = 0;
});
