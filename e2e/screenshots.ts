/**
 * `npm run screenshots`: takes the README's pictures anew from the built site with the embedded model, both schemes, into
 * `public/screenshots/`. `-- --model URL` takes another package; `-- --only inspect,models` takes some of them.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { chromiumArguments } from '@/cli/chromium.ts';
import { ensureChromium } from '@/cli/install-chromium.ts';
import { createStaticServer } from '@/cli/static-server.ts';
import { idle } from './inspect-page.ts';

interface Picture {
  readonly name: string;
  readonly address: string;
  readonly width?: number;
  readonly height?: number;
  /** What to do before the picture is taken. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** A view that this build does not have is left out, with a word. */
const pictures: readonly Picture[] = [
  { name: 'inspect', address: '#/' },
  { name: 'inspect-phone', address: '#/', width: 390, height: 844 },
  { name: 'steer', address: '#/steer' },
  { name: 'debias', address: '#/debias' },
  { name: 'evaluate', address: '#/evaluate' },
  { name: 'train', address: '#/train' },
  { name: 'models', address: '#/models' },
  {
    name: 'palette',
    address: '#/',
    prepare: async (page) => {
      await page.keyboard.press('Control+k');
      await page.getByRole('dialog').waitFor();
    },
  },
];
const schemes = ['light', 'dark'] as const;

const { values } = parseArgs({ options: { model: { type: 'string' }, only: { type: 'string' } } });
const only = values.only?.split(',');
const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const target = folder('../public/screenshots/');
mkdirSync(target, { recursive: true });

const server = createStaticServer({ '/': folder('../dist/'), '/packages/': folder('../.cache/e2e/') });
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const bound = server.address();
const origin = `http://localhost:${typeof bound === 'object' && bound !== null ? bound.port : 0}/`;
const query = values.model === undefined ? '' : `?model=${encodeURIComponent(values.model)}`;

const browser = await chromium.launch({ executablePath: ensureChromium(), args: chromiumArguments });
try {
  // One page for all: the model is loaded and proven once.
  const page = await browser.newPage({ reducedMotion: 'reduce' });
  await page.goto(`${origin}${query}`);
  await idle(page);
  for (const { name, address, width = 1440, height = 900, prepare } of pictures) {
    if (only !== undefined && !only.includes(name)) continue;
    for (const scheme of schemes) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme });
      await page.evaluate((hash) => {
        window.location.hash = hash;
        window.scrollTo(0, 0);
      }, address);
      await idle(page);
      if (await page.getByRole('heading', { name: /^There is no view/ }).isVisible()) {
        console.log(`${name}: this build has no such view`);
        break;
      }
      await prepare?.(page);
      await page.screenshot({ path: `${target}${name}-${scheme}.png` });
      await page.keyboard.press('Escape');
      console.log(`${name}-${scheme}.png`);
    }
  }
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}
