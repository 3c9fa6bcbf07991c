/** The Evaluate view with the jobs it works through. */
import { EvaluateView } from '@/features/evaluate/evaluate-view.tsx';
import { DebiasJobsContext } from '@/queries/debias-context.ts';
import { setJobs, workerUrl } from './set-jobs.ts';

export { workerUrl };

export function Page() {
  return (
    <DebiasJobsContext value={setJobs}>
      <EvaluateView />
    </DebiasJobsContext>
  );
}
