/**
 * Download and start-up progress of one model load, folded from the engine's events. Pure: the caller gives the clock.
 */
import type { EngineProgress, Provider } from '@/engine/api/messages.ts';

export interface FileProgress {
  readonly file: string;
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

export interface LoadProgress {
  readonly phase: 'starting' | 'download' | 'compile' | 'warmup' | 'ready';
  readonly loadedBytes: number;
  /** 0 until the manifest has been read. */
  readonly totalBytes: number;
  /** In the order they began to arrive. */
  readonly files: readonly FileProgress[];
  /** What is being waited for, in words. */
  readonly waiting: string | undefined;
  /** Why the stages are not all kept, once that is known. */
  readonly streaming: string | undefined;
  /** Stages compiled or canaries run. */
  readonly step: { readonly done: number; readonly total: number; readonly provider: Provider } | undefined;
  /** Recent (time, bytes) pairs, oldest first, for the rate. */
  readonly samples: readonly { readonly atMs: number; readonly loadedBytes: number }[];
}

export const initialLoadProgress: LoadProgress = {
  phase: 'starting',
  loadedBytes: 0,
  totalBytes: 0,
  files: [],
  waiting: undefined,
  streaming: undefined,
  step: undefined,
  samples: [],
};

/** The rate is that of the last few seconds, so that it follows a changing connection without jumping. */
const RATE_WINDOW_MS = 4000;

/** The progress after `event`, which arrived at `atMs`. Score events leave it as it is. */
export function reduceLoadProgress(state: LoadProgress, event: EngineProgress, atMs: number): LoadProgress {
  switch (event.stage) {
    case 'download': {
      // Bytes are cumulative over the package: what is new since the last event belongs to the file named now.
      const added = Math.max(0, event.loadedBytes - state.loadedBytes);
      const known = state.files.some((entry) => entry.file === event.file);
      const files = known
        ? state.files.map((entry) =>
            entry.file === event.file ? { ...entry, loadedBytes: entry.loadedBytes + added } : entry,
          )
        : [...state.files, { file: event.file, loadedBytes: added, totalBytes: event.fileBytes }];
      const samples = [...state.samples, { atMs, loadedBytes: event.loadedBytes }];
      const firstRecent = samples.findIndex((sample) => sample.atMs >= atMs - RATE_WINDOW_MS);
      return {
        ...state,
        phase: 'download',
        files,
        loadedBytes: Math.max(state.loadedBytes, event.loadedBytes),
        totalBytes: event.totalBytes,
        // One sample older than the window stays, so that the window is always spanned.
        samples: samples.slice(Math.max(0, firstRecent - 1)),
      };
    }
    case 'waiting':
      return { ...state, waiting: event.reason };
    case 'streaming':
      return { ...state, phase: 'compile', streaming: event.plan.reason, step: undefined };
    case 'compile':
    case 'warmup':
      return {
        ...state,
        phase: event.stage,
        step: { done: event.done, total: event.total, provider: event.provider },
      };
    case 'ready':
      return { ...state, phase: 'ready', step: undefined };
    case 'score':
    case 'result':
      break;
  }
  return state;
}

/** Bytes a second over the recent window; `undefined` until two moments are known. */
export function downloadRate(state: LoadProgress): number | undefined {
  const first = state.samples[0];
  const last = state.samples.at(-1);
  if (first === undefined || last === undefined || last.atMs - first.atMs < 200) return undefined;
  return ((last.loadedBytes - first.loadedBytes) / (last.atMs - first.atMs)) * 1000;
}

/** Milliseconds until the download ends at the present rate; `undefined` while that cannot be said. */
export function downloadEtaMs(state: LoadProgress): number | undefined {
  const bytesPerSecond = downloadRate(state);
  if (bytesPerSecond === undefined || bytesPerSecond <= 0 || state.totalBytes === 0) return undefined;
  return ((state.totalBytes - state.loadedBytes) / bytesPerSecond) * 1000;
}

/** Everything a display needs. */
export function loadFigures(state: LoadProgress) {
  return { ...state, bytesPerSecond: downloadRate(state), etaMs: downloadEtaMs(state) };
}
