/** Training in a browser's worker: dropped files and addresses, WebGPU or wasm, checkpoints in the origin's private file system. */
import { nextTask } from '@/base/next-task.ts';
import { blobSource } from '@/formats/blob-source.ts';
import { opfsFileStore } from '@/formats/file-store.ts';
import { openHttpSource } from '@/formats/http-source.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import type { DataFile } from '@/jobs/api/training.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import { TrainingJobsHost } from './training-jobs-host.ts';
import { webTrainerFactory } from './web-trainer.ts';

const checkpointFolder = 'training-checkpoints';
/** Beside the page's model. */
const probeBytes = 2 ** 30;

export function createWebTrainingJobs(): TrainingJobsHost {
  return new TrainingJobsHost({
    async openFile(file: DataFile) {
      if (file.kind === 'blob') return blobSource(file.name, file.blob);
      if (file.kind === 'url') {
        const source = await openHttpSource(file.url, file.name);
        if (source !== undefined) return source;
        throw new JobError({ code: 'bad-input', message: `${file.name}: there is no file at ${file.url}.` });
      }
      throw new JobError({ code: 'bad-input', message: 'A page cannot open a file by its path. Choose or drop it.' });
    },
    factory: webTrainerFactory(),
    checkpoints: new CheckpointStore(opfsFileStore(checkpointFolder), () => Date.now()),
    probeBytes,
    now: () => performance.now(),
    breathe: nextTask,
  });
}
