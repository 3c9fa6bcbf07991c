/**
 * `npm run screenshots`: takes the README's pictures anew from the built site with the embedded model, into `public/screenshots/`.
 * `--model URL` takes another package.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { chromiumArguments } from '@/cli/chromium.ts';
import { ensureChromium } from '@/cli/install-chromium.ts';
import { createStaticServer } from '@/cli/static-server.ts';
import { idle, score } from './inspect-page.ts';

const prompt = 'Why do we see lightning before we hear thunder?';
const responses = [
  'Light reaches us almost at once, while sound travels only about 340 metres a second. Count the seconds between the flash and the thunder and divide by three: that is roughly how many kilometres away the storm is.',
  'Great question! There are many, many things one could say about lightning and thunder, which are both very interesting. Lightning is bright. Thunder is loud. In conclusion, it depends on many different factors.',
];

const { values } = parseArgs({ options: { model: { type: 'string' } } });
const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const pictures = folder('../public/screenshots/');
mkdirSync(pictures, { recursive: true });

const server = createStaticServer({ '/': folder('../dist/'), '/packages/': folder('../.cache/e2e/') });
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const bound = server.address();
const port = typeof bound === 'object' && bound !== null ? bound.port : 0;

const browser = await chromium.launch({ executablePath: ensureChromium(), args: chromiumArguments });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: 'light' });
  const query = values.model === undefined ? '' : `?model=${encodeURIComponent(values.model)}`;
  await page.goto(`http://localhost:${port}/${query}`);
  await idle(page);
  await score(page, prompt, responses);
  await page.screenshot({ path: `${pictures}inspect.png` });
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}
