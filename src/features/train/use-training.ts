/** Everything the Train view works on, and what it can do: the files, the loaded model's head, the settings, the runs. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import type { NamedObjective } from '@/components/objective-language.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import type { JobErrorData } from '@/jobs/api/job-error.ts';
import type { FeatureSummary, ProbeRequest, TrainingJobs } from '@/jobs/api/training.ts';
import { useModel } from '@/queries/model-queries.ts';
import { compareRun, mostBytesUnasked } from '@/queries/trained-heads.ts';
import { useTrainingJobs } from '@/queries/training-context.ts';
import { planRun, type PlanInputs, type TrainingModel, unusableSettings } from '@/queries/training-plan.ts';
import { featuresQuery, headFilesQuery, modelHeadQuery } from '@/queries/training-queries.ts';
import { trainOnMadeFeatures } from '@/state/made-features.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { probePartsOf, runProbes, useProbes } from '@/state/probe-store.ts';
import { chooseSample, filesOf, useTrainingData, type ChosenFiles, type DataRole } from '@/state/training-data.ts';
import {
  changeForm,
  readForm,
  readGateFields,
  useTrainingForm,
  type FormReading,
  type TrainingForm,
} from '@/state/training-form.ts';
import type { TrainingRunRecord } from '@/state/training-run.ts';
import { filesOfRun, goOnWithRun, loadTrainingRuns, startRun, useTraining } from '@/state/training-store.ts';

/** One kind of files: chosen, being read, read, or refused. */
export interface FilesState<T> {
  readonly chosen: ChosenFiles | undefined;
  readonly data: T | undefined;
  readonly error: JobErrorData | undefined;
}

export interface TrainSubject {
  readonly jobs: TrainingJobs;
  readonly model: TrainingModel | undefined;
  readonly loaded: LoadedModel | undefined;
  readonly modelObjectives: readonly NamedObjective[] | undefined;
  readonly verbosityDimensions: readonly number[] | undefined;
  /** Why the loaded model's own head cannot be had, in words. */
  readonly modelProblem: string | undefined;
  readonly stage1: FilesState<FeatureSummary>;
  readonly stage2: FilesState<FeatureSummary>;
  readonly heads: FilesState<NonNullable<PlanInputs['fileHeads']>['parts']>;
  readonly form: TrainingForm;
  readonly reading: FormReading;
  /** Of the heads the gate is to be trained under, where they are there. */
  readonly headObjectives: number | undefined;
  /** The run that “Train gate” would start, or what is missing for it. */
  readonly planned: ReturnType<typeof planRun>;
}

export function useTrainSubject(): TrainSubject {
  const jobs = useTrainingJobs();
  useEffect(() => void loadTrainingRuns(jobs), [jobs]);
  const state = useModel();
  const choice = useModelChoice((each) => each.choice);
  const { chosen } = useTrainingData();
  const form = useTrainingForm();
  const probes = useProbes((each) => each.summary);
  const ready = state.status === 'ready' ? state : undefined;
  const stage1 = useFiles('stage-1', chosen, useQuery(featuresQuery(jobs, chosen['stage-1'])));
  const stage2 = useFiles('stage-2', chosen, useQuery(featuresQuery(jobs, chosen['stage-2'])));
  const heads = useFiles('heads', chosen, useQuery(headFilesQuery(jobs, chosen.heads)));
  const modelHead = useQuery(modelHeadQuery(ready === undefined ? undefined : { ...ready, choice }));
  const manifest = ready?.model.manifest;
  const head = modelHead.data;
  const model = useMemo<TrainingModel | undefined>(() => {
    if (manifest === undefined || head === undefined) return undefined;
    return { id: manifest.id, name: manifest.name, head, beta: manifest.bradleyTerryBeta ?? 1 };
  }, [manifest, head]);
  const reading = useMemo(() => readForm(form), [form]);
  const planned = useMemo(
    () => planRun(inputsOf(form, reading, stage2, heads, model, probes)),
    [form, reading, stage2, heads, model, probes],
  );
  return {
    jobs,
    model,
    loaded: ready?.model,
    modelObjectives: manifest?.objectives,
    verbosityDimensions: manifest?.verbosityDimensions,
    modelProblem: modelHead.error?.message,
    stage1,
    stage2,
    heads,
    form,
    reading,
    headObjectives:
      form.headOrigin === 'model'
        ? head?.objectives
        : form.headOrigin === 'files'
          ? heads.data?.objectives
          : probes?.objectives,
    planned,
  };
}

function useFiles<T>(
  role: DataRole,
  all: Readonly<Partial<Record<DataRole, ChosenFiles>>>,
  { data, error }: { readonly data: T | undefined; readonly error: JobErrorData | null },
): FilesState<T> {
  const chosen = all[role];
  return useMemo(
    () => ({
      chosen,
      data: chosen === undefined ? undefined : data,
      error: chosen === undefined ? undefined : (error ?? undefined),
    }),
    [chosen, data, error],
  );
}

function inputsOf(
  form: PlanInputs['form'],
  { options }: FormReading,
  stage2: FilesState<FeatureSummary>,
  heads: TrainSubject['heads'],
  model: TrainingModel | undefined,
  probes: ReturnType<typeof useProbes.getState>['summary'],
): PlanInputs {
  const parts = probePartsOf(probes);
  return {
    form,
    options,
    model,
    pairs:
      stage2.chosen === undefined || stage2.data === undefined
        ? undefined
        : { chosen: stage2.chosen, summary: stage2.data, files: filesOf(stage2.chosen) },
    fileHeads:
      heads.chosen === undefined || heads.data === undefined
        ? undefined
        : { parts: heads.data, names: heads.chosen.names },
    probes: probes === undefined || parts === undefined ? undefined : { summary: probes, parts },
  };
}

/** Why the pipeline cannot start, in words; `undefined` when it can. */
export function pipelineProblem({
  stage1,
  stage2,
  reading,
  form,
}: Pick<TrainSubject, 'stage1' | 'stage2' | 'reading' | 'form'>): string | undefined {
  if (stage1.data === undefined || stage2.data === undefined) {
    const missing = [
      stage1.data === undefined ? 'labelled features (stage 1)' : undefined,
      stage2.data === undefined ? 'preference features (stage 2)' : undefined,
    ].filter((each) => each !== undefined);
    return `The pipeline needs ${missing.join(' and ')}: drop the files, or use the sample.`;
  }
  if (stage1.data.objectives === undefined)
    return 'The stage-1 file has no labels, so there is nothing to fit probes to.';
  if (stage1.data.featureSize !== stage2.data.featureSize)
    return `Stage 1 is ${stage1.data.featureSize} wide, stage 2 is ${stage2.data.featureSize}: they are not of the same backbone.`;
  // The gate would come after minutes of probes: what it cannot use is said before.
  const { active, logitScale } = readGateFields(form, stage1.data.objectives).problems;
  if (reading.options === undefined || logitScale !== undefined) return unusableSettings;
  return active === undefined ? undefined : `“Objectives it weighs” ${active}.`;
}

/** What the probes are fitted to and corrected on. */
export function probeRequest({ stage1, stage2, form, model, verbosityDimensions }: TrainSubject): ProbeRequest {
  const { verbosity } = form;
  const own = verbosityDimensions?.length === 0 ? ('none' as const) : verbosityDimensions?.[0];
  const automatic = model?.head.objectives === stage1.data?.objectives ? own : undefined;
  const dimension = verbosity === 'auto' ? automatic : verbosity === 'none' ? verbosity : Number(verbosity);
  return {
    features: filesOf(stage1.chosen),
    ...(form.reference === 'stage-2' && stage2.data !== undefined ? { reference: filesOf(stage2.chosen) } : {}),
    ...(dimension === undefined ? {} : { verbosityDimension: dimension }),
  };
}

/** Ridge, then Eq 3, then the gate, as the paper does. */
export async function trainPipeline(subject: TrainSubject): Promise<void> {
  if (!(await runProbes(subject.jobs, probeRequest(subject)))) return;
  changeForm({ headOrigin: 'probes', firstWeights: 'fresh' });
  const { summary } = useProbes.getState();
  const form = useTrainingForm.getState();
  const inputs = inputsOf(form, readForm(form), subject.stage2, subject.heads, subject.model, summary);
  const planned = planRun(inputs);
  if ('plan' in planned) startRun(subject.jobs, planned.plan);
}

export function trainGate({ jobs, planned }: TrainSubject): void {
  if ('plan' in planned) startRun(jobs, planned.plan);
}

/** The files a run began with, as far as they are at hand: still open, chosen again, the sample, or made in this page. */
export async function filesForRun(run: TrainingRunRecord): Promise<ReturnType<typeof filesOf> | undefined> {
  const open = filesOfRun(run.runId);
  if (open !== undefined) return open;
  const same = (chosen: ChosenFiles | undefined) =>
    chosen !== undefined && chosen.bytes === run.data.bytes && chosen.names.join('/') === run.data.names.join('/');
  const chosen = () => useTrainingData.getState().chosen['stage-2'];
  if (!same(chosen()) && run.data.sample) await chooseSample(document.baseURI);
  // Made in this page: they are still here.
  if (!same(chosen())) await trainOnMadeFeatures(run.data.names);
  return same(chosen()) ? filesOf(chosen()) : undefined;
}

/** Goes on from the run's checkpoint. @returns why that cannot be done, in words. */
export async function goOn(jobs: TrainingJobs, run: TrainingRunRecord): Promise<string | undefined> {
  const files = await filesForRun(run);
  if (files === undefined)
    return `${run.name} was trained on ${run.data.names.join(', ')}. A page cannot reopen a file by itself: drop it again, then go on.`;
  goOnWithRun(jobs, run.runId, files);
  return undefined;
}

/** Compares a run that has ended, where its files can be read again without asking. @returns why that failed, in words. */
export function useComparison(jobs: TrainingJobs, run: TrainingRunRecord): string | undefined {
  const [problem, setProblem] = useState<string>();
  const wanted = run.phase === 'done' && run.comparison === undefined && run.data.bytes <= mostBytesUnasked;
  const { runId } = run;
  useEffect(() => {
    const files = wanted ? filesOfRun(runId) : undefined;
    if (files === undefined) return;
    compareRun(jobs, runId, files).catch((cause: unknown) => {
      setProblem(`It could not be compared: ${cause instanceof Error ? cause.message : String(cause)}`);
    });
  }, [jobs, runId, wanted]);
  if (wanted && filesOfRun(runId) === undefined) return 'It was not compared before the page was closed.';
  return problem;
}

export function useShownRun(): TrainingRunRecord | undefined {
  return useTraining(({ runs, shownId }) => runs.find((run) => run.runId === shownId));
}
