/** What is done to kept packages, in a worker for each task, made when it is asked for. */
// Vite makes the default export: the address of the bundled worker.
// oxlint-disable-next-line import/default
import conversionUrl from '@/jobs/worker/conversion-worker.ts?worker&url';
// oxlint-disable-next-line import/default
import workerUrl from '@/jobs/worker/package-worker.ts?worker&url';
import { createPackageJobs } from '@/jobs/worker/package-client.ts';
import { countedJobs } from './counted-jobs.ts';

export { workerUrl };

export const packageJobs = countedJobs(
  createPackageJobs((task) => new Worker(task === 'convert' ? conversionUrl : workerUrl, { type: 'module' })),
);
