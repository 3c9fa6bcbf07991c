/** What is known of the files that are trained on, and the loaded model's own head, read once and kept. */
import { queryOptions, skipToken } from '@tanstack/react-query';
import type { RewardHead } from '@/core/reward-head.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import type { HeadParts } from '@/formats/head-files.ts';
import type { JobError } from '@/jobs/api/job-error.ts';
import type { DataFile, FeatureSummary, TrainingJobs } from '@/jobs/api/training.ts';
import { modelSource, type ModelChoice } from '@/state/model-choice.ts';
import { filesOf, type ChosenFiles } from '@/state/training-data.ts';

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

/** The loaded model's own head, from its package. @param baseUrl the page's. */
export function modelHeadQuery(
  jobs: TrainingJobs,
  loaded: { readonly model: LoadedModel; readonly loadId: number; readonly choice: ModelChoice } | undefined,
  baseUrl: string,
) {
  return queryOptions<RewardHead>({
    queryKey: ['training', 'model-head', loaded?.loadId],
    queryFn:
      loaded === undefined
        ? skipToken
        : async ({ signal }) => {
            const { manifest } = loaded.model;
            const parts = await jobs.readHeads([headsFile(loaded.model, loaded.choice, baseUrl)], { signal });
            return wholeHead(parts, manifest);
          },
  });
}

function headsFile({ manifest }: LoadedModel, choice: ModelChoice, baseUrl: string): DataFile {
  const { file } = manifest.heads;
  const source = modelSource(choice, baseUrl);
  if (source.kind === 'url') return { kind: 'url', name: file, url: new URL(file, source.url).href };
  const found = source.kind === 'files' ? source.files.find(({ path }) => path === file) : undefined;
  if (found === undefined) throw new Error(`${file}: the model's folder does not have it any more. Open it again.`);
  return { kind: 'blob', name: file, blob: found.blob };
}

/** @throws Error where a part is missing: the engine would have refused such a package. */
function wholeHead(parts: HeadParts, { gate, activeObjectives }: LoadedModel['manifest']): RewardHead {
  const { objectives, featureSize, regression, transform, gateLayers } = parts;
  if (
    objectives === undefined ||
    featureSize === undefined ||
    regression === undefined ||
    transform === undefined ||
    gateLayers === undefined
  )
    throw new Error('The model’s heads are not whole. Load the model again.');
  const { temperature, logitScale } = gate;
  const mask = activeObjectives === undefined ? {} : { activeObjectives };
  return {
    objectives,
    featureSize,
    regression,
    transform,
    gate: { layers: gateLayers, temperature, logitScale, ...mask },
  };
}
