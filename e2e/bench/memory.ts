/**
 * `npm run memory`: loads, scores and unloads a model again and again in a page with the engine in its worker, and reads what the
 * browser says page and worker hold (JavaScript and wasm memory together), garbage collected. Fails when the last reading is more than
 * 5 % above the one after the first cycles.
 *
 * `-- --cycles 50` · `--model DIR` (default: the embedded package) · `--provider wasm` or `webgpu-no-subgroups`.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Provider } from '@/engine/api/messages.ts';
import { withBenchPage } from './bench-page.ts';
import type { CycleOrder, CycleReading } from './page.ts';

/** First cycles fill caches that stay: compiled code, the wasm heap's high-water mark. */
const warmUpCycles = 5;
const allowedGrowth = 0.05;

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '50' },
    model: { type: 'string', default: fileURLToPath(new URL('../../public/models/embedded', import.meta.url)) },
    provider: { type: 'string', default: 'wasm' },
  },
});
const providers: readonly Provider[] = ['wasm', 'webgpu', 'webgpu-no-subgroups'];
const provider = providers.find((name) => name === values.provider);
if (provider === undefined) throw new Error(`--provider is one of ${providers.join(', ')}.`);
const cycles = Number(values.cycles);

const readings = await withBenchPage(
  values.model,
  async (page, packageUrl) => {
    const order: CycleOrder = { provider, packageUrl, cycles, readEvery: 5 };
    return await page.evaluate(
      async (given) => (window as unknown as { cycle(order: CycleOrder): Promise<CycleReading[]> }).cycle(given),
      order,
    );
  },
  // Measures at once instead of at the next garbage collection.
  ['--enable-blink-features=ForceEagerMeasureMemory'],
);
const first = readings.find(({ cycle }) => cycle >= warmUpCycles)?.bytes ?? Number.NaN;
const last = readings.at(-1)?.bytes ?? Number.NaN;
const growth = last / first - 1;
console.log(
  `${cycles} cycles on ${provider}: ${(first / 1e6).toFixed(1)} MB after ${warmUpCycles}, ${(last / 1e6).toFixed(1)} MB at the end, ` +
    `${(growth * 100).toFixed(1)} % more (allowed ${allowedGrowth * 100} %)`,
);
process.exitCode = growth <= allowedGrowth ? 0 : 1;
