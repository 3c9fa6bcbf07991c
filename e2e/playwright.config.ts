/** End-to-end tests on the built site (`npm run test:e2e` builds it first), with production headers, on any free port. */
import { defineConfig } from '@playwright/test';
import { chromiumArguments, findChromium } from '../src/cli/chromium.ts';

const root = new URL('..', import.meta.url).pathname;
const executablePath = findChromium();

export default defineConfig({
  testDir: '.',
  outputDir: '../test-results',
  // Two cores, and every page runs a model on all of them.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  // The software GPU needs its time; a test that hangs still ends.
  timeout: 300_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
  use: {
    baseURL: process.env['ARMOSCOPE_E2E_URL'],
    trace: 'retain-on-failure',
    launchOptions: { args: chromiumArguments, ...(executablePath === undefined ? {} : { executablePath }) },
  },
  webServer: {
    command: [
      'node_modules/.bin/tsx e2e/make-packages.ts .cache/e2e',
      'exec node_modules/.bin/tsx src/cli/serve.ts --mount /packages/=.cache/e2e',
    ].join(' && '),
    cwd: root,
    env: { PORT: '0' },
    stdout: 'pipe',
    timeout: 300_000,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 5000 },
    wait: { stdout: /Armoscope is at (?<armoscope_e2e_url>http:\S+)/ },
  },
});
