/**
 * Where the tests' Chromium is, and how it is started. Arguments make the software WebGPU adapter available.
 */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

/** Software WebGPU (SwiftShader) without background traffic. Slow, real, and without `shader-f16`. */
export const chromiumArguments: string[] = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

/** Debian's package, Ubuntu's name for it, Google's own. */
const systemPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Paths where a Chromium exists, best first: `CHROMIUM_PATH`, the system's, Playwright's own download. */
export function chromiumCandidates(): string[] {
  const named = process.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') return [named];
  return [...systemPaths, chromium.executablePath()].filter((path) => existsSync(path));
}

/**
 * The Chromium to use. `undefined` where none is: Playwright then says so, and `npm test` installs one first.
 * Playwright's download is named by path too, because by itself Playwright would start the headless shell, which has no WebGPU.
 */
export function findChromium(): string | undefined {
  return chromiumCandidates()[0];
}
