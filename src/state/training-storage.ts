/**
 * Training runs kept on this machine, beside the checkpoints in the origin's private files: what a run is made of (its heads and
 * settings, not the feature files), its curves, and the gate it ended with. IndexedDB holds typed arrays as they are.
 */
import type { Gate, GateLayer, RewardHead } from '@/core/reward-head.ts';
import { localStore } from './local-database.ts';
import type { TrainingRunRecord } from './training-run.ts';
import type { StoredCurves } from './training-curves.ts';

/** Regression and transform a gate is trained under. */
export interface LinearParts {
  /** W `[k, d]`. */
  readonly regression: Float32Array;
  /** M `[k, k]`. */
  readonly transform: Float64Array;
}

/** A whole head to compare with. */
export interface ReferenceHead extends LinearParts {
  /** Of the model, for the reader. */
  readonly name: string;
  readonly gate: Gate;
  readonly beta: number;
}

/** The arrays of a run. */
export interface RunParts {
  readonly linear: LinearParts;
  readonly activeObjectives: readonly number[] | undefined;
  readonly initialGate: readonly GateLayer[] | undefined;
  readonly logitScale: number | undefined;
  /** The loaded model's own head, where its features have the run's width. */
  readonly original: ReferenceHead | undefined;
  /** What the run ended with. */
  readonly trained: RewardHead | undefined;
}

export interface StoredTrainingRun {
  readonly record: TrainingRunRecord;
  readonly parts: RunParts;
  readonly curves: StoredCurves;
}

export interface TrainingStorage {
  /** Oldest first. */
  list(): Promise<readonly StoredTrainingRun[]>;
  put(run: StoredTrainingRun): Promise<void>;
  remove(runId: string): Promise<void>;
}

export function browserTrainingStorage(): TrainingStorage {
  const store = localStore('armoscope-training', 'runs-1');
  return {
    list: async () =>
      (await store.getAll()).filter(isStoredRun).sort((a, b) => a.record.createdAtMs - b.record.createdAtMs),
    put: (run) => store.put(run.record.runId, run),
    remove: (runId) => store.remove([runId]),
  };
}

/** Written by this page, perhaps by another version of it: what does not have the shape of a run is not offered. */
function isStoredRun(value: unknown): value is StoredTrainingRun {
  if (typeof value !== 'object' || value === null) return false;
  const { record, parts, curves } = value as Partial<Record<keyof StoredTrainingRun, Record<string, unknown>>>;
  return (
    typeof record?.['runId'] === 'string' &&
    typeof record['phase'] === 'string' &&
    typeof record['createdAtMs'] === 'number' &&
    typeof record['options'] === 'object' &&
    typeof parts?.['linear'] === 'object' &&
    curves?.['steps'] instanceof Float64Array &&
    curves['evaluations'] instanceof Float64Array
  );
}
