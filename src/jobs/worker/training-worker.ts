/** The worker's entry: training behind messages. Calls that arrive while this module loads wait in the port. */
import { createWebTrainingJobs } from '@/jobs/host/web-training-jobs.ts';
import { serveTraining } from './training-server.ts';

serveTraining(createWebTrainingJobs(), self);
