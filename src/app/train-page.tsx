/** The Train view with the jobs it works through: a worker of its own, started when it is first asked for something. */
// Vite makes the default export: the address of the bundled worker.
// oxlint-disable-next-line import/default
import trainingWorkerUrl from '@/jobs/worker/training-worker.ts?worker&url';
import { createWorkerTrainingJobs } from '@/jobs/worker/training-client.ts';
import { TrainView } from '@/features/train/train-view.tsx';
import { TrainingJobsContext } from '@/queries/training-context.ts';

/** One for the page's life: a run goes on while other views are looked at. */
const jobs = createWorkerTrainingJobs(() => new Worker(trainingWorkerUrl, { type: 'module' }));

/** Brings the worker's script into the browser's cache, so that training also starts when the network is gone. Never rejects. */
export async function fetchTrainingWorker(): Promise<void> {
  await fetch(trainingWorkerUrl).then(
    (response) => response.arrayBuffer(),
    () => undefined,
  );
}

export function TrainPage() {
  return (
    <TrainingJobsContext value={jobs}>
      <TrainView />
    </TrainingJobsContext>
  );
}
