/**
 * `npm run bench`: several responses of one prompt, scored by the engine and by transformers.js on the same weights, natively, in wasm
 * and on WebGPU, in one run. Prints times, ratios and errors.
 *
 * `-- --model DIR` another package · `--providers native,wasm,webgpu` · `--responses 4` `--prompt 500` `--response 100` (tokens) ·
 * `--repeats 5` (WebGPU on a software adapter is slow: one round there unless `--repeats` is given).
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Provider } from '@/engine/api/messages.ts';
import { nativeBackendFactory } from '@/runtime/native-backend.ts';
import { diskFileSet } from '@/cli/disk-files.ts';
import { createCliEngine } from '@/cli/node-engine.ts';
import { availableParallelism } from 'node:os';
import { measure, tokenSaving, type BenchResult, type BenchSettings, type Timing } from './measure.ts';
import { withBenchPage } from './bench-page.ts';
import type { BenchOrder } from './worker.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    providers: { type: 'string', default: 'native,wasm,webgpu' },
    responses: { type: 'string', default: '4' },
    prompt: { type: 'string', default: '500' },
    response: { type: 'string', default: '100' },
    repeats: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const model = values.model ?? folder('../../public/models/embedded');
const settingsFor = (repeats: number): BenchSettings => ({
  responses: Number(values.responses),
  promptTokens: Number(values.prompt),
  responseTokens: Number(values.response),
  repeats: values.repeats === undefined ? repeats : Number(values.repeats),
});

/** Names of the command line; the software adapter's subgroups are too narrow for attention (runtime.md). */
const browserProviders: Readonly<Record<string, Provider>> = { wasm: 'wasm', webgpu: 'webgpu' };

for (const name of values.providers.split(',')) {
  if (name === 'native') print(await native());
  else {
    const provider = browserProviders[name];
    if (provider === undefined) throw new Error(`There is no provider ${name}: native, wasm, webgpu.`);
    print(await inBrowser(provider));
  }
}

async function native(): Promise<BenchResult> {
  const threads = Number(values.threads);
  const engine = createCliEngine({ threads });
  await engine.load({ kind: 'directory', path: model }, { provider: 'native' });
  const place = {
    engine,
    factory: nativeBackendFactory({ threads }),
    provider: 'native',
    files: diskFileSet(model),
  } as const;
  const result = await measure({ ...place, say: console.log, coreMs }, settingsFor(5));
  await engine.dispose();
  return result;
}

function coreMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function inBrowser(provider: Provider): Promise<BenchResult> {
  return await withBenchPage(model, async (page, packageUrl) => {
    const order: BenchOrder = {
      provider,
      packageUrl,
      settings: settingsFor(provider === 'wasm' ? 3 : 1),
    };
    return await page.evaluate(
      async (given) => (window as unknown as { bench(order: BenchOrder): Promise<BenchResult> }).bench(given),
      order,
    );
  });
}

function print(result: BenchResult): void {
  const { provider, adapter, sequenceTokens, sharedTokens, engine, transformers, errors, hiddenScale } = result;
  const saving = tokenSaving(result);
  const compare = (what: string, pick: (timings: readonly Timing[]) => number): string => {
    const [ours, theirs] = [pick(engine), pick(transformers)];
    const ratio = theirs / ours;
    return Number.isNaN(ratio)
      ? ''
      : `  ${what}: engine ${ours.toFixed(0)} ms, transformers.js ${theirs.toFixed(0)} ms, ratio ${ratio.toFixed(2)}, ` +
          `${(ratio / saving).toFixed(2)} of the tokens saved\n`;
  };
  console.log(
    `\n${provider}${adapter === undefined ? '' : ` on ${adapter}`}: ${sequenceTokens.length} responses of one prompt, ` +
      `${sharedTokens} tokens shared, whole sequences of ${sequenceTokens.join(', ')}: ${saving.toFixed(2)} times fewer tokens\n` +
      compare(`median of ${engine.length}`, (timings) => median(timings.map(({ wallMs }) => wallMs))) +
      compare('best round', (timings) => Math.min(...timings.map(({ wallMs }) => wallMs))) +
      compare('core time', (timings) => median(timings.map(({ coreMs }) => coreMs ?? Number.NaN))) +
      `  largest difference: hidden states ${errors.hidden.toExponential(1)} (of up to ${hiddenScale.toFixed(1)}), ` +
      `rewards ${errors.rewards.toExponential(1)}, gate weights ${errors.gateWeights.toExponential(1)}, ` +
      `score ${errors.score.toExponential(1)}`,
  );
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;
}
