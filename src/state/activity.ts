/** What the engine is doing right now, for progress displays. Events only; results live in the query cache. */
import { create } from 'zustand';
import type { EngineProgress } from '@/engine/api/messages.ts';
import { initialLoadProgress, reduceLoadProgress, type LoadProgress } from './load-progress.ts';

export interface ScoreProgress {
  readonly doneTokens: number;
  readonly totalTokens: number;
}

export interface Activity {
  readonly load: LoadProgress;
  readonly score: ScoreProgress | undefined;
}

export const useActivity = create<Activity>(() => ({ load: initialLoadProgress, score: undefined }));

export function loadStarted(): void {
  useActivity.setState({ load: initialLoadProgress });
}
export function loadProgressed(event: EngineProgress, atMs: number): void {
  useActivity.setState((state) => ({ load: reduceLoadProgress(state.load, event, atMs) }));
}
export function scoreProgressed(progress: ScoreProgress | undefined): void {
  useActivity.setState({ score: progress });
}
