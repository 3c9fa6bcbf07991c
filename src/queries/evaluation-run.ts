/**
 * The one evaluation under way: reads the open dataset, has the engine score it, keeps results by batch, and makes the scores the
 * loaded set. It goes on while other views are shown; it ends when another model is loaded, because its results belong to one model.
 */
import type { LoadedModel } from '@/engine/api/messages.ts';
import { requestsAtOnce } from '@/engine/api/requests-at-once.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import type { DatasetEntry } from '@/formats/datasets/read-dataset.ts';
import type { FeaturePlan } from '@/jobs/evaluation/feature-plan.ts';
import type { ResultCache } from '@/jobs/evaluation/result-cache.ts';
import { chosenEntries, PauseGate, runEvaluation, type EvaluationProgress } from '@/jobs/evaluation/run-evaluation.ts';
import { browserRunStorage, RESULTS_FOLDER } from '@/state/evaluation-storage.ts';
import {
  beginRun,
  datasetSource,
  isRunning,
  setInterrupted,
  setRun,
  useEvaluation,
  type MadeFeatureFile,
  type OpenDataset,
} from '@/state/evaluation-store.ts';
import { keepScoredSet } from '@/state/loaded-set.ts';
import { localFiles } from '@/state/local-files.ts';
import { listMadeFeatures, madeFeatureStore, trainOnMadeFeatures } from '@/state/made-features.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { beginWork, trackWork } from '@/state/pending-work.ts';
import { setSource } from '@/state/steering-store.ts';
import type { HeadOwner } from './active-head.ts';
import { wholeMapping } from './dataset-mapping.ts';
import { openEvaluationFile } from './open-dataset.ts';
import { headFacts } from './open-scored-set.ts';

type Entries = (signal?: AbortSignal) => AsyncGenerator<DatasetEntry>;

interface Run {
  /** The feature file to make; absent where scores are wanted. */
  readonly plan: FeaturePlan | undefined;
  readonly pause: PauseGate;
  readonly abort: AbortController;
  progress: EvaluationProgress | undefined;
  /** Why it was aborted, where the person did not ask for it. */
  reason?: string;
  endWork: () => void;
}

let current: Run | undefined;
const kept = browserRunStorage();

/**
 * Starts scoring the open dataset; a run under way goes on instead.
 * @param plan the feature file to make of it in the end: what has been scored before is not scored again for that, and the other way round.
 */
export function startEvaluation(engine: RewardEngine, model: LoadedModel, plan?: FeaturePlan): void {
  const { dataset, run } = useEvaluation.getState();
  if (dataset === undefined || isRunning(run)) return;
  const started: Run = {
    plan,
    pause: new PauseGate(),
    abort: new AbortController(),
    progress: undefined,
    endWork: beginWork(),
  };
  current = started;
  beginRun(plan === undefined ? 'scores' : 'features');
  const { loadId } = useModelChoice.getState();
  const stopWatching = useModelChoice.subscribe((state) => {
    if (state.loadId === loadId && state.unloadedLoadId !== loadId) return;
    started.reason = 'The model was changed. What was scored is kept: open the same model and score again to go on.';
    stop(started);
  });
  void scoreDataset(started, engine, model, dataset)
    .catch((cause: unknown) => ended(started, cause))
    .finally(() => {
      stopWatching();
      started.endWork();
      if (current === started) current = undefined;
    });
}

/** While it is paused the page counts as idle. */
export function pauseEvaluation(): void {
  if (current === undefined) return;
  current.pause.pause();
  current.endWork();
  setRun({ status: 'paused', progress: current.progress });
}

export function resumeEvaluation(): void {
  if (current === undefined) return;
  current.endWork();
  current.endWork = beginWork();
  current.pause.resume();
  setRun({ status: 'running', progress: current.progress });
}

/** Ends the run; what was scored is kept and not scored again. */
export function cancelEvaluation(): void {
  if (current !== undefined) stop(current);
}

function stop(run: Run): void {
  run.abort.abort();
}

async function scoreDataset(run: Run, engine: RewardEngine, model: LoadedModel, dataset: OpenDataset): Promise<void> {
  const source = datasetSource();
  const mapping = wholeMapping(dataset.mapping, dataset.columns);
  if (source === undefined || mapping === undefined) throw new Error('Name the columns first.');
  const { manifest } = model;
  const { plan } = run;
  const blob = await source.blob?.();
  // Without storage (a private window) a killed page starts over, and everything else works.
  if (blob !== undefined)
    await kept
      .write({
        name: dataset.name,
        blob,
        mapping: dataset.mapping,
        limit: dataset.limit,
        modelId: manifest.id,
        ...(plan === undefined ? {} : { plan }),
      })
      .catch(() => undefined);
  const [{ ResultCache }, { readDataset }] = await Promise.all([
    import('@/jobs/evaluation/result-cache.ts'),
    import('@/formats/datasets/read-dataset.ts'),
  ]);
  const owner: HeadOwner = model;
  const entries: Entries = (signal) =>
    chosenEntries(readDataset(source, dataset.format, mapping, signal, { ratings: plan !== undefined }), {
      limit: dataset.limit,
    });
  const cache = await ResultCache.open(await localFiles(RESULTS_FOLDER), manifest.id, { features: plan !== undefined });
  const result = await runEvaluation({
    engine,
    atOnce: requestsAtOnce(model.memory),
    model: { id: manifest.id, objectives: manifest.objectives.map(({ name }) => name), head: headFacts(owner) },
    entries,
    cache,
    collect: plan === undefined,
    now: () => performance.now(),
    signal: run.abort.signal,
    pause: run.pause,
    onProgress: (progress) => {
      run.progress = progress;
      if (current === run) setRun({ status: run.pause.paused ? 'paused' : 'running', progress });
    },
  });
  const made = plan === undefined ? undefined : await writeFeatures(run, plan, dataset, manifest, entries, cache);
  await kept.clear().catch(() => undefined);
  setInterrupted(undefined);
  const { scored, reused, rejected } = result;
  if (made !== undefined) {
    setRun({ status: 'done', scored, reused, rejected: rejected.length, made });
    return;
  }
  if (result.set === undefined) {
    const [first] = rejected;
    throw new Error(
      first === undefined
        ? `${dataset.name} has no item to score.`
        : `No record of ${dataset.name} could be used. Row ${first.row}${first.field === '' ? '' : `, ${first.field}`}: ${first.reason}`,
    );
  }
  keepScoredSet(dataset.name, result.set, rejected);
  setSource({ kind: 'open' });
  setRun({ status: 'done', scored, reused, rejected: rejected.length });
}

/** Writes what the plan wants from what has been scored, and makes it the features to train on. */
async function writeFeatures(
  run: Run,
  plan: FeaturePlan,
  dataset: OpenDataset,
  { id }: LoadedModel['manifest'],
  entries: Entries,
  cache: ResultCache,
): Promise<MadeFeatureFile> {
  const { makeFeatures } = await import('@/jobs/evaluation/make-features.ts');
  const name = featureFileName(dataset, plan, id);
  const made = await makeFeatures({
    plan,
    entries,
    cache,
    modelId: id,
    store: await madeFeatureStore(),
    fileName: name,
    signal: run.abort.signal,
    onProgress: (responses, totalResponses) => {
      if (run.progress === undefined) return;
      run.progress = { ...run.progress, stage: 'writing', responses, totalResponses };
      if (current === run) setRun({ status: 'running', progress: run.progress });
    },
  });
  await listMadeFeatures();
  await trainOnMadeFeatures([name]);
  return { name, kind: plan.kind, ...made };
}

/** `pairs-embedded-first-12-stage2.safetensors`: the same features have the same name, so that they are kept once. */
export function featureFileName(
  { name, limit }: Pick<OpenDataset, 'name' | 'limit'>,
  plan: FeaturePlan,
  id: string,
): string {
  const clean = (text: string) => text.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[-.]+|[-.]+$/g, '');
  const stem = clean(name.replace(/\.[A-Za-z0-9]+$/, '')) || 'dataset';
  const first = limit === undefined ? '' : `-first-${limit}`;
  return `${stem.slice(0, 80)}${first}-${clean(id).slice(0, 80)}-stage${plan.kind === 'pairs' ? 2 : 1}.safetensors`;
}

function ended(run: Run, cause: unknown): void {
  const { progress } = run;
  if (run.abort.signal.aborted && run.reason === undefined) {
    // The person's own wish: nothing is to be taken up again by itself.
    void trackWork(kept.clear().catch(() => undefined));
    setInterrupted(undefined);
    setRun({ status: 'cancelled', progress, problem: undefined });
    return;
  }
  const problem = run.reason ?? (cause instanceof Error ? cause.message : String(cause));
  setRun({ status: 'failed', progress, problem });
}

/** Looks for a run that ended with its page. */
export async function findInterruptedRun(): Promise<void> {
  if (isRunning(useEvaluation.getState().run)) return;
  const found = await kept.read().catch(() => undefined);
  if (!isRunning(useEvaluation.getState().run))
    setInterrupted(
      found === undefined
        ? undefined
        : { name: found.name, modelId: found.modelId, purpose: found.plan === undefined ? 'scores' : 'features' },
    );
}

/** Opens the interrupted run's dataset as it was read, and goes on. */
export async function resumeInterrupted(engine: RewardEngine, model: LoadedModel): Promise<void> {
  const found = await kept.read();
  if (found === undefined) return setInterrupted(undefined);
  await openEvaluationFile(found.name, found.blob, model, { mapping: found.mapping, limit: found.limit });
  if (useEvaluation.getState().dataset?.name === found.name) startEvaluation(engine, model, found.plan);
}

export async function forgetInterrupted(): Promise<void> {
  setInterrupted(undefined);
  await kept.clear();
}
