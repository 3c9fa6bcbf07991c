import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { playwright } from '@vitest/browser-playwright';
import { defaultClientConditions } from 'vite';
import { defineConfig } from 'vitest/config';
import { firstPicture } from './src/app/first-picture-build.ts';
import { chromiumArguments, findChromium } from './src/cli/chromium.ts';
import { securityHeaders } from './src/cli/security-headers.ts';

const source = fileURLToPath(new URL('./src', import.meta.url));

export default defineConfig({
  // The site works from any folder of any host.
  base: './',
  plugins: [react(), firstPicture()],
  resolve: {
    alias: { '@': source },
    // ORT's own bundle inlines its loader through a blob URL, which a strict CSP forbids; this condition keeps it a file.
    conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions],
  },
  worker: { format: 'es' },
  build: { target: 'es2023', sourcemap: true },
  server: { headers: securityHeaders('development') },
  preview: { headers: securityHeaders('production') },
  test: {
    // The same here and under CI, which vitest would otherwise look for.
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          environment: 'node',
          include: ['src/**/*.test.ts', 'src/**/*.test.tsx'],
          exclude: ['src/**/*.gpu.test.ts'],
          setupFiles: ['src/test-seed.ts'],
          // Tests that run whole models take a second alone and many on a busy machine.
          testTimeout: 180_000,
        },
      },
      {
        extends: true,
        // A package that Vite discovers late makes it reload the page under a running test: all that the tests need is named.
        optimizeDeps: {
          noDiscovery: true,
          include: [
            '@bufbuild/protobuf',
            '@bufbuild/protobuf/codegenv2',
            '@huggingface/jinja',
            '@huggingface/tokenizers',
            'hash-wasm',
            'onnxruntime-web/jspi',
            'onnxruntime-web/webgpu',
            'valibot',
          ],
        },
        test: {
          name: 'gpu',
          include: ['src/**/*.gpu.test.ts'],
          globalSetup: ['src/engine/worker/fixtures/golden-setup.ts'],
          testTimeout: 300_000,
          fileParallelism: false,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath: findChromium(), args: chromiumArguments } }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
    ],
  },
});
