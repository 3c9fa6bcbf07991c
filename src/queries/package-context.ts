/** What is done to kept packages, handed down from the composition root: views know the interface, never the worker. */
import { createContext, useContext } from 'react';
import type { PackageJobs } from '@/jobs/api/packages.ts';

export const PackageJobsContext = createContext<PackageJobs | undefined>(undefined);

/** @throws Error outside the composition root's provider: a mistake of ours, never of the person's. */
export function usePackageJobs(): PackageJobs {
  const jobs = useContext(PackageJobsContext);
  if (jobs === undefined) throw new Error('usePackageJobs needs a PackageJobsContext above it');
  return jobs;
}
