/** Hands what `run.ts` asks for to the worker that measures. */
import type { BenchAnswer, BenchOrder, BenchReport } from './worker.ts';

Object.assign(window, {
  bench: (order: BenchOrder) =>
    new Promise<BenchReport>((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
      worker.addEventListener('message', ({ data }: MessageEvent<BenchAnswer>) => {
        if (data.report === undefined) reject(new Error(data.error));
        else resolve(data.report);
      });
      worker.addEventListener('error', (event) => reject(new Error(event.message)));
      worker.postMessage(order, []);
    }),
});
