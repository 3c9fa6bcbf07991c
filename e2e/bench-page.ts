/** The built site in Chromium, for benchmarks of its views. */
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { chromiumArguments } from '@/cli/chromium.ts';
import { ensureChromium } from '@/cli/install-chromium.ts';
import { createStaticServer } from '@/cli/static-server.ts';
import { idle } from './inspect-page.ts';

/** Serves `dist/`, opens the view at a desktop's size, waits until nothing runs, and ends all of it after `work`. */
export async function onBuiltPage(view: string, work: (page: Page) => Promise<void>): Promise<void> {
  const server = createStaticServer({ '/': fileURLToPath(new URL('../dist/', import.meta.url)) });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const browser = await chromium.launch({ executablePath: ensureChromium(), args: chromiumArguments });
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(`http://localhost:${port}/#/${view}`);
    await idle(page);
    await work(page);
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}
