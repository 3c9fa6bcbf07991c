/**
 * `npm run lighthouse`: Lighthouse on the served build, as a phone and as a desktop sees it. Prints the scores with whatever costs
 * points, and fails below the bar: performance 95, accessibility 100, best practices 95.
 *
 * `-- --preset desktop` or `mobile` alone; `--path /#/models` another view. On a busy machine the performance score says more about the
 * machine, so it is no part of the tests; `lighthouse.spec.ts` holds the other two.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { chromiumArguments } from '@/cli/chromium.ts';
import { ensureChromium } from '@/cli/install-chromium.ts';
import { createStaticServer } from '@/cli/static-server.ts';
import { bars, freePort, runLighthouse, type Preset } from './lighthouse-run.ts';

const { values } = parseArgs({
  options: { preset: { type: 'string' }, path: { type: 'string', default: '/' } },
});
const all: readonly Preset[] = ['mobile', 'desktop'];
const presets = values.preset === undefined ? all : all.filter((preset) => preset === values.preset);
if (presets.length === 0) throw new Error('--preset is mobile or desktop.');

const server = createStaticServer({ '/': fileURLToPath(new URL('../dist/', import.meta.url)) });
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const bound = server.address();
const origin = `http://localhost:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;

const debuggingPort = await freePort();
const browser = await chromium.launch({
  executablePath: ensureChromium(),
  args: [...chromiumArguments, `--remote-debugging-port=${debuggingPort}`],
});
let failed = false;
try {
  for (const preset of presets) {
    const { scores, findings, metrics } = await runLighthouse(`${origin}${values.path}`, debuggingPort, preset);
    console.log(
      `\n${preset}: ${Object.entries(scores)
        .map(([name, score]) => `${name} ${score}`)
        .join(', ')}`,
    );
    for (const metric of metrics) console.log(`  ${metric}`);
    for (const finding of findings) console.log(`  costs points: ${finding}`);
    for (const [category, bar] of Object.entries(bars)) {
      const score = scores[category] ?? 0;
      if (score >= bar) continue;
      failed = true;
      console.log(`  ${category} is ${score}, below ${bar}`);
    }
  }
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}
process.exitCode = failed ? 1 : 0;
