/** The Steer view with the jobs it works through. */
import { SteerView } from '@/features/steer/steer-view.tsx';
import { DebiasJobsContext } from '@/queries/debias-context.ts';
import { setJobs, workerUrl } from './set-jobs.ts';

export { workerUrl };

export function Page() {
  return (
    <DebiasJobsContext value={setJobs}>
      <SteerView />
    </DebiasJobsContext>
  );
}
