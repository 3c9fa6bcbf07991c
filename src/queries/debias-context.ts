/** Debias' computations, handed down from the composition root: the view knows their interface, never the worker. */
import { createContext, useContext } from 'react';
import type { DebiasJobs } from '@/jobs/api/debias.ts';

export const DebiasJobsContext = createContext<DebiasJobs | undefined>(undefined);

/** @throws Error outside the composition root's provider: a mistake of ours, never of the person's. */
export function useDebiasJobs(): DebiasJobs {
  const jobs = useContext(DebiasJobsContext);
  if (jobs === undefined) throw new Error('useDebiasJobs needs a DebiasJobsContext above it');
  return jobs;
}
