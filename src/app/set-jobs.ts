/** Long computations on whole sets, for the views that show them: a worker for each, made when it is asked for. */
// Vite makes the default export: the address of the bundled worker.
// oxlint-disable-next-line import/default
import workerUrl from '@/jobs/worker/debias-worker.ts?worker&url';
import { createDebiasJobs } from '@/jobs/worker/debias-client.ts';

export { workerUrl };

export const setJobs = createDebiasJobs(() => new Worker(workerUrl, { type: 'module' }));
