/** Jobs whose calls count as running work; otherwise the jobs they are given. */
import type { PackageJobs } from '@/jobs/api/packages.ts';
import { trackWork } from '@/state/pending-work.ts';

export function countedJobs(jobs: PackageJobs): PackageJobs {
  return { run: (...parameters) => trackWork(jobs.run(...parameters)) };
}
