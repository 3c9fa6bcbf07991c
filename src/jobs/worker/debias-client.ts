/** `DebiasJobs` in workers: one a task, ended when it has answered or when nobody waits any more. */
import type { DebiasJobs, DebiasReply, DebiasTaskName, DebiasTasks } from '@/jobs/api/debias.ts';
import { JobError } from '@/jobs/api/job-error.ts';

/** The part of a `Worker` used here. */
export interface TaskWorker {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<DebiasReply>) => void): void;
  addEventListener(type: 'error' | 'messageerror', listener: (event: Event) => void): void;
  terminate(): void;
}

type Progress = (doneRows: number, totalRows: number) => void;

export function createDebiasJobs(createWorker: () => TaskWorker): DebiasJobs {
  return {
    run<K extends DebiasTaskName>(
      task: K,
      request: DebiasTasks[K]['request'],
      signal?: AbortSignal,
      onProgress?: Progress,
    ) {
      return new Promise<DebiasTasks[K]['result']>((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(new JobError({ code: 'aborted', message: 'Cancelled.' }));
          return;
        }
        const worker = createWorker();
        const end = () => {
          worker.terminate();
          signal?.removeEventListener('abort', cancel);
        };
        const cancel = () => {
          end();
          reject(new JobError({ code: 'aborted', message: 'Cancelled.' }));
        };
        const fail = (event: Event) => {
          end();
          const detail = event instanceof ErrorEvent ? { detail: event.message } : {};
          const message = 'The worker that computes this ended. Reload the page and try again.';
          reject(new JobError({ code: 'internal', message, ...detail }));
        };
        signal?.addEventListener('abort', cancel, { once: true });
        worker.addEventListener('message', ({ data }) => {
          if (data.kind === 'progress') {
            onProgress?.(data.doneRows, data.totalRows);
            return;
          }
          end();
          // The worker answers the task it was given, so the result is that task's.
          if (data.kind === 'done') resolve(data.result);
          else reject(new JobError(data.error));
        });
        worker.addEventListener('error', fail);
        worker.addEventListener('messageerror', fail);
        worker.postMessage({ task, request }, []);
      });
    },
  };
}
