/** `window.bench(order)`: runs one measurement in a worker and resolves with its result. */
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
Object.assign(window, { bench });
