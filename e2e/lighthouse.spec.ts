/** Lighthouse's accessibility and best practices, which do not depend on the machine's speed. Performance: `npm run lighthouse`. */
import { chromium, expect, test } from '@playwright/test';
import { chromiumArguments, findChromium } from '../src/cli/chromium.ts';
import { bars, freePort, runLighthouse } from './lighthouse-run.ts';

for (const preset of ['mobile', 'desktop'] as const) {
  test(`accessibility and best practices of a first visit, ${preset}`, async ({ baseURL }) => {
    const debuggingPort = await freePort();
    const executablePath = findChromium();
    const browser = await chromium.launch({
      args: [...chromiumArguments, `--remote-debugging-port=${debuggingPort}`],
      ...(executablePath === undefined ? {} : { executablePath }),
    });
    try {
      const categories = ['accessibility', 'best-practices'];
      const { scores, findings } = await runLighthouse(baseURL ?? '', debuggingPort, preset, categories);
      for (const category of categories)
        expect(scores[category], `${category}: ${findings.join('\n')}`).toBeGreaterThanOrEqual(bars[category] ?? 100);
    } finally {
      await browser.close();
    }
  });
}
