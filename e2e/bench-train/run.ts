/**
 * `npm run bench:train`: one step of the gate's training in this machine's Chromium, in one run: each matrix product against the peak of
 * fused multiply-adds measured in place, the step against the sum of its parts, and the same step in jax-js and as an ONNX graph.
 *
 * `-- --full` the paper's shapes (default: a sixteenth of the work) · `--d 1024 --hidden 512 --layers 3 --batch 512` other shapes ·
 * `--steps 5` · `--software` SwiftShader, which is also what is taken where the browser finds no graphics card.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { chromiumArguments } from '@/cli/chromium.ts';
import { ensureChromium } from '@/cli/install-chromium.ts';
import { createStaticServer } from '@/cli/static-server.ts';
import type { BenchOrder, BenchReport } from './worker.ts';

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    software: { type: 'boolean', default: false },
    d: { type: 'string' },
    hidden: { type: 'string' },
    layers: { type: 'string', default: '3' },
    batch: { type: 'string' },
    steps: { type: 'string', default: '5' },
  },
});
const size = (given: string | undefined, paper: number, small: number): number =>
  given === undefined ? (values.full ? paper : small) : Number(given);
const order: BenchOrder = {
  shape: {
    d: size(values.d, 4096, 1024),
    hidden: size(values.hidden, 1024, 512),
    hiddenLayers: Number(values.layers),
    k: 19,
    batch: size(values.batch, 1024, 512),
  },
  steps: Number(values.steps),
  peakSeconds: 1,
};
const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** A real card: WebGPU by Vulkan, without the arguments that force the software adapter. */
const hardwareArguments = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--enable-features=Vulkan',
  '--ignore-gpu-blocklist',
];

const site = folder('../../.cache/bench-train/');
await build({
  root: folder('.'),
  configFile: folder('../../vite.config.ts'),
  publicDir: false,
  logLevel: 'error',
  build: { outDir: site, emptyOutDir: true, sourcemap: false },
});
const server = createStaticServer({ '/': site });
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const bound = server.address();
const origin = `http://localhost:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
try {
  const hardware = values.software ? undefined : await measure(hardwareArguments, true);
  print(hardware ?? (await measure(chromiumArguments, false)) ?? fail('No WebGPU adapter, not even a software one.'));
} finally {
  server.close();
  server.closeAllConnections();
}

/** @returns `undefined` when a graphics card was wanted and there is none. */
async function measure(args: readonly string[], wantsCard: boolean): Promise<BenchReport | undefined> {
  const browser = await chromium.launch({ executablePath: ensureChromium(), args: [...args] });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    page.on('console', (message) => void process.stderr.write(`${message.text()}\n`));
    await page.goto(`${origin}/`);
    await page.waitForFunction(() => 'bench' in window);
    const adapter = await page.evaluate(async () => {
      const found = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
      return found == null ? undefined : `${found.info.vendor} ${found.info.architecture} ${found.info.description}`;
    });
    if (adapter === undefined || (wantsCard && /swiftshader|llvmpipe|lavapipe/i.test(adapter))) return undefined;
    return await page.evaluate(
      async (given) => (window as unknown as { bench(order: BenchOrder): Promise<BenchReport> }).bench(given),
      order,
    );
  } finally {
    await browser.close();
  }
}

function print({ adapter, peak, flops, dispatches, parts, stepMs, others }: BenchReport): void {
  const { d, hidden, hiddenLayers, k, batch } = order.shape;
  const giga = (value: number): string => `${(value / 1e9).toFixed(1)} GFLOP/s`;
  const line = (label: string, ms: number, note = ''): void =>
    console.log(`${label.padEnd(38)} ${ms.toFixed(2).padStart(10)} ms  ${note}`);
  console.log(
    `\n${adapter}; ${d}${`-${hidden}`.repeat(hiddenLayers)}-${k}, batch ${batch}; ${(flops / 1e9).toFixed(2)} GFLOP a step`,
  );
  console.log(`peak of fused multiply-adds in f32: ${giga(peak)}\n`);
  for (const part of parts) {
    const rate = part.flops === undefined ? undefined : (1000 * part.flops) / part.ms;
    line(
      part.label,
      part.ms,
      rate === undefined ? '' : `${giga(rate)}, ${((100 * rate) / peak).toFixed(0)} % of the peak`,
    );
  }
  const sum = parts.reduce((total, part) => total + part.ms, 0);
  line('sum of the parts', sum);
  line(
    'one step',
    stepMs,
    `${giga((1000 * flops) / stepMs)}, ${(stepMs / sum).toFixed(2)} of the sum, ${dispatches} kernels, 1 submit`,
  );
  for (const { name, stepMs: other, lossError, failure } of others)
    if (other === undefined) console.log(`${name.padEnd(38)} failed: ${failure ?? ''}`);
    else
      line(
        name,
        other,
        `${(other / stepMs).toFixed(2)} × one step here; loss differs by ${(lossError ?? Number.NaN).toExponential(1)}`,
      );
  console.log(`\n10,000 steps: ${((stepMs * 10_000) / 3_600_000).toFixed(2)} h`);
}

function fail(message: string): never {
  throw new Error(message);
}
