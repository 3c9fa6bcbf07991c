/**
 * Training runs: each an event stream folded into a record (`training-run.ts`), its curves and weights beside the store. One run at
 * a time; the last six are kept for comparison, also over a reload. A run that the page's end cut off goes on from its checkpoint.
 */
import { create } from 'zustand';
import type { DataFile, TrainingEvent, TrainingJobs, TrainingRequest, TrainingRun } from '@/jobs/api/training.ts';
import { beginWork, trackWork } from './pending-work.ts';
import { TrainingCurves } from './training-curves.ts';
import {
  afterReload,
  checkpointEvery,
  isActive,
  newRun,
  reduceRun,
  type RunDescription,
  type TrainingDeviceChoice,
  type TrainingRunRecord,
} from './training-run.ts';
import { browserTrainingStorage, type RunParts, type TrainingStorage } from './training-storage.ts';
import { everyChange, steadyPace, type Pace } from './update-pace.ts';

export interface TrainingState {
  /** Oldest first, at most `mostRuns`. */
  readonly runs: readonly TrainingRunRecord[];
  /** The run that is looked at. */
  readonly shownId: string | undefined;
  /** Why runs cannot be kept on this machine, in words. */
  readonly storageProblem: string | undefined;
}

export const mostRuns = 6;

const initial: TrainingState = { runs: [], shownId: undefined, storageProblem: undefined };
export const useTraining = create<TrainingState>(() => initial);

interface Kept {
  parts: RunParts;
  readonly curves: TrainingCurves;
  /** Feature files; after a reload they have to be chosen again. */
  files: readonly DataFile[] | undefined;
}

interface Active {
  readonly runId: string;
  readonly run: TrainingRun;
  endWork: (() => void) | undefined;
}

const kept = new Map<string, Kept>();
/** What happened to runs since the store was changed last, by run. */
const unseen = new Map<string, TrainingEvent[]>();
let active: Active | undefined;
let storage: TrainingStorage = browserTrainingStorage();
let loading: Promise<void> | undefined;

/** The runs' numbers change many times a second. */
let pace: Pace = steadyPace(200);

/** An empty store with another place to keep runs in, and without waiting: for tests. */
export function resetTrainingStore(place: TrainingStorage, showing: Pace = everyChange): void {
  storage = place;
  pace = showing;
  unseen.clear();
  loading = undefined;
  active?.endWork?.();
  active = undefined;
  kept.clear();
  useTraining.setState(initial, true);
}

/** Everything a run is made of. */
export interface RunPlan {
  readonly description: Omit<RunDescription, 'runId' | 'name' | 'createdAtMs'>;
  readonly files: readonly DataFile[];
  readonly parts: Omit<RunParts, 'trained'>;
}

export function runOf({ runs }: Pick<TrainingState, 'runs'>, runId: string | undefined): TrainingRunRecord | undefined {
  return runs.find((run) => run.runId === runId);
}

/** The run that has not ended. */
export function activeRun({ runs }: Pick<TrainingState, 'runs'>): TrainingRunRecord | undefined {
  return runs.find(isActive);
}

/** The curves of a run; not part of the store. */
export function curvesOf(runId: string): TrainingCurves | undefined {
  return kept.get(runId)?.curves;
}

/** Heads of a run; not part of the store. */
export function partsOf(runId: string): RunParts | undefined {
  return kept.get(runId)?.parts;
}

/** The feature files of a run, as long as the page is open. */
export function filesOfRun(runId: string): readonly DataFile[] | undefined {
  return kept.get(runId)?.files;
}

/** Reads what this machine keeps, once: runs, and which of them have a checkpoint to go on from. */
export function loadTrainingRuns(jobs: TrainingJobs): Promise<void> {
  loading ??= trackWork(
    (async () => {
      try {
        const stored = await storage.list();
        const checkpoints = await jobs.checkpoints();
        for (const { record, parts, curves } of stored) {
          if (kept.has(record.runId)) continue;
          const checkpoint = checkpoints.find((each) => each.runId === record.runId);
          kept.set(record.runId, { parts, curves: new TrainingCurves(curves), files: undefined });
          put({ ...afterReload(record), checkpoint });
        }
        // What was removed leaves its checkpoint behind until now, so that removing can be taken back.
        for (const { runId } of checkpoints) if (!kept.has(runId)) await jobs.removeCheckpoint(runId);
        useTraining.setState(({ runs, shownId }) => ({ shownId: shownId ?? runs.at(-1)?.runId }));
      } catch (cause) {
        reportStorageProblem(cause);
      }
    })(),
  );
  return loading;
}

/** Starts a run; nothing happens while another one is going. @returns its id. */
export function startRun(jobs: TrainingJobs, { description, files, parts }: RunPlan): string | undefined {
  const { runs } = useTraining.getState();
  if (activeRun({ runs }) !== undefined) return undefined;
  const numbers = runs.map(({ name }) => Number(/^Run (\d+)$/.exec(name)?.[1] ?? 0));
  const record = newRun({
    ...description,
    runId: `run-${crypto.randomUUID()}`,
    name: `Run ${1 + Math.max(0, ...numbers)}`,
    createdAtMs: Math.max(Date.now(), 1 + Math.max(0, ...runs.map((run) => run.createdAtMs))),
  });
  kept.set(record.runId, { parts: { ...parts, trained: undefined }, curves: new TrainingCurves(), files });
  put(record);
  useTraining.setState({ shownId: record.runId });
  for (const old of useTraining.getState().runs.slice(0, -mostRuns)) void removeRun(old.runId);
  begin(jobs, record, false);
  return record.runId;
}

/** Goes on from the run's checkpoint, to the bit. @param files the feature files it began with. */
export function goOnWithRun(jobs: TrainingJobs, runId: string, files: readonly DataFile[]): void {
  const entry = kept.get(runId);
  const state = useTraining.getState();
  const record = runOf(state, runId);
  if (entry === undefined || record === undefined || activeRun(state) !== undefined) return;
  entry.files = files;
  const again: TrainingRunRecord = {
    ...record,
    phase: 'preparing',
    result: undefined,
    error: undefined,
    comparison: undefined,
  };
  put(again);
  useTraining.setState({ shownId: runId });
  begin(jobs, again, true);
}

/** Stands still after the step under way, and is stored as it stands. */
export async function pauseRun(): Promise<void> {
  const pausing = active;
  if (pausing === undefined) return;
  await pausing.run.pause();
  await checkpointRun();
}

export async function resumeRun(): Promise<void> {
  await active?.run.resume();
}

/** Ends the run with the gate as it is; it can go on later. */
export async function stopRun(): Promise<void> {
  const stopping = active;
  if (stopping === undefined) return;
  const begun = runOf(useTraining.getState(), stopping.runId)?.started !== undefined;
  change(stopping.runId, (run) => (isActive(run) ? { ...run, phase: 'stopping' } : run));
  if (begun) await checkpointRun();
  await stopping.run.stop();
}

/** Stores all the run is, now. */
export async function checkpointRun(): Promise<void> {
  try {
    await active?.run.checkpoint();
  } catch (cause) {
    // A run that ended meanwhile has nothing to store.
    if (active !== undefined) reportStorageProblem(cause);
  }
}

/** Forgets a run. Its checkpoint stays until the page is opened again. @returns the way to take that back. */
export async function removeRun(runId: string): Promise<() => Promise<void>> {
  const record = runOf(useTraining.getState(), runId);
  const entry = kept.get(runId);
  if (record === undefined || entry === undefined || isActive(record)) return () => Promise.resolve();
  kept.delete(runId);
  useTraining.setState(({ runs, shownId }) => {
    const rest = runs.filter((run) => run.runId !== runId);
    return { runs: rest, shownId: shownId === runId ? rest.at(-1)?.runId : shownId };
  });
  await keep(() => storage.remove(runId));
  return async () => {
    kept.set(runId, entry);
    put(record);
    await persist(runId);
  };
}

export function showRun(runId: string): void {
  useTraining.setState({ shownId: runId });
}

/** Adds what other gates do on the run's pairs. */
export function keepComparison(runId: string, comparison: NonNullable<TrainingRunRecord['comparison']>): void {
  change(runId, (run) => ({ ...run, comparison }));
  void persist(runId);
}

/** What the worker is asked for. */
function requestOf(record: TrainingRunRecord, { parts, files = [] }: Kept, resume: boolean): TrainingRequest {
  const { linear, activeObjectives, initialGate, logitScale } = parts;
  const backends: Readonly<Record<TrainingDeviceChoice, TrainingRequest['backend']>> = {
    automatic: undefined,
    webgpu: 'webgpu',
    cpu: 'wasm-f32',
  };
  // A run goes on where it ran: another device would round otherwise.
  const backend = resume ? undefined : backends[record.device];
  return {
    runId: record.runId,
    features: files,
    head: { kind: 'parts', objectives: record.objectives, featureSize: record.featureSize, ...linear },
    options: record.options,
    checkpointEvery: checkpointEvery(record.options.steps),
    resume,
    ...(activeObjectives === undefined ? {} : { activeObjectives }),
    ...(initialGate === undefined ? {} : { initialGate }),
    ...(logitScale === undefined ? {} : { logitScale }),
    ...(backend === undefined ? {} : { backend }),
  };
}

function begin(jobs: TrainingJobs, record: TrainingRunRecord, resume: boolean): void {
  const { runId } = record;
  const entry = kept.get(runId);
  if (entry === undefined) return;
  void persist(runId);
  const endWork = beginWork();
  const run = jobs.train(requestOf(record, entry, resume), (event) => receive(jobs, runId, event));
  active = { runId, run, endWork };
}

function receive(jobs: TrainingJobs, runId: string, event: TrainingEvent): void {
  const entry = kept.get(runId);
  if (entry === undefined) return;
  const { curves } = entry;
  if (event.kind === 'started') curves.forgetAfter(event.fromStep);
  if (event.kind === 'step') curves.appendSteps(event.steps);
  if (event.kind === 'eval') curves.appendEvaluation(event.evaluation);
  if (event.kind === 'done') entry.parts = { ...entry.parts, trained: event.result.head };
  unseen.set(runId, [...(unseen.get(runId) ?? []), event]);
  if (event.kind === 'step' || event.kind === 'eval') return pace(() => show(runId));
  show(runId);
  const current = active?.runId === runId ? active : undefined;
  if (event.kind === 'paused') {
    current?.endWork?.();
    if (current !== undefined) current.endWork = undefined;
  }
  if (event.kind === 'resumed' && current !== undefined) current.endWork ??= beginWork();
  if (event.kind === 'checkpoint') void persist(runId);
  if (event.kind !== 'done' && event.kind !== 'failed') return;
  // Counted as running until it is kept.
  const endWork = current?.endWork;
  active = undefined;
  void (async () => {
    if (event.kind === 'done' && event.result.reason !== 'stopped') {
      change(runId, (run) => ({ ...run, checkpoint: undefined }));
      await keep(() => jobs.removeCheckpoint(runId));
    }
    await persist(runId);
    endWork?.();
  })();
}

/** Brings what happened to a run into the store. */
function show(runId: string): void {
  const events = unseen.get(runId);
  const curves = kept.get(runId)?.curves;
  unseen.delete(runId);
  if (events === undefined || curves === undefined) return;
  change(runId, (run) => ({
    ...events.reduce(reduceRun, run),
    curveSteps: curves.stepCount,
    curveEvaluations: curves.evaluationCount,
  }));
}

function change(runId: string, make: (run: TrainingRunRecord) => TrainingRunRecord): void {
  useTraining.setState(({ runs }) => ({ runs: runs.map((run) => (run.runId === runId ? make(run) : run)) }));
}

function put(record: TrainingRunRecord): void {
  useTraining.setState(({ runs }) => ({
    runs: [...runs.filter(({ runId }) => runId !== record.runId), record].sort((a, b) => a.createdAtMs - b.createdAtMs),
  }));
}

async function persist(runId: string): Promise<void> {
  const record = runOf(useTraining.getState(), runId);
  const entry = kept.get(runId);
  if (record === undefined || entry === undefined) return;
  await keep(() => storage.put({ record, parts: entry.parts, curves: entry.curves.stored() }));
}

async function keep(write: () => Promise<void>): Promise<void> {
  try {
    await trackWork(write());
  } catch (cause) {
    reportStorageProblem(cause);
  }
}

function reportStorageProblem(cause: unknown): void {
  const reason = cause instanceof Error ? cause.message : String(cause);
  useTraining.setState({
    storageProblem: `Runs cannot be kept on this machine (${reason}). They last until this page is closed: export what you need.`,
  });
}
