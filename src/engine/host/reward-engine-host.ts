/**
 * `RewardEngine` in the thread that made it. The worker entry wraps one of these; the command line uses it directly.
 */
import { examineCheckpoint } from '@/core/checkpoint-doctor.ts';
import { EngineError } from '@/engine/api/errors.ts';
import type {
  DeviceReport,
  LoadedModel,
  LoadOptions,
  Message,
  ModelSource,
  Provider,
  ScoreRequest,
  ScoreResult,
  TokenizedResponse,
} from '@/engine/api/messages.ts';
import type { CallOptions, RewardEngine } from '@/engine/api/reward-engine.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import { doctorFacts } from '@/formats/doctor-facts.ts';
import type { BackendFactory } from '@/runtime/backend.ts';
import { SerialQueue } from '@/runtime/serial-queue.ts';
import { encodeCanaries } from './canaries.ts';
import type { EncodedCanary } from './canaries.ts';
import { isAbort, toEngineError } from './engine-errors.ts';
import { openLocalPackage } from './local-package.ts';
import type { LocalPackage } from './local-package.ts';
import type { MemoryOffer } from './memory-plan.ts';
import { proveFirst, releaseProven } from './provider-ladder.ts';
import type { Proven } from './provider-ladder.ts';
import { encodeOne, scoringOf, type Scoring } from './score-responses.ts';

/** What the engine needs from the place it runs in. */
export interface EnginePlatform {
  readonly backends: BackendFactory;
  /** @throws EngineError `bad-input` for a kind of source this platform does not have. */
  openFiles(source: ModelSource): FileSet;
  device(): Promise<Omit<DeviceReport, 'provider'>>;
  /** What a provider has to hold a model in. Absent or `undefined`: not known. */
  memory?(provider: Provider): MemoryOffer | undefined;
  /** Tokens per run of the backbone. Absent: the backbone's default. */
  chunkTokens?(provider: Provider): number | undefined;
}

interface Model {
  readonly package: LocalPackage;
  readonly canaries: readonly EncodedCanary[];
  /** `undefined` after a lost device, until it is made again. */
  proven: Proven | undefined;
  readonly provider: Provider;
  /** What to load it with again. */
  readonly options: LoadOptions;
}

/** Requests made together come to a worker one by one; loading stages takes a thousand times as long. */
const gatherMs = 20;

/** A request to score that waits or runs. */
interface Asked {
  readonly request: ScoreRequest;
  readonly options: CallOptions;
  /** Loads and unloads that were called before it. */
  readonly generation: number;
  outcome: { readonly result: ScoreResult } | { readonly failure: unknown } | undefined;
}

type OnProgress = NonNullable<CallOptions['onProgress']>;

export class RewardEngineHost implements RewardEngine {
  readonly #platform: EnginePlatform;
  readonly #queue = new SerialQueue();
  readonly #disposing = new AbortController();
  #model: Model | undefined;
  readonly #asked = new Set<Asked>();
  #generation = 0;
  /** The last call that loads or unloads, as soon as it was made: what is read of the model waits for it. Never rejects. */
  #replacing: Promise<unknown> = Promise.resolve();

  constructor(platform: EnginePlatform) {
    this.#platform = platform;
  }

  load(source: ModelSource, options: LoadOptions & CallOptions = {}): Promise<LoadedModel> {
    return this.#replace(options, async (signal, onProgress) => {
      const startedAt = performance.now();
      await this.#release();
      const opened = await openLocalPackage(this.#platform.openFiles(source), {
        verifyHashes: options.verifyHashes ?? true,
        signal,
        onProgress,
      });
      const canaries = encodeCanaries(opened.tokenizer, opened.manifest.canaries);
      const { proven, proofs } = await this.#prove(opened, canaries, options, signal, onProgress);
      this.#model = {
        package: opened,
        canaries,
        proven,
        options: { ...options, provider: proven.backend.provider },
        provider: proven.backend.provider,
      };
      onProgress({ stage: 'ready' });
      const { provider, adapter } = proven.backend;
      return {
        manifest: opened.manifest,
        transform: opened.head.transform.slice(),
        provider,
        ...(adapter === undefined ? {} : { adapter }),
        worstError: proven.worstError,
        proofs,
        findings: examineCheckpoint(
          doctorFacts(
            opened.manifest,
            opened.head,
            canaries.map(({ encoded }) => encoded),
          ),
        ),
        memory: proven.memory,
        loadedBytes: opened.loadedBytes,
        files: opened.loadedFiles,
        elapsedMs: performance.now() - startedAt,
      };
    });
  }

  score(request: ScoreRequest, options: CallOptions = {}): Promise<ScoreResult> {
    const asked: Asked = { request, options, generation: this.#generation, outcome: undefined };
    this.#asked.add(asked);
    return this.#call(options, async (signal) => {
      if (asked.outcome === undefined) await this.#scoreAsked(asked, signal);
      const { outcome } = asked;
      if (outcome === undefined) throw new Error('a request was left out');
      if ('failure' in outcome) throw outcome.failure;
      return outcome.result;
    }).finally(() => this.#asked.delete(asked));
  }

  /**
   * Scores a request, and where stages are loaded one at a time all that wait behind it, up to the next load: every stage is then
   * loaded once for all of them.
   */
  async #scoreAsked(first: Asked, signal: AbortSignal): Promise<void> {
    const model = this.#loaded();
    const streamed = model.proven?.memory.mode === 'streamed';
    if (streamed) await new Promise((resolve) => setTimeout(resolve, gatherMs));
    const together = streamed
      ? [...this.#asked].filter(({ generation, outcome }) => generation === first.generation && outcome === undefined)
      : [first];
    const startedAt = performance.now();
    const scorings = new Map<Asked, Scoring>();
    const disposing = this.#disposing.signal;
    for (const asked of together) {
      const { request, options } = asked;
      const own = options.signal === undefined ? disposing : AbortSignal.any([disposing, options.signal]);
      if (own.aborted) continue;
      try {
        if (request.responses.length === 0)
          throw new EngineError({ code: 'bad-input', message: 'There is no response to score.' });
        const encoded = request.responses.map((response, index) =>
          encodeOne(model.package, request.messages, response, index),
        );
        scorings.set(
          asked,
          scoringOf(model.package, encoded, request.features ?? false, own, (progress) => {
            if (!own.aborted) options.onProgress?.(progress);
          }),
        );
      } catch (failure) {
        asked.outcome = { failure };
      }
    }
    // One request alone ends with its own signal; of several, each ends by itself and the rest go on.
    const shared = scorings.size === 1 && scorings.has(first) ? signal : disposing;
    const report: OnProgress = (progress) => {
      for (const { options } of scorings.keys()) options.onProgress?.(progress);
    };
    try {
      await this.#withRecovery(model, shared, report, async (proven) => {
        for (const scoring of scorings.values()) scoring.restart();
        await proven.backbone.featuresOfGroups(
          [...scorings.values()].map(({ group }) => group),
          { signal: shared },
        );
      });
    } catch (failure) {
      for (const asked of scorings.keys()) asked.outcome = { failure };
      throw failure;
    }
    for (const [asked, { responses, failure }] of scorings)
      asked.outcome =
        failure !== undefined
          ? { failure }
          : {
              result: {
                modelId: model.package.manifest.id,
                responses,
                elapsedMs: performance.now() - startedAt,
              },
            };
  }

  tokenize(messages: readonly Message[], response: string, options: CallOptions = {}): Promise<TokenizedResponse> {
    const replacing = this.#replacing;
    // Beside the queue: no session is touched, and whoever types must not wait for a score that runs.
    return this.#call(
      options,
      async () => {
        const { tokenizer } = this.#loaded().package;
        const { tokenIds, gateIndex, scoredIndex, responseStart, warnings } = tokenizer.encode(messages, response);
        const tokenTexts = Array.from(tokenIds, (id) => tokenizer.textOf(id));
        return { tokenIds, tokenTexts, gateIndex, scoredIndex, responseStart, warnings };
      },
      async (job) => {
        await replacing;
        return job();
      },
    );
  }

  async device(): Promise<DeviceReport> {
    const report = await this.#platform.device();
    return this.#model === undefined ? report : { ...report, provider: this.#model.provider };
  }

  unload(): Promise<void> {
    return this.#replace({}, () => this.#release());
  }

  async dispose(): Promise<void> {
    if (this.#disposing.signal.aborted) return;
    this.#disposing.abort(new EngineError({ code: 'disposed', message: 'The engine was closed.' }));
    await this.#queue.run(() => this.#release());
  }

  /** Queues `work`; settles at once on abort or disposal, while the work itself winds down before the next call begins. */
  async #call<T>(
    options: CallOptions,
    work: (signal: AbortSignal, onProgress: OnProgress) => Promise<T>,
    enqueue: (job: () => Promise<T>) => Promise<T> = (job) => this.#queue.run(job),
  ): Promise<T> {
    const disposing = this.#disposing.signal;
    const signal = options.signal === undefined ? disposing : AbortSignal.any([disposing, options.signal]);
    const onProgress: OnProgress = (progress) => {
      if (!signal.aborted) options.onProgress?.(progress);
    };
    const queued = enqueue(async () => {
      signal.throwIfAborted();
      return work(signal, onProgress);
    });
    try {
      return await untilAborted(queued, signal);
    } catch (error) {
      if (disposing.aborted) throw toEngineError(disposing.reason);
      if (signal.aborted) throw new EngineError({ code: 'aborted', message: 'Cancelled.' });
      throw toEngineError(error);
    }
  }

  #replace<T>(options: CallOptions, work: (signal: AbortSignal, onProgress: OnProgress) => Promise<T>): Promise<T> {
    this.#generation += 1;
    const called = this.#call(options, work);
    this.#replacing = called.catch(() => undefined);
    return called;
  }

  #loaded(): Model {
    if (this.#model === undefined) {
      throw new EngineError({ code: 'no-model', message: 'No model is loaded. Load one first.' });
    }
    return this.#model;
  }

  async #release(): Promise<void> {
    const model = this.#model;
    this.#model = undefined;
    if (model?.proven !== undefined) await releaseProven(model.proven);
  }

  #prove(
    opened: LocalPackage,
    canaries: readonly EncodedCanary[],
    { provider, stages }: LoadOptions,
    signal: AbortSignal,
    onProgress: OnProgress,
  ): ReturnType<typeof proveFirst> {
    const { backends: factory } = this.#platform;
    const chunkTokens = (each: Provider): number | undefined => this.#platform.chunkTokens?.(each);
    const proving = {
      factory,
      chunkTokens,
      memory: (each: Provider) => this.#platform.memory?.(each),
      stages,
      opened,
      canaries,
      askedFor: provider !== undefined,
      signal,
      onProgress,
    };
    return proveFirst(proving, provider === undefined ? factory.order : [provider]);
  }

  /** Runs `work`; when the device is lost on the way, makes and proves it again and runs `work` once more. */
  async #withRecovery<T>(
    model: Model,
    signal: AbortSignal,
    onProgress: OnProgress,
    work: (proven: Proven) => Promise<T>,
  ): Promise<T> {
    const first = model.proven;
    if (first !== undefined) {
      try {
        return await first.loss.guard(work(first));
      } catch (error) {
        signal.throwIfAborted();
        if (isAbort(error) || !(await first.loss.happened())) throw error;
        model.proven = undefined;
        await releaseProven(first);
      }
    }
    const again = await this.#prove(model.package, model.canaries, model.options, signal, onProgress).catch(
      (error: unknown) => {
        signal.throwIfAborted();
        throw new EngineError({
          code: 'device-lost',
          message:
            'The graphics device was lost and could not be started again. Load the model again, with wasm if this repeats.',
          detail: toEngineError(error).message,
        });
      },
    );
    model.proven = again.proven;
    try {
      return await again.proven.loss.guard(work(again.proven));
    } catch (error) {
      if (!signal.aborted && (await again.proven.loss.happened())) {
        model.proven = undefined;
        await releaseProven(again.proven);
      }
      throw error;
    }
  }
}

/** `promise`, or a rejection as soon as the signal fires. `promise` is left to settle by itself. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined);
    return Promise.reject(toEngineError(signal.reason));
  }
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(toEngineError(signal.reason));
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
