/** The Debias view with the jobs it works through. */
import { DebiasView } from '@/features/debias/debias-view.tsx';
import { DebiasJobsContext } from '@/queries/debias-context.ts';
import { setJobs, workerUrl } from './set-jobs.ts';

export { workerUrl };

export function Page() {
  return (
    <DebiasJobsContext value={setJobs}>
      <DebiasView />
    </DebiasJobsContext>
  );
}
