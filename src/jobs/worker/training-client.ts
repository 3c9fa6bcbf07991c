/**
 * `TrainingJobs` over a worker: ids, abort, progress, events, and no call that hangs. Whatever ends the worker rejects every call in
 * flight and ends its run with `failed`; the next call starts a fresh worker.
 */
import { JobError } from '@/jobs/api/job-error.ts';
import type {
  CheckpointInfo,
  DataFile,
  GateEvaluationRequest,
  JobOptions,
  ProbeProgress,
  ProbeRequest,
  TrainingEvent,
  TrainingJobs,
  TrainingRequest,
  TrainingRun,
} from '@/jobs/api/training.ts';
import { isTrainingDone } from './training-protocol.ts';
import type { TrainingCall, TrainingDone, TrainingWorkerReply, TrainingWorkerRequest } from './training-protocol.ts';

/** The part of `Worker` that is used here. */
export interface TrainingWorker {
  postMessage(message: TrainingWorkerRequest, options: StructuredSerializeOptions): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<TrainingWorkerReply>) => void): void;
  addEventListener(type: 'error', listener: (event: ErrorEvent) => void): void;
  addEventListener(type: 'messageerror', listener: (event: MessageEvent) => void): void;
  terminate(): void;
}

interface Pending {
  readonly resolve: (done: TrainingDone) => void;
  readonly reject: (error: JobError) => void;
  readonly onProgress: ((progress: ProbeProgress) => void) | undefined;
}

class Connection {
  private readonly worker: TrainingWorker;
  private readonly calls = new Map<number, Pending>();
  private readonly runs = new Map<number, (event: TrainingEvent) => void>();
  private next = 1;
  private over: JobError | undefined;

  constructor(worker: TrainingWorker) {
    this.worker = worker;
    worker.addEventListener('message', ({ data }) => this.receive(data));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      // A worker that cannot load gives an event without a message.
      const detail: string | undefined = event.message;
      this.end(
        new JobError({
          code: 'internal',
          message: 'Training stopped unexpectedly or could not be started. Go on from the last checkpoint.',
          ...(detail === undefined || detail === '' ? {} : { detail }),
        }),
      );
    });
    worker.addEventListener('messageerror', () => {
      this.end(new JobError({ code: 'internal', message: 'Training sent an answer that cannot be read. Try again.' }));
    });
  }

  get ended(): boolean {
    return this.over !== undefined;
  }

  end(reason: JobError): void {
    if (this.over !== undefined) return;
    this.over = reason;
    this.worker.terminate();
    const calls = [...this.calls.values()];
    const runs = [...this.runs.values()];
    this.calls.clear();
    this.runs.clear();
    for (const { reject } of calls) reject(reason);
    for (const onEvent of runs) onEvent({ kind: 'failed', error: reason.toData() });
  }

  send(call: TrainingCall, { signal, onProgress }: JobOptions<ProbeProgress> = {}): Promise<TrainingDone> {
    return new Promise((resolve, reject) => {
      if (this.over !== undefined) return reject(this.over);
      if (signal?.aborted === true) return reject(aborted());
      const id = this.next++;
      const abort = (): void => {
        this.calls.delete(id);
        this.worker.postMessage({ kind: 'abort', id }, {});
        reject(aborted());
      };
      const settle = (): void => signal?.removeEventListener('abort', abort);
      this.calls.set(id, {
        onProgress,
        resolve: (done) => {
          settle();
          resolve(done);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      signal?.addEventListener('abort', abort, { once: true });
      try {
        this.worker.postMessage({ kind: 'call', id, call }, {});
      } catch (error) {
        this.calls.delete(id);
        settle();
        reject(uncloneable(error));
      }
    });
  }

  train(request: TrainingRequest, onEvent: (event: TrainingEvent) => void): TrainingRun {
    const run = this.next++;
    const ended = new Promise<Extract<TrainingEvent, { kind: 'done' | 'failed' }>>((resolve) => {
      const receive = (event: TrainingEvent): void => {
        onEvent(event);
        if (event.kind === 'done' || event.kind === 'failed') {
          this.runs.delete(run);
          resolve(event);
        }
      };
      this.runs.set(run, receive);
      const fail = (error: JobError) => queueMicrotask(() => receive({ kind: 'failed', error: error.toData() }));
      if (this.over !== undefined) fail(this.over);
      else
        try {
          this.worker.postMessage({ kind: 'train', run, request }, {});
        } catch (error) {
          fail(uncloneable(error));
        }
    });
    const control = async (action: 'pause' | 'resume' | 'stop' | 'checkpoint'): Promise<CheckpointInfo | undefined> => {
      if (!this.runs.has(run) && action !== 'checkpoint') return undefined;
      const done = await this.send({ method: 'control', run, action });
      return isTrainingDone(done, 'control') ? done.checkpoint : undefined;
    };
    return {
      runId: request.runId,
      ended,
      pause: async () => void (await control('pause')),
      resume: async () => void (await control('resume')),
      stop: async () => void (await control('stop')),
      async checkpoint() {
        const checkpoint = await control('checkpoint');
        if (checkpoint === undefined) throw mixedUp();
        return checkpoint;
      },
    };
  }

  private receive(reply: TrainingWorkerReply): void {
    if (reply.kind === 'event') return this.runs.get(reply.run)?.(reply.event);
    // An aborted call is forgotten here before the worker knows.
    const pending = this.calls.get(reply.id);
    if (pending === undefined) return;
    if (reply.kind === 'progress') return pending.onProgress?.(reply.progress);
    this.calls.delete(reply.id);
    if (reply.kind === 'done') pending.resolve(reply.done);
    else pending.reject(new JobError(reply.error));
  }
}

/** @param start makes a worker; called again after one has ended. */
export function createWorkerTrainingJobs(start: () => TrainingWorker): TrainingJobs {
  let connection: Connection | undefined;
  let disposed = false;
  const connect = (): Connection => {
    if (disposed) throw new JobError({ code: 'internal', message: 'Training has been shut down. Reload the page.' });
    if (connection === undefined || connection.ended) connection = new Connection(start());
    return connection;
  };
  const send = async <M extends TrainingDone['method']>(
    call: TrainingCall & { readonly method: M },
    options?: JobOptions<ProbeProgress>,
  ): Promise<Extract<TrainingDone, { readonly method: M }>> => {
    const done = await connect().send(call, options);
    if (!isTrainingDone(done, call.method)) throw mixedUp();
    return done;
  };
  const plain = ({ signal }: JobOptions<never> = {}) => (signal === undefined ? {} : { signal });
  return {
    describeFeatures: async (files: readonly DataFile[], options?: JobOptions<never>) =>
      (await send({ method: 'describeFeatures', files }, plain(options))).result,
    readHeads: async (files: readonly DataFile[], options?: JobOptions<never>) =>
      (await send({ method: 'readHeads', files }, plain(options))).result,
    probe: async (request: ProbeRequest, options?: JobOptions<ProbeProgress>) =>
      (await send({ method: 'probe', request }, options)).result,
    evaluateGate: async (request: GateEvaluationRequest, options?: JobOptions<never>) =>
      (await send({ method: 'evaluateGate', request }, plain(options))).result,
    train: (request, onEvent) => connect().train(request, onEvent),
    checkpoints: async () => (await send({ method: 'checkpoints' })).result,
    removeCheckpoint: async (runId) => void (await send({ method: 'removeCheckpoint', runId })),
    async dispose() {
      disposed = true;
      connection?.end(new JobError({ code: 'aborted', message: 'Training was shut down.' }));
    },
  };
}

function aborted(): JobError {
  return new JobError({ code: 'aborted', message: 'Cancelled.' });
}

function uncloneable(error: unknown): JobError {
  const detail = error instanceof Error ? error.message : String(error);
  return new JobError({ code: 'bad-input', message: 'Something in the request cannot be sent to the worker.', detail });
}

function mixedUp(): JobError {
  return new JobError({ code: 'internal', message: 'Training gave an answer to another question. Try again.' });
}
