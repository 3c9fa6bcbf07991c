/** What is known of the files that are trained on, and the loaded model's own head, read once and kept. */
import { queryOptions, skipToken } from '@tanstack/react-query';
import type { RewardHead } from '@/core/reward-head.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import type { HeadParts } from '@/formats/head-files.ts';
import type { JobError } from '@/jobs/api/job-error.ts';
import type { FeatureSummary, TrainingJobs } from '@/jobs/api/training.ts';
import type { ModelChoice } from '@/state/model-choice.ts';
import { filesOf, type ChosenFiles } from '@/state/training-data.ts';
import { readPackageHead } from './package-head.ts';

/** Layout, rows, width and what is odd. */
export function featuresQuery(jobs: TrainingJobs, chosen: ChosenFiles | undefined) {
  return queryOptions<FeatureSummary, JobError>({
    queryKey: ['training', 'features', chosen?.id],
    queryFn: chosen === undefined ? skipToken : ({ signal }) => jobs.describeFeatures(filesOf(chosen), { signal }),
  });
}

/** Regression, transform and gate of the chosen heads, as far as they are there. */
export function headFilesQuery(jobs: TrainingJobs, chosen: ChosenFiles | undefined) {
  return queryOptions<HeadParts, JobError>({
    queryKey: ['training', 'heads', chosen?.id],
    queryFn: chosen === undefined ? skipToken : ({ signal }) => jobs.readHeads(filesOf(chosen), { signal }),
  });
}

/** The loaded model's own head, from its package. */
export function modelHeadQuery(
  loaded: { readonly model: LoadedModel; readonly loadId: number; readonly choice: ModelChoice } | undefined,
) {
  return queryOptions<RewardHead>({
    queryKey: ['training', 'model-head', loaded?.loadId],
    queryFn:
      loaded === undefined ? skipToken : ({ signal }) => readPackageHead(loaded.choice, loaded.model.manifest, signal),
  });
}
