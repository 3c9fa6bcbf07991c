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
import { idle, response } from './inspect-page.ts';

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
  // The example the page opens on was scored by itself.
  await response(page, 'A').getByRole('status').getByText(/\d/).waitFor();
  await page.screenshot({ path: `${pictures}inspect.png` });
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}
