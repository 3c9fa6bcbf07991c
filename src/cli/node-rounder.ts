/** Rounding on all cores of the command line, on threads of this process. */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type RoundingThreadsOptions, type ThreadedRounder, threadedRounder } from '@/convert/rounding-threads.ts';

/** More share one memory bus without getting faster. */
const MOST_THREADS = 8;

/** @param options what tests change. */
export function nodeRounder(options: Partial<Omit<RoundingThreadsOptions, 'start'>> = {}): ThreadedRounder {
  // Reads this project's own sources in a thread, whatever runs this one.
  const loader = createRequire(import.meta.url).resolve('tsx/cjs');
  const entry = fileURLToPath(new URL('./rounding-thread.ts', import.meta.url));
  const program = `require(${JSON.stringify(loader)}); require(${JSON.stringify(entry)});`;
  return threadedRounder({
    threads: Math.min(availableParallelism(), MOST_THREADS),
    ...options,
    start(listener) {
      const worker = new Worker(program, { eval: true, execArgv: [] });
      worker.on('message', (reply) => listener.reply(reply));
      worker.on('error', (error) => listener.failed(error instanceof Error ? error : new Error(String(error))));
      worker.on('exit', (code) => listener.failed(new Error(`a thread that rounds ended with code ${code}`)));
      return {
        post: (request, transfer) => worker.postMessage(request, transfer),
        terminate: () => void worker.terminate(),
      };
    },
  });
}
