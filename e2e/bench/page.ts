/**
 * `window.bench(order)`: one measurement in a worker. `window.cycle(order)`: load, score and unload again and again.
 * `window.keepChosen()`, `window.loadModel(order)`: a package of any size, from a chosen folder or kept.
 */
import { packageJobs } from '@/app/package-jobs.ts';
import { createWorkerEngine } from '@/engine/worker/worker-client.ts';
import type { Provider } from '@/engine/api/messages.ts';
import type { BlobFile } from '@/formats/blob-source.ts';
import { opfsPackageFolders } from '@/formats/kept/package-folders.ts';
import { keptPackageFiles } from '@/queries/kept-model.ts';
import type { LoadOrder, LoadReply } from './load-worker.ts';
import type { BenchOrder, BenchReply } from './worker.ts';

async function bench(order: BenchOrder): Promise<unknown> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  return await new Promise((resolve, reject) => {
    worker.addEventListener('error', (event) => reject(new Error(event.message)));
    worker.addEventListener('message', ({ data }: MessageEvent<BenchReply>) => {
      if (data.kind === 'line') console.log(data.line);
      else if (data.kind === 'done') resolve(data.result);
      else reject(new Error(data.message));
    });
    // A worker has no origin to name.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    worker.postMessage(order);
  }).finally(() => worker.terminate());
}

export interface CycleOrder {
  readonly provider: Provider;
  readonly packageUrl: string;
  readonly cycles: number;
  readonly readEvery: number;
}
export interface CycleReading {
  readonly cycle: number;
  /** JavaScript and wasm memory of the page and its workers. */
  readonly bytes: number;
}

/** Of cross-origin isolated pages in Chromium; TypeScript does not know it. */
interface MeasuringPerformance {
  measureUserAgentSpecificMemory(): Promise<{ readonly bytes: number }>;
}

async function cycle({ provider, packageUrl, cycles, readEvery }: CycleOrder): Promise<CycleReading[]> {
  const engine = createWorkerEngine();
  const readings: CycleReading[] = [];
  for (let done = 1; done <= cycles; done++) {
    await engine.load({ kind: 'url', url: packageUrl }, { provider });
    await engine.score({
      messages: [{ role: 'user', content: `Name ${done} colours.` }],
      responses: ['Blue, green and red.', `I cannot name ${done} of them, but blue is one.`],
      features: true,
    });
    await engine.unload();
    if (done % readEvery !== 0 && done !== cycles) continue;
    const { bytes } = await (performance as unknown as MeasuringPerformance).measureUserAgentSpecificMemory();
    console.log(`cycle ${done}: ${(bytes / 1e6).toFixed(1)} MB`);
    readings.push({ cycle: done, bytes });
  }
  await engine.dispose();
  return readings;
}

const chosenFiles = () =>
  [...(document.querySelector<HTMLInputElement>('#folder')?.files ?? [])].map((file) => ({
    path: file.webkitRelativePath,
    blob: file,
  }));

let keptKey: string | undefined;

/** Keeps the package chosen in the page's file field in the browser's own storage. @throws JobError */
async function keepChosen(): Promise<void> {
  const { key } = await packageJobs.run('save', { source: { kind: 'files', name: '', files: chosenFiles() } });
  keptKey = key;
}

async function keptFiles(): Promise<readonly BlobFile[]> {
  const folders = opfsPackageFolders();
  const kept = keptKey === undefined ? undefined : await folders.record(keptKey);
  if (kept === undefined) throw new Error('nothing was kept');
  return keptPackageFiles(folders, kept);
}

export type LoadFrom = 'folder' | 'kept';

/** Loads the package chosen in the page's file field, or its copy in the browser's own storage. */
async function loadModel({ from, ...order }: Omit<LoadOrder, 'files'> & { readonly from: LoadFrom }) {
  const whole: LoadOrder = { ...order, files: from === 'kept' ? await keptFiles() : chosenFiles() };
  const worker = new Worker(new URL('./load-worker.ts', import.meta.url), { type: 'module' });
  return await new Promise<LoadReply>((resolve, reject) => {
    worker.addEventListener('error', (event) => reject(new Error(event.message)));
    worker.addEventListener('message', ({ data }: MessageEvent<LoadReply>) => resolve(data));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    worker.postMessage(whole);
  }).finally(() => worker.terminate());
}
Object.assign(window, { bench, cycle, keepChosen, loadModel });
