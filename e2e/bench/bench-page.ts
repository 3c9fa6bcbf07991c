/** The benchmark's own page, built, served with production headers beside a package, in Chromium. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  // A profile as a person has it: what a private window keeps goes another way, and more slowly.
  const profile = await mkdtemp(join(tmpdir(), 'armoscope-bench-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: ensureChromium(),
    args: [...chromiumArguments, ...extraArguments],
  });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(0);
    page.on('console', (message) => {
      if (message.type() === 'log') console.log(message.text());
    });
    await page.goto(`${origin}/`);
    await page.waitForFunction(() => 'bench' in window);
    return await work(page, `${origin}/package/`);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
    server.close();
    server.closeAllConnections();
  }
}
