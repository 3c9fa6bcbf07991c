/** The jobs of training, handed down from the composition root: the view knows their interface, never who makes them. */
import { createContext, useContext } from 'react';
import type { TrainingJobs } from '@/jobs/api/training.ts';

export const TrainingJobsContext = createContext<TrainingJobs | undefined>(undefined);

/** @throws Error outside the composition root's provider: a mistake of ours, never of the person's. */
export function useTrainingJobs(): TrainingJobs {
  const jobs = useContext(TrainingJobsContext);
  if (jobs === undefined) throw new Error('useTrainingJobs needs a TrainingJobsContext above it');
  return jobs;
}
