/** The entry of a worker that does one task of Debias and ends. */
import type { DebiasCall } from '@/jobs/api/debias.ts';
import { runDebiasTask } from '@/jobs/host/debias-tasks.ts';

self.addEventListener('message', ({ data }: MessageEvent<DebiasCall>) => {
  void runDebiasTask(data).then((reply) => self.postMessage(reply));
});
