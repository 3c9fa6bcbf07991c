/** The Train view with the jobs it works through: a worker of its own, started when it is first asked for something. */
import { createWorkerTrainingJobs } from '@/jobs/worker/training-client.ts';
import { TrainView } from '@/features/train/train-view.tsx';
import { TrainingJobsContext } from '@/queries/training-context.ts';

/** One for the page's life: a run goes on while other views are looked at. */
const jobs = createWorkerTrainingJobs(
  () => new Worker(new URL('../jobs/worker/training-worker.ts', import.meta.url), { type: 'module' }),
);

export function TrainPage() {
  return (
    <TrainingJobsContext value={jobs}>
      <TrainView />
    </TrainingJobsContext>
  );
}
