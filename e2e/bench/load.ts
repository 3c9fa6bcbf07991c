/**
 * `npm run bench:load -- PACKAGE`: loads a package of any size in Chromium, without a copy, scores one conversation of at most 16
 * tokens, and prints the time of loading, the peak memory of the page's process against the issue's limit (idle + 0.15 × weights +
 * 0.25 GB), and the difference from the same score on the native CPU.
 *
 * `--from folder` (a chosen folder, default) or `kept` (put into the browser's own storage first) · `--provider wasm` or
 * `webgpu-no-subgroups` (default) · `--stages streamed` (default) or `resident` · `--verify` (hashes too) ·
 * `--loads 5` (the last of them scores; all stages are loaded in the others; prints the median) · `--no-score` (only loads all stages:
 * times and memory) · `--build asyncify` (for browsers without JSPI; default: what this browser gets) · `--native-only`
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { diskFileSet } from '@/cli/disk-files.ts';
import type { Provider, StageMode } from '@/engine/api/messages.ts';
import { nativeBackendFactory } from '@/runtime/native-backend.ts';
import type { WebBuild } from '@/runtime/web-ort.ts';
import { withBenchPage } from './bench-page.ts';
import { loadAndScore, type LoadFigures, type LoadTimes } from './load-steps.ts';
import type { LoadReply } from './load-worker.ts';
import type { LoadFrom } from './page.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    provider: { type: 'string', default: 'webgpu-no-subgroups' },
    stages: { type: 'string', default: 'streamed' },
    from: { type: 'string', default: 'folder' },
    build: { type: 'string' },
    verify: { type: 'boolean', default: false },
    loads: { type: 'string', default: '1' },
    'no-score': { type: 'boolean', default: false },
    'native-only': { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('Name the folder of a package.');
const providers: readonly Provider[] = ['wasm', 'webgpu', 'webgpu-no-subgroups'];
const provider = providers.find((name) => name === values.provider);
if (provider === undefined) throw new Error(`--provider is one of ${providers.join(', ')}.`);
const stages: StageMode = values.stages === 'resident' ? 'resident' : 'streamed';
const builds: readonly WebBuild[] = ['jspi', 'asyncify'];
const build = builds.find((name) => name === values.build);
if (build === undefined && values.build !== undefined) throw new Error(`--build is one of ${builds.join(', ')}.`);
const from: LoadFrom = values.from === 'kept' ? 'kept' : 'folder';
const model = resolve(folder);

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** In words. */
function loading({ openMs, sessionsMs, weightBytes, packageBytes }: LoadTimes): string {
  const rate = (ms: number, bytes: number): string => `${(ms / 1000 / (bytes / 1e9)).toFixed(2)} s/GB`;
  return (
    `opened in ${seconds(openMs)}${values.verify ? ' with every hash' : ''}; ${gigabytes(weightBytes)} of weights made ready in ` +
    `${seconds(sessionsMs)} (${rate(sessionsMs, weightBytes)}); both together ${rate(openMs + sessionsMs, packageBytes)} of the package`
  );
}

function describe(where: string, figures: LoadFigures): void {
  const { tokens, computeMs, score } = figures;
  console.log(
    `${where}, stages ${stages}: ${loading(figures)}; ${tokens} tokens computed in ${seconds(computeMs)}; score ${score}`,
  );
}

const worst = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))));

let native: LoadFigures | undefined;
if (!values['no-score']) {
  const created = await nativeBackendFactory({}).create('native');
  if (!('backend' in created)) throw new Error(created.unavailable);
  native = await loadAndScore(diskFileSet(model), created.backend, stages, values.verify);
  await created.backend.dispose();
  describe('native CPU', native);
}

if (!values['native-only']) {
  const { figures, adapter, loads, idleBytes, peakBytes, gpuPeakBytes } = await withBenchPage(model, inPage);
  const where = `Chromium on ${provider}${build === undefined ? '' : `, ${build} build`}${adapter === undefined ? '' : ` (${adapter})`}`;
  if (figures === undefined) console.log(`${where}, all stages:`);
  else describe(where, figures);
  const together = ({ openMs, sessionsMs }: LoadTimes): number => openMs + sessionsMs;
  const median = loads.toSorted((a, b) => together(a) - together(b))[Math.floor(loads.length / 2)];
  for (const times of loads) console.log(`  ${loading(times)}`);
  if (loads.length > 1 && median !== undefined) console.log(`  median: ${loading(median)}`);
  const { weightBytes = Number.NaN } = figures ?? median ?? {};
  const limit = idleBytes + 0.15 * weightBytes + 0.25e9;
  console.log(
    `memory of the page's process: idle ${gigabytes(idleBytes)}, peak ${gigabytes(peakBytes)}, limit ${gigabytes(limit)} ` +
      `(${peakBytes <= limit ? 'kept' : 'exceeded'}); graphics process at its peak ${gigabytes(gpuPeakBytes)}`,
  );
  if (figures !== undefined && native !== undefined) compare(figures, native);
}

function compare(figures: LoadFigures, native: LoadFigures): void {
  console.log(
    `against the native CPU: score ${Math.abs(figures.score - native.score).toExponential(1)}, ` +
      `rewards ${worst(figures.rewards, native.rewards).toExponential(1)} (largest ${Math.max(...native.rewards.map(Math.abs)).toPrecision(3)}), ` +
      `gate weights ${worst(figures.gateWeights, native.gateWeights).toExponential(1)}`,
  );
}

async function inPage(page: Page) {
  const browser = page.context().browser();
  if (browser === null || provider === undefined) throw new Error('the page has no browser');
  await page.setInputFiles('#folder', model);
  if (from === 'kept') {
    await page.evaluate(() => (window as unknown as { keepChosen(): Promise<void> }).keepChosen());
    // Gigabytes on their way to the disk would be measured too.
    execFileSync('sync');
  }
  const idle = await residentBytes(browser);
  const watch = watchMemory(browser);
  const load = async (loadOnly: boolean): Promise<LoadReply> => {
    const reply = await page.evaluate(
      async (given) => (window as unknown as { loadModel(order: unknown): Promise<LoadReply> }).loadModel(given),
      { from, provider, stages, build, verifyHashes: values.verify, loadOnly },
    );
    if (reply.kind === 'failed') throw new Error(reply.message);
    return reply;
  };
  const loads: LoadTimes[] = [];
  const withoutScore = Number(values.loads) - (values['no-score'] ? 0 : 1);
  while (loads.length < withoutScore) {
    const reply = await load(true);
    if (reply.kind === 'loaded') loads.push(reply.times);
  }
  const scored = values['no-score'] ? undefined : await load(false);
  const peak = await watch.stop();
  const { figures, adapter } = scored?.kind === 'done' ? scored : {};
  if (figures !== undefined && stages === 'resident') loads.push(figures);
  return { figures, adapter, loads, idleBytes: idle.renderer, peakBytes: peak.renderer, gpuPeakBytes: peak.gpu };
}

interface ProcessBytes {
  readonly renderer: number;
  readonly gpu: number;
}

/** Resident memory of the largest page process and of the graphics process, from the kernel. */
async function residentBytes(browser: Browser): Promise<ProcessBytes> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const of = (type: string): number =>
    Math.max(0, ...processInfo.filter((each) => each.type === type).map(({ id }) => residentOf(id)));
  return { renderer: of('renderer'), gpu: of('GPU') };
}

function residentOf(pid: number): number {
  if (!readdirSync('/proc').includes(String(pid))) return 0;
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return 1024 * Number(kilobytes ?? 0);
}

function watchMemory(browser: Browser): { stop(): Promise<ProcessBytes> } {
  let peak: ProcessBytes = { renderer: 0, gpu: 0 };
  const stopping = new AbortController();
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      const now = await residentBytes(browser);
      peak = { renderer: Math.max(peak.renderer, now.renderer), gpu: Math.max(peak.gpu, now.gpu) };
      await new Promise((done) => setTimeout(done, 100));
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await watching;
      return peak;
    },
  };
}
