/**
 * `RewardEngine` over a worker: ids, abort, progress, and no call that hangs.
 *
 * Invariants: whatever ends the worker (it cannot load, throws, sends what cannot be read, is disposed) rejects every call in
 * flight; the next call starts a fresh worker, which loads the model again that the lost one had. A score that fails because
 * the graphics device is lost for good gets one more chance in a fresh worker.
 */
import { EngineError } from '@/engine/api/errors.ts';
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
import type { CallOptions, RewardEngine } from '@/engine/api/reward-engine.ts';
import { isDone } from './protocol.ts';
import type { EngineCall, EngineDone, WorkerReply, WorkerRequest } from './protocol.ts';

/** The part of `Worker` that is used here. */
export interface EngineWorker {
  postMessage(message: WorkerRequest, options: StructuredSerializeOptions): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<WorkerReply>) => void): void;
  addEventListener(type: 'error', listener: (event: ErrorEvent) => void): void;
  addEventListener(type: 'messageerror', listener: (event: MessageEvent) => void): void;
  terminate(): void;
}

interface Pending {
  readonly resolve: (done: EngineDone) => void;
  readonly reject: (error: EngineError) => void;
  readonly onProgress: ((progress: EngineProgress) => void) | undefined;
}

interface Model {
  readonly source: ModelSource;
  readonly options: LoadOptions;
}

/** One worker with the calls it has not answered. */
class Connection {
  readonly #worker: EngineWorker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  /** Why it can take no more calls. */
  #ended: EngineError | undefined;

  constructor(worker: EngineWorker) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }) => this.#receive(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      // A worker that cannot load gives an event without a message.
      const detail: string | undefined = event.message;
      this.end(
        new EngineError({
          code: 'internal',
          message:
            'The engine stopped unexpectedly or could not be started. Try again; if it persists, reload the page.',
          ...(detail === undefined || detail === '' ? {} : { detail }),
        }),
      );
    });
    worker.addEventListener('messageerror', () => {
      this.end(
        new EngineError({ code: 'internal', message: 'The engine sent an answer that cannot be read. Try again.' }),
      );
    });
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Terminates the worker and rejects everything in flight. */
  end(reason: EngineError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#worker.terminate();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(reason);
  }

  send(call: EngineCall, { signal, onProgress }: CallOptions): Promise<EngineDone> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      if (signal?.aborted === true) return reject(aborted());
      const id = this.#nextId++;
      const abort = (): void => {
        this.#pending.delete(id);
        this.#worker.postMessage({ kind: 'abort', id }, {});
        reject(aborted());
      };
      const settled = (): void => signal?.removeEventListener('abort', abort);
      this.#pending.set(id, {
        onProgress,
        resolve: (done) => {
          settled();
          resolve(done);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      signal?.addEventListener('abort', abort, { once: true });
      try {
        this.#worker.postMessage({ kind: 'call', id, call }, {});
      } catch (error) {
        // Something in the call cannot be cloned.
        const pending = this.#pending.get(id);
        this.#pending.delete(id);
        pending?.reject(EngineError.from(error, 'bad-input'));
      }
    });
  }

  #receive(reply: WorkerReply): void {
    // An aborted call is forgotten here before the worker knows.
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    if (reply.kind === 'progress') {
      pending.onProgress?.(reply.progress);
      return;
    }
    this.#pending.delete(reply.id);
    if (reply.kind === 'done') pending.resolve(reply.done);
    else pending.reject(new EngineError(reply.error));
  }
}

class WorkerEngine implements RewardEngine {
  readonly #createWorker: () => EngineWorker;
  #connection: Connection | undefined;
  /** What the worker has loaded, or must load before the next score. */
  #model: Model | undefined;
  /** The connection that holds `#model`, as soon as it does. */
  #holder: { readonly connection: Connection; readonly loaded: Promise<unknown> } | undefined;
  #disposed = false;

  constructor(createWorker: () => EngineWorker) {
    this.#createWorker = createWorker;
  }

  async load(source: ModelSource, options: LoadOptions & CallOptions = {}): Promise<LoadedModel> {
    const { signal, onProgress, ...loadOptions } = options;
    const model: Model = { source: absoluteSource(source), options: loadOptions };
    // The model before is gone as soon as the worker begins with this one.
    this.#model = undefined;
    this.#holder = undefined;
    const connection = this.#connect();
    const { result } = await this.#send(connection, loadCall(model), 'load', { signal, onProgress });
    this.#model = model;
    this.#holder = { connection, loaded: Promise.resolve() };
    return result;
  }

  async score(request: ScoreRequest, options: CallOptions = {}): Promise<ScoreResult> {
    const connection = await this.#connectWithModel(options);
    try {
      return (await this.#send(connection, { method: 'score', request }, 'score', options)).result;
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'device-lost' || this.#model === undefined) throw error;
      connection.end(error);
      const fresh = await this.#connectWithModel(options);
      return (await this.#send(fresh, { method: 'score', request }, 'score', options)).result;
    }
  }

  async tokenize(
    messages: readonly Message[],
    response: string,
    options: CallOptions = {},
  ): Promise<TokenizedResponse> {
    const connection = await this.#connectWithModel(options);
    return (await this.#send(connection, { method: 'tokenize', messages, response }, 'tokenize', options)).result;
  }

  async device(): Promise<DeviceReport> {
    return (await this.#send(this.#connect(), { method: 'device' }, 'device', {})).result;
  }

  async unload(): Promise<void> {
    this.#model = undefined;
    this.#holder = undefined;
    if (this.#disposed || this.#connection === undefined || this.#connection.ended) return;
    await this.#send(this.#connection, { method: 'unload' }, 'unload', {});
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#model = undefined;
    this.#holder = undefined;
    this.#connection?.end(disposed());
  }

  #connect(): Connection {
    if (this.#disposed) throw disposed();
    if (this.#connection === undefined || this.#connection.ended) {
      let worker: EngineWorker;
      try {
        worker = this.#createWorker();
      } catch (error) {
        throw EngineError.from(error);
      }
      this.#connection = new Connection(worker);
    }
    return this.#connection;
  }

  /** A connection that has the model, which a fresh worker must load first. The load is shared by all who wait for it. */
  async #connectWithModel(options: CallOptions): Promise<Connection> {
    const connection = this.#connect();
    const model = this.#model;
    if (model === undefined) return connection;
    if (this.#holder?.connection !== connection) {
      const loaded = connection.send(loadCall(model), { onProgress: options.onProgress });
      this.#holder = { connection, loaded };
      loaded.catch(() => {
        if (this.#holder?.loaded === loaded) this.#holder = undefined;
      });
    }
    await untilAborted(this.#holder.loaded, options.signal);
    return connection;
  }

  async #send<M extends EngineDone['method']>(
    connection: Connection,
    call: EngineCall,
    method: M,
    options: { readonly signal?: AbortSignal | undefined; readonly onProgress?: CallOptions['onProgress'] | undefined },
  ): Promise<Extract<EngineDone, { readonly method: M }>> {
    const { signal, onProgress } = options;
    const done = await connection.send(call, {
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    if (!isDone(done, method))
      throw new EngineError({ code: 'internal', message: `The engine answered ${done.method}.` });
    return done;
  }
}

function loadCall({ source, options }: Model): EngineCall {
  return { method: 'load', source, options };
}

/** A relative URL means the page's, not the worker script's. */
function absoluteSource(source: ModelSource): ModelSource {
  if (source.kind !== 'url' || typeof document === 'undefined') return source;
  return { kind: 'url', url: new URL(source.url, document.baseURI).href };
}

function aborted(): EngineError {
  return new EngineError({ code: 'aborted', message: 'Cancelled.' });
}

function disposed(): EngineError {
  return new EngineError({ code: 'disposed', message: 'The engine was closed.' });
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) return reject(aborted());
    const abort = (): void => reject(aborted());
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The engine of the page. The worker starts with the first call. */
export function createWorkerEngine(
  createWorker: () => EngineWorker = () =>
    new Worker(new URL('./reward-engine-worker.ts', import.meta.url), { type: 'module', name: 'reward-engine' }),
): RewardEngine {
  return new WorkerEngine(createWorker);
}
