/** Does one task on a kept package when told, and stops when told; the worker's half, without the worker. */
import type { PackageCall, PackageReply, PackageTaskName, PackageTasks } from '@/jobs/api/packages.ts';
import { jobErrorFrom } from '@/jobs/host/job-errors.ts';
import type { PackageTaskTable } from '@/jobs/host/packages/package-tasks.ts';

/** The part of a worker's global scope that is used here. */
export interface PackagePort {
  postMessage(message: PackageReply): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<PackageCall>) => void): void;
}

export type CalledTask = Extract<PackageCall, { kind: 'call' }>;
export type PackageResult = PackageTasks[PackageTaskName]['result'];

/** @param perform does the task; rejects when `signal` aborts. */
export function servePackageTask(
  perform: (call: CalledTask, signal: AbortSignal) => Promise<PackageResult>,
  port: PackagePort,
): void {
  const stop = new AbortController();
  port.addEventListener('message', ({ data }) => {
    if (data.kind === 'abort') {
      stop.abort();
      return;
    }
    void perform(data, stop.signal).then(
      (result) => port.postMessage({ kind: 'done', result }),
      (error: unknown) => port.postMessage({ kind: 'failed', error: jobErrorFrom(error).toData() }),
    );
  });
}

/** Everything but conversions, which have a worker of their own. */
export async function performPackageTask(
  tasks: PackageTaskTable,
  call: CalledTask,
  signal: AbortSignal,
): Promise<PackageResult> {
  if (call.task === 'save') return tasks.save(call.request, signal);
  if (call.task === 'verify') return tasks.verify(call.request, signal);
  if (call.task === 'remove') return tasks.remove(call.request, signal);
  if (call.task === 'restore') return tasks.restore(call.request, signal);
  if (call.task === 'purge') return tasks.purge(call.request, signal);
  throw new Error(`this worker does not ${call.task}`);
}
