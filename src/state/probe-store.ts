/** Stage 1 and Eq 3 as they run: progress, and the last result, described here with W and M beside the store. */
import { create } from 'zustand';
import type { DimensionPenalties } from '@/core/debias.ts';
import type { DataWarning } from '@/formats/preference-pairs.ts';
import { JobError, type JobErrorData } from '@/jobs/api/job-error.ts';
import type { ObjectiveProbe, ProbeProgress, ProbeRequest, TrainingJobs } from '@/jobs/api/training.ts';
import { trackWork } from './pending-work.ts';
import type { LinearParts } from './training-storage.ts';

/** The last result, without its matrices. */
export interface ProbeSummary {
  /** Changes with every result. */
  readonly id: number;
  readonly objectives: number;
  readonly featureSize: number;
  readonly probes: readonly (ObjectiveProbe | undefined)[];
  readonly penalties: DimensionPenalties | undefined;
  readonly warnings: readonly DataWarning[];
  /** The labelled files. */
  readonly names: readonly string[];
}

export interface ProbeState {
  readonly running: boolean;
  readonly progress: ProbeProgress | undefined;
  readonly summary: ProbeSummary | undefined;
  readonly error: JobErrorData | undefined;
}

const initial: ProbeState = { running: false, progress: undefined, summary: undefined, error: undefined };
export const useProbes = create<ProbeState>(() => initial);

let fitted: { readonly id: number; readonly parts: LinearParts } | undefined;
let results = 0;
let cancelling: AbortController | undefined;

export function resetProbes(): void {
  cancelling?.abort();
  fitted = undefined;
  useProbes.setState(initial, true);
}

/** W and M that a summary describes. */
export function probePartsOf(summary: ProbeSummary | undefined): LinearParts | undefined {
  return summary === undefined || fitted?.id !== summary.id ? undefined : fitted.parts;
}

/** Fits the probes and solves Eq 3. @returns whether it came to an end; an error is in the store. */
export async function runProbes(jobs: TrainingJobs, request: ProbeRequest): Promise<boolean> {
  if (useProbes.getState().running) return false;
  const controller = new AbortController();
  cancelling = controller;
  useProbes.setState({ running: true, progress: undefined, error: undefined });
  try {
    const { signal } = controller;
    const result = await trackWork(
      jobs.probe(request, { signal, onProgress: (progress) => useProbes.setState({ progress }) }),
    );
    const { objectives, featureSize, probes, penalties, warnings, regression, transform } = result;
    results += 1;
    fitted = { id: results, parts: { regression, transform } };
    const names = request.features.map(({ name }) => name);
    const summary = { id: results, objectives, featureSize, probes, penalties, warnings, names };
    useProbes.setState({ running: false, progress: undefined, summary });
    return true;
  } catch (cause) {
    const error = cause instanceof JobError ? cause.toData() : { code: 'internal' as const, message: String(cause) };
    useProbes.setState({
      running: false,
      progress: undefined,
      ...(error.code === 'aborted' ? {} : { error }),
    });
    return false;
  }
}

export function cancelProbes(): void {
  cancelling?.abort();
}

/** How far along, from 0 to 1 over all stages: reading takes most of the time. */
export function probeShare(progress: ProbeProgress | undefined): number {
  if (progress === undefined) return 0;
  switch (progress.stage) {
    case 'read':
      return (0.5 * (progress.pass + progress.doneRows / Math.max(1, progress.totalRows))) / progress.passes;
    case 'solve':
      return 0.5 + (0.3 * progress.done) / Math.max(1, progress.total);
    case 'reference':
      return 0.8 + (0.1 * progress.doneRows) / Math.max(1, progress.totalRows);
    default:
      return 0.9 + (0.1 * progress.done) / Math.max(1, progress.total);
  }
}
