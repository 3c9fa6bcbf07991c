/** What the client and the worker say to each other. Every reply names the call it belongs to. */
import type { EngineErrorData } from '@/engine/api/errors.ts';
import type {
  DeviceReport,
  EngineProgress,
  LoadedModel,
  LoadOptions,
  Message,
  ModelSource,
  ScoreRequest,
  ScoreResult,
  TokenizedResponse,
} from '@/engine/api/messages.ts';

export type EngineCall =
  | { readonly method: 'load'; readonly source: ModelSource; readonly options: LoadOptions }
  | { readonly method: 'score'; readonly request: ScoreRequest }
  | { readonly method: 'tokenize'; readonly messages: readonly Message[]; readonly response: string }
  | { readonly method: 'device' }
  | { readonly method: 'unload' };

export type EngineDone =
  | { readonly method: 'load'; readonly result: LoadedModel }
  | { readonly method: 'score'; readonly result: ScoreResult }
  | { readonly method: 'tokenize'; readonly result: TokenizedResponse }
  | { readonly method: 'device'; readonly result: DeviceReport }
  | { readonly method: 'unload' };

/** Client to worker. */
export type WorkerRequest =
  | { readonly kind: 'call'; readonly id: number; readonly call: EngineCall }
  | { readonly kind: 'abort'; readonly id: number };

/** Worker to client. */
export type WorkerReply =
  | { readonly kind: 'progress'; readonly id: number; readonly progress: EngineProgress }
  | { readonly kind: 'done'; readonly id: number; readonly done: EngineDone }
  | { readonly kind: 'failed'; readonly id: number; readonly error: EngineErrorData };

export function isDone<M extends EngineDone['method']>(
  done: EngineDone,
  method: M,
): done is Extract<EngineDone, { readonly method: M }> {
  return done.method === method;
}
