/** The entry of a worker that does one task of Debias and ends. */
import type { DebiasCall, DebiasReply } from '@/jobs/api/debias.ts';
import { runDebiasTask } from '@/jobs/host/debias-tasks.ts';

/** The part of a worker's global scope that is used here. */
interface TaskPort {
  postMessage(message: DebiasReply): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<DebiasCall>) => void): void;
}

function serve(port: TaskPort): void {
  port.addEventListener('message', ({ data }) => {
    void runDebiasTask(data, (progress) => port.postMessage(progress)).then((reply) => port.postMessage(reply));
  });
}

serve(self);
