/**
 * `PackageJobs` in workers: one a task. Cancelling asks the worker to stop and waits until it has, so that its files and its lock are
 * free when the call rejects.
 */
import { JobError } from '@/jobs/api/job-error.ts';
import type { PackageJobs, PackageReply, PackageTaskName, PackageTasks } from '@/jobs/api/packages.ts';

/** The part of a `Worker` used here. */
export interface PackageWorker {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<PackageReply>) => void): void;
  addEventListener(type: 'error' | 'messageerror', listener: (event: Event) => void): void;
  terminate(): void;
}

/** @param createWorker makes the worker that does a task. */
export function createPackageJobs(createWorker: (task: PackageTaskName) => PackageWorker): PackageJobs {
  return {
    run<K extends PackageTaskName>(task: K, request: PackageTasks[K]['request'], signal?: AbortSignal) {
      return new Promise<PackageTasks[K]['result']>((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(new JobError({ code: 'aborted', message: 'Cancelled.' }));
          return;
        }
        const worker = createWorker(task);
        const abort = () => worker.postMessage({ kind: 'abort' }, []);
        const end = () => {
          worker.terminate();
          signal?.removeEventListener('abort', abort);
        };
        const fail = (event: Event) => {
          end();
          const detail = event instanceof ErrorEvent ? { detail: event.message } : {};
          const message = 'The worker that keeps packages ended. What is here stays: reload the page and resume.';
          reject(new JobError({ code: 'internal', message, ...detail }));
        };
        signal?.addEventListener('abort', abort, { once: true });
        worker.addEventListener('message', ({ data }) => {
          end();
          // The worker answers the task it was given, so the result is that task's.
          if (data.kind === 'done') resolve(data.result);
          else reject(new JobError(data.error));
        });
        worker.addEventListener('error', fail);
        worker.addEventListener('messageerror', fail);
        worker.postMessage({ kind: 'call', task, request }, []);
      });
    },
  };
}
