/**
 * The scored set that views work on beside the open responses: read from a file here, or scored in Evaluate. One at a time; its
 * arrays lie beside the store, which describes it.
 */
import { create } from 'zustand';
import type { ScoredSet } from '@/core/scored-set.ts';
import type { RejectedRow } from '@/formats/rejected-rows.ts';

export interface LoadedSetSummary {
  /** Changes with every set. */
  readonly id: number;
  readonly name: string;
  /** Package id of the model that made the scores, as far as the file says. */
  readonly modelId: string | undefined;
  readonly rows: number;
  readonly groups: number;
  /** Rows of the source that could not be used. */
  readonly rejected: number;
}

export interface LoadedSetState {
  readonly summary: LoadedSetSummary | undefined;
  /** Why the file chosen last was not opened, in words. The set before it stays. */
  readonly problem: string | undefined;
  readonly reading: boolean;
}

export const useLoadedSet = create<LoadedSetState>(() => ({ summary: undefined, problem: undefined, reading: false }));

let kept: { readonly id: number; readonly set: ScoredSet; readonly rejected: readonly RejectedRow[] } | undefined;
let sets = 0;

/** Makes a set the one that views work on. */
export function keepScoredSet(name: string, set: ScoredSet, rejected: readonly RejectedRow[] = []): void {
  sets += 1;
  kept = { id: sets, set, rejected };
  const { modelId, rows, groups } = set;
  useLoadedSet.setState({
    summary: { id: sets, name, modelId, rows, groups, rejected: rejected.length },
    problem: undefined,
    reading: false,
  });
}

/** The set a summary describes. */
export function scoredSetOf(summary: LoadedSetSummary | undefined): ScoredSet | undefined {
  return summary === undefined || kept?.id !== summary.id ? undefined : kept.set;
}

/** Rows of the source that could not be used, with reasons. */
export function rejectedRowsOf(summary: LoadedSetSummary | undefined): readonly RejectedRow[] {
  return summary === undefined || kept?.id !== summary.id ? [] : kept.rejected;
}

export function closeScoredSet(): void {
  kept = undefined;
  useLoadedSet.setState({ summary: undefined, problem: undefined });
}

export function scoredSetReading(): void {
  useLoadedSet.setState({ reading: true, problem: undefined });
}

/** Says why a file was not opened; `undefined` takes it back. */
export function reportSetProblem(problem: string | undefined): void {
  useLoadedSet.setState({ problem, reading: false });
}
