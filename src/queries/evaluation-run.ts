/**
 * The one evaluation under way: reads the open dataset, has the engine score it, keeps results by batch, and makes the scores the
 * loaded set. It goes on while other views are shown; it ends when another model is loaded, because its results belong to one model.
 */
import type { LoadedModel } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import type { FileStore } from '@/formats/file-store.ts';
import { chosenEntries, PauseGate, runEvaluation, type EvaluationProgress } from '@/jobs/evaluation/run-evaluation.ts';
import { browserRunStorage, RESULTS_FOLDER } from '@/state/evaluation-storage.ts';
import {
  datasetSource,
  isRunning,
  setInterrupted,
  setRun,
  useEvaluation,
  type OpenDataset,
} from '@/state/evaluation-store.ts';
import { keepScoredSet } from '@/state/loaded-set.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { beginWork, trackWork } from '@/state/pending-work.ts';
import { setSource } from '@/state/steering-store.ts';
import type { HeadOwner } from './active-head.ts';
import { wholeMapping } from './dataset-mapping.ts';
import { openEvaluationFile } from './open-dataset.ts';
import { headFacts } from './open-scored-set.ts';

interface Run {
  readonly pause: PauseGate;
  readonly abort: AbortController;
  progress: EvaluationProgress | undefined;
  /** Why it was aborted, where the person did not ask for it. */
  reason?: string;
  endWork: () => void;
}

let current: Run | undefined;
const kept = browserRunStorage();

/** Starts scoring the open dataset; a run under way goes on instead. */
export function startEvaluation(engine: RewardEngine, model: LoadedModel): void {
  const { dataset, run } = useEvaluation.getState();
  if (dataset === undefined || isRunning(run)) return;
  const started: Run = {
    pause: new PauseGate(),
    abort: new AbortController(),
    progress: undefined,
    endWork: beginWork(),
  };
  current = started;
  setRun({ status: 'running', progress: undefined });
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
  const blob = await source.blob?.();
  // Without storage (a private window) a killed page starts over, and everything else works.
  if (blob !== undefined)
    await kept
      .write({ name: dataset.name, blob, mapping: dataset.mapping, limit: dataset.limit, modelId: manifest.id })
      .catch(() => undefined);
  const [{ ResultCache }, { readDataset }] = await Promise.all([
    import('@/jobs/evaluation/result-cache.ts'),
    import('@/formats/datasets/read-dataset.ts'),
  ]);
  const owner: HeadOwner = model;
  const result = await runEvaluation({
    engine,
    model: { id: manifest.id, objectives: manifest.objectives.map(({ name }) => name), head: headFacts(owner) },
    entries: (signal) => chosenEntries(readDataset(source, dataset.format, mapping, signal), { limit: dataset.limit }),
    cache: await ResultCache.open(await resultStore(), manifest.id),
    now: () => performance.now(),
    signal: run.abort.signal,
    pause: run.pause,
    onProgress: (progress) => {
      run.progress = progress;
      if (current === run) setRun({ status: run.pause.paused ? 'paused' : 'running', progress });
    },
  });
  await kept.clear().catch(() => undefined);
  setInterrupted(undefined);
  if (result.set === undefined) {
    const [first] = result.rejected;
    throw new Error(
      first === undefined
        ? `${dataset.name} has no item to score.`
        : `No record of ${dataset.name} could be used. Row ${first.row}${first.field === '' ? '' : `, ${first.field}`}: ${first.reason}`,
    );
  }
  keepScoredSet(dataset.name, result.set, result.rejected);
  setSource({ kind: 'open' });
  setRun({ status: 'done', scored: result.scored, reused: result.reused, rejected: result.rejected.length });
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

async function resultStore(): Promise<FileStore> {
  const { memoryFileStore, opfsFileStore } = await import('@/formats/file-store.ts');
  // Absent where a page may not store: results then last as long as the page.
  const storage: StorageManager | undefined = navigator.storage;
  const usable = await storage?.getDirectory?.().then(
    () => true,
    () => false,
  );
  return (usable ?? false) ? opfsFileStore(RESULTS_FOLDER) : memoryFileStore();
}

/** Looks for a run that ended with its page. */
export async function findInterruptedRun(): Promise<void> {
  if (isRunning(useEvaluation.getState().run)) return;
  const found = await kept.read().catch(() => undefined);
  if (!isRunning(useEvaluation.getState().run))
    setInterrupted(found === undefined ? undefined : { name: found.name, modelId: found.modelId });
}

/** Opens the interrupted run's dataset as it was read, and goes on. */
export async function resumeInterrupted(engine: RewardEngine, model: LoadedModel): Promise<void> {
  const found = await kept.read();
  if (found === undefined) return setInterrupted(undefined);
  await openEvaluationFile(found.name, found.blob, model, { mapping: found.mapping, limit: found.limit });
  if (useEvaluation.getState().dataset?.name === found.name) startEvaluation(engine, model);
}

export async function forgetInterrupted(): Promise<void> {
  setInterrupted(undefined);
  await kept.clear();
}
