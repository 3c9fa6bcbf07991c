/**
 * Where the tests' Chromium is, and how it is started. Arguments make the software WebGPU adapter available.
 */
import { existsSync } from 'node:fs';

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

const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of an installed Chromium, `CHROMIUM_PATH` first; `undefined` leaves the choice to Playwright's own download. */
export function findChromium(): string | undefined {
  const named = process.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') return named;
  return candidates.find((path) => existsSync(path));
}
