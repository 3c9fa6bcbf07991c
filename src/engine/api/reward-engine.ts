/**
 * The boundary of the engine. One contract suite runs against the host in the thread, the worker client and the fake.
 *
 * Invariants: calls are serialised by the implementation, all but `tokenize` and `device`, which touch no session; an aborted
 * call rejects with code `aborted` and leaves the engine usable; nothing is ever scored before the canaries passed; `dispose`
 * is idempotent and rejects everything in flight.
 */
import type {
  DeviceReport,
  EngineProgress,
  LoadedModel,
  LoadOptions,
  ModelSource,
  ScoreRequest,
  ScoreResult,
  TokenizedResponse,
  Message,
} from './messages.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EngineProgress) => void;
}

export interface RewardEngine {
  /** Loads and proves a package, replacing the one before. @throws EngineError */
  load(source: ModelSource, options?: LoadOptions & CallOptions): Promise<LoadedModel>;
  /**
   * Scores every response of one prompt; results also arrive one by one as `result` progress. Where the model is streamed, calls
   * made while another runs are computed together, so that every stage is loaded once for all of them; each still ends, fails and is
   * cancelled by itself, with the numbers that it would have alone. @throws EngineError
   */
  score(request: ScoreRequest, options?: CallOptions): Promise<ScoreResult>;
  /** Renders and tokenises without running the backbone; waits for no score, so it can be asked while one runs. @throws EngineError */
  tokenize(messages: readonly Message[], response: string, options?: CallOptions): Promise<TokenizedResponse>;
  /** What this device offers; works before `load`. */
  device(): Promise<DeviceReport>;
  /** Frees the sessions, keeps the engine. */
  unload(): Promise<void>;
  dispose(): Promise<void>;
}
