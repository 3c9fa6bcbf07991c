/** The Debias view with the jobs it works through: a worker for each, made when it is asked for. */
// Vite makes the default export: the address of the bundled worker.
// oxlint-disable-next-line import/default
import workerUrl from '@/jobs/worker/debias-worker.ts?worker&url';
import { createDebiasJobs } from '@/jobs/worker/debias-client.ts';
import { DebiasView } from '@/features/debias/debias-view.tsx';
import { DebiasJobsContext } from '@/queries/debias-context.ts';

export { workerUrl };

const jobs = createDebiasJobs(() => new Worker(workerUrl, { type: 'module' }));

export function Page() {
  return (
    <DebiasJobsContext value={jobs}>
      <DebiasView />
    </DebiasJobsContext>
  );
}
