/** The benchmark's own page, built, served with production headers beside a package, in Chromium. */
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { chromiumArguments } from '@/cli/chromium.ts';
import { ensureChromium } from '@/cli/install-chromium.ts';
import { createStaticServer } from '@/cli/static-server.ts';

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Runs `work` with the page and the address of the package in `model`, a folder. What the page logs is printed. */
export async function withBenchPage<T>(
  model: string,
  work: (page: Page, packageUrl: string) => Promise<T>,
  extraArguments: readonly string[] = [],
): Promise<T> {
  const site = folder('../../.cache/bench/');
  await build({
    root: folder('.'),
    configFile: folder('../../vite.config.ts'),
    publicDir: false,
    logLevel: 'error',
    build: { outDir: site, emptyOutDir: true, sourcemap: false },
  });
  const server = createStaticServer({ '/': site, '/package/': model });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const bound = server.address();
  const origin = `http://localhost:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  const browser = await chromium.launch({
    executablePath: ensureChromium(),
    args: [...chromiumArguments, ...extraArguments],
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    page.on('console', (message) => {
      if (message.type() === 'log') console.log(message.text());
    });
    await page.goto(`${origin}/`);
    await page.waitForFunction(() => 'bench' in window);
    return await work(page, `${origin}/package/`);
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}
