/** The Train view with the jobs it works through: a worker of its own, started when it is first asked for something. */
// Vite makes the default export: the address of the bundled worker.
// oxlint-disable-next-line import/default
import workerUrl from '@/jobs/worker/training-worker.ts?worker&url';
import { createWorkerTrainingJobs } from '@/jobs/worker/training-client.ts';
import { TrainView } from '@/features/train/train-view.tsx';
import { TrainingJobsContext } from '@/queries/training-context.ts';

export { workerUrl };

/** One for the page's life: a run goes on while other views are looked at. */
const jobs = createWorkerTrainingJobs(() => new Worker(workerUrl, { type: 'module' }));

export function Page() {
  return (
    <TrainingJobsContext value={jobs}>
      <TrainView />
    </TrainingJobsContext>
  );
}
