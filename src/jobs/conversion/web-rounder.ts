/** Rounding on all cores in the page, in workers of the conversion's worker. */
import { type ThreadedRounder, threadedRounder } from '@/convert/rounding-threads.ts';
import type { RoundingReply } from '@/convert/slab-rounder.ts';

export { answerRounding, type RoundingRequest } from '@/convert/slab-rounder.ts';

/** More share one memory bus without getting faster. */
const MOST_THREADS = 8;

/** @param createWorker makes a worker that answers as `answerRounding` does. */
export function webRounder(createWorker: () => Worker): ThreadedRounder {
  return threadedRounder({
    threads: Math.min(navigator.hardwareConcurrency, MOST_THREADS),
    start(listener) {
      const worker = createWorker();
      worker.addEventListener('message', ({ data }: MessageEvent<RoundingReply>) => listener.reply(data));
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        listener.failed(new Error(`A thread that rounds ended: ${event.message}`));
      });
      return {
        post: (request, transfer) => worker.postMessage(request, transfer),
        terminate: () => worker.terminate(),
      };
    },
  });
}
