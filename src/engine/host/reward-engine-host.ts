/**
 * `RewardEngine` in the thread that made it. The worker entry wraps one of these; the command line uses it directly.
 */
import { evaluateHead } from '@/core/reward-head.ts';
import { EngineError } from '@/engine/api/errors.ts';
import type {
  DeviceReport,
  LoadedModel,
  LoadOptions,
  Message,
  ModelSource,
  Provider,
  ProviderProof,
  ScoredResponse,
  ScoreRequest,
  ScoreResult,
  TokenizedResponse,
} from '@/engine/api/messages.ts';
import type { CallOptions, RewardEngine } from '@/engine/api/reward-engine.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import { Backbone } from '@/runtime/backbone.ts';
import type { Sequence, SequenceFeatures } from '@/runtime/backbone.ts';
import type { Backend, BackendFactory } from '@/runtime/backend.ts';
import type { EncodedResponse } from '@/runtime/chat-tokenizer.ts';
import { SerialQueue } from '@/runtime/serial-queue.ts';
import { canaryTolerance, encodeCanaries, sequencesFor, worstCanaryError } from './canaries.ts';
import type { EncodedCanary } from './canaries.ts';
import { isAbort, toEngineError } from './engine-errors.ts';
import { openLocalPackage } from './local-package.ts';
import type { LocalPackage } from './local-package.ts';

/** What the engine needs from the place it runs in. */
export interface EnginePlatform {
  readonly backends: BackendFactory;
  /** @throws EngineError `bad-input` for a kind of source this platform does not have. */
  openFiles(source: ModelSource): FileSet;
  device(): Promise<Omit<DeviceReport, 'provider'>>;
  /** Tokens per run of the backbone. Absent: the backbone's default. */
  chunkTokens?(provider: Provider): number | undefined;
}

/** A backbone whose canaries passed, on the backend they passed on. */
interface Proven {
  readonly backend: Backend;
  readonly backbone: Backbone;
  /** Rejects with `device-lost` when the device is lost; never resolves. */
  readonly lost: Promise<never>;
  readonly worstError: number;
}

interface Model {
  readonly package: LocalPackage;
  readonly canaries: readonly EncodedCanary[];
  /** `undefined` after a lost device, until it is made again. */
  proven: Proven | undefined;
  readonly provider: Provider;
}

type OnProgress = NonNullable<CallOptions['onProgress']>;

/** How long an error waits for the device's own loss report: in-flight errors look unrelated and come first. */
const lossGraceMs = 250;

export class RewardEngineHost implements RewardEngine {
  readonly #platform: EnginePlatform;
  readonly #queue = new SerialQueue();
  readonly #disposing = new AbortController();
  #model: Model | undefined;

  constructor(platform: EnginePlatform) {
    this.#platform = platform;
  }

  load(source: ModelSource, options: LoadOptions & CallOptions = {}): Promise<LoadedModel> {
    return this.#call(options, async (signal, onProgress) => {
      const startedAt = performance.now();
      await this.#release();
      const opened = await openLocalPackage(this.#platform.openFiles(source), {
        verifyHashes: options.verifyHashes ?? true,
        signal,
        onProgress,
      });
      const canaries = encodeCanaries(opened.tokenizer, opened.manifest.canaries);
      const order = options.provider === undefined ? this.#platform.backends.order : [options.provider];
      const { proven, proofs } = await this.#prove(
        opened,
        canaries,
        order,
        options.provider !== undefined,
        signal,
        onProgress,
      );
      this.#model = { package: opened, canaries, proven, provider: proven.backend.provider };
      onProgress({ stage: 'ready' });
      const { provider, adapter } = proven.backend;
      return {
        manifest: opened.manifest,
        provider,
        ...(adapter === undefined ? {} : { adapter }),
        worstError: proven.worstError,
        proofs,
        loadedBytes: opened.loadedBytes,
        elapsedMs: performance.now() - startedAt,
      };
    });
  }

  score(request: ScoreRequest, options: CallOptions = {}): Promise<ScoreResult> {
    return this.#call(options, async (signal, onProgress) => {
      const startedAt = performance.now();
      const model = this.#loaded();
      if (request.responses.length === 0) {
        throw new EngineError({ code: 'bad-input', message: 'There is no response to score.' });
      }
      const encoded = request.responses.map((response, index) => encodeOne(model, request.messages, response, index));
      const responses = await this.#withRecovery(model, signal, onProgress, (proven) =>
        scoreEncoded(model.package, proven, encoded, request.features ?? false, signal, onProgress),
      );
      return { modelId: model.package.manifest.id, responses, elapsedMs: performance.now() - startedAt };
    });
  }

  tokenize(messages: readonly Message[], response: string, options: CallOptions = {}): Promise<TokenizedResponse> {
    return this.#call(options, async () => {
      const { tokenizer } = this.#loaded().package;
      const { tokenIds, gateIndex, scoredIndex, responseStart, warnings } = tokenizer.encode(messages, response);
      const tokenTexts = Array.from(tokenIds, (id) => tokenizer.textOf(id));
      return { tokenIds, tokenTexts, gateIndex, scoredIndex, responseStart, warnings };
    });
  }

  async device(): Promise<DeviceReport> {
    const report = await this.#platform.device();
    return this.#model === undefined ? report : { ...report, provider: this.#model.provider };
  }

  unload(): Promise<void> {
    return this.#call({}, () => this.#release());
  }

  async dispose(): Promise<void> {
    if (this.#disposing.signal.aborted) return;
    this.#disposing.abort(new EngineError({ code: 'disposed', message: 'The engine was closed.' }));
    await this.#queue.run(() => this.#release());
  }

  /** Queues `work`; settles at once on abort or disposal, while the work itself winds down before the next call begins. */
  async #call<T>(options: CallOptions, work: (signal: AbortSignal, onProgress: OnProgress) => Promise<T>): Promise<T> {
    const disposing = this.#disposing.signal;
    const signal = options.signal === undefined ? disposing : AbortSignal.any([disposing, options.signal]);
    const onProgress: OnProgress = (progress) => {
      if (!signal.aborted) options.onProgress?.(progress);
    };
    const queued = this.#queue.run(async () => {
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

  /** Tries the providers in order until one reproduces the canaries. @throws EngineError `unproven` when none does. */
  async #prove(
    opened: LocalPackage,
    canaries: readonly EncodedCanary[],
    order: readonly Provider[],
    askedFor: boolean,
    signal: AbortSignal,
    onProgress: OnProgress,
  ): Promise<{ proven: Proven; proofs: readonly ProviderProof[] }> {
    const proofs: ProviderProof[] = [];
    for (const provider of order) {
      signal.throwIfAborted();
      const { proof, proven } = await this.#tryProvider(opened, canaries, provider, askedFor, signal, onProgress);
      proofs.push(proof);
      if (proven !== undefined) return { proven, proofs };
    }
    const told = proofs.map(
      ({ provider, outcome, reason }) => `${provider} ${outcome}${reason === undefined ? '' : `: ${reason}`}`,
    );
    throw new EngineError({
      code: 'unproven',
      message: `No provider on this device reproduces the model's reference outputs, so nothing is scored. ${told.join(' ')}`,
      detail: JSON.stringify(proofs),
    });
  }

  async #tryProvider(
    opened: LocalPackage,
    canaries: readonly EncodedCanary[],
    provider: Provider,
    askedFor: boolean,
    signal: AbortSignal,
    onProgress: OnProgress,
  ): Promise<{ proof: ProviderProof; proven?: Proven }> {
    const tolerance = canaryTolerance(canaries);
    const made = await this.#platform.backends.create(provider);
    if ('unavailable' in made) {
      const { unavailable: reason, adapter } = made;
      return {
        proof: { provider, outcome: 'skipped', tolerance, reason, ...(adapter === undefined ? {} : { adapter }) },
      };
    }
    const { backend } = made;
    const about = { provider, tolerance, ...(backend.adapter === undefined ? {} : { adapter: backend.adapter }) };
    if (backend.software === true && !askedFor) {
      await backend.dispose();
      const reason = 'A software adapter is slower than wasm; it is used only when it is chosen by name.';
      return { proof: { ...about, outcome: 'skipped', reason } };
    }
    let backbone: Backbone | undefined;
    const lost = rejectWhenLost(backend);
    try {
      const { manifest, embedding, stages, head } = opened;
      const chunkTokens = this.#platform.chunkTokens?.(provider);
      const creating = Backbone.create(backend, manifest.architecture, embedding, stages, {
        signal,
        ...(chunkTokens === undefined ? {} : { chunkTokens }),
        onSession: (done, total) => onProgress({ stage: 'compile', done, total, provider }),
      });
      backbone = await Promise.race([creating, lost]);
      const proving = worstCanaryError(backbone, head, canaries, {
        signal,
        onCanary: (done, total) => onProgress({ stage: 'warmup', done, total, provider }),
      });
      const worstError = await Promise.race([proving, lost]);
      if (worstError <= tolerance) {
        return { proof: { ...about, outcome: 'passed', worstError }, proven: { backend, backbone, lost, worstError } };
      }
      await releaseProven({ backend, backbone });
      const reason = `its outputs differ from the reference by ${worstError.toPrecision(3)}, more than ${tolerance.toPrecision(3)}.`;
      return { proof: { ...about, outcome: 'failed', worstError, reason } };
    } catch (error) {
      await releaseProven({ backend, backbone });
      signal.throwIfAborted();
      return { proof: { ...about, outcome: 'error', reason: toEngineError(error).message } };
    }
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
        return await Promise.race([work(first), first.lost]);
      } catch (error) {
        signal.throwIfAborted();
        if (isAbort(error) || !(await wasLost(first))) throw error;
        model.proven = undefined;
        await releaseProven(first);
      }
    }
    const again = await this.#prove(model.package, model.canaries, [model.provider], true, signal, onProgress).catch(
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
      return await Promise.race([work(again.proven), again.proven.lost]);
    } catch (error) {
      if (!signal.aborted && (await wasLost(again.proven))) {
        model.proven = undefined;
        await releaseProven(again.proven);
      }
      throw error;
    }
  }
}

function encodeOne(model: Model, messages: readonly Message[], response: string, index: number) {
  const startedAt = performance.now();
  try {
    const encoded = model.package.tokenizer.encode(messages, response);
    return { encoded, tokenizeMs: performance.now() - startedAt };
  } catch (error) {
    const { code, message, detail } = toEngineError(error);
    const which = code === 'too-long' ? `Response ${index + 1}: ` : '';
    throw new EngineError({ code, message: which + message, ...(detail === undefined ? {} : { detail }) });
  }
}

async function scoreEncoded(
  opened: LocalPackage,
  { backbone }: Proven,
  encoded: readonly { readonly encoded: EncodedResponse; readonly tokenizeMs: number }[],
  withFeatures: boolean,
  signal: AbortSignal,
  onProgress: OnProgress,
): Promise<ScoredResponse[]> {
  const planned = encoded.map((one) => ({ ...one, sequences: sequencesFor(one.encoded) }));
  // One prompt, so one gate sequence for all where the gate needs one of its own; first, as every result needs it.
  const gateSequence = planned.find(({ sequences: [, gate] }) => gate !== undefined)?.sequences[1];
  const gateSequences: readonly Sequence[] = gateSequence === undefined ? [] : [gateSequence];
  const lead = gateSequences.length;
  let gateAlone: Float32Array | undefined;
  const responses: ScoredResponse[] = [];

  const finish = (responseIndex: number, computed: SequenceFeatures) => {
    const plan = planned[responseIndex];
    const feature = computed.features[0];
    const gateFeature = plan?.sequences[1] === undefined ? computed.features[1] : gateAlone;
    if (plan === undefined || feature === undefined || gateFeature === undefined) {
      throw new Error('the backbone returned too few rows');
    }
    const headsFrom = performance.now();
    const evaluation = evaluateHead(opened.head, feature, gateFeature);
    if (![evaluation.score, ...evaluation.rewards, ...evaluation.gateWeights].every(Number.isFinite)) {
      throw new EngineError({
        code: 'internal',
        message: `Response ${responseIndex + 1} gave a score that is not a number; it is not shown.`,
      });
    }
    const { tokenIds, gateTokenIds, gateIndex, scoredIndex, responseStart, warnings } = plan.encoded;
    const response: ScoredResponse = {
      ...evaluation,
      tokens: {
        total: tokenIds.length,
        prompt: responseStart,
        response: tokenIds.length - responseStart,
        gateIndex,
        gateToken: opened.tokenizer.textOf((gateTokenIds ?? tokenIds)[gateIndex] ?? 0),
        scoredIndex,
        scoredToken: opened.tokenizer.textOf(tokenIds[scoredIndex] ?? 0),
        reused: computed.reusedTokens,
      },
      warnings,
      timings: { tokenizeMs: plan.tokenizeMs, backboneMs: computed.elapsedMs, headsMs: performance.now() - headsFrom },
      ...(withFeatures ? { feature, gateFeature } : {}),
    };
    responses.push(response);
    onProgress({ stage: 'result', responseIndex, response });
  };

  await backbone.features([...gateSequences, ...planned.map(({ sequences: [scored] }) => scored)], {
    signal,
    onTokens: (doneTokens, totalTokens, index) =>
      onProgress({ stage: 'score', doneTokens, totalTokens, responseIndex: Math.max(0, index - lead) }),
    onSequence: (index, computed) => {
      if (index < lead) gateAlone = computed.features[0];
      else finish(index - lead, computed);
    },
  });
  return responses;
}

async function releaseProven({
  backend,
  backbone,
}: {
  backend: Backend;
  backbone: Backbone | undefined;
}): Promise<void> {
  // A lost device may refuse to release; the memory is gone with it.
  await backbone?.dispose().catch(() => undefined);
  await backend.dispose().catch(() => undefined);
}

function rejectWhenLost(backend: Backend): Promise<never> {
  const lost = backend.lost.then((reason): never => {
    throw new EngineError({ code: 'device-lost', message: 'The graphics device was lost.', detail: reason });
  });
  // It is raced in several places and may fire while none of them waits.
  lost.catch(() => undefined);
  return lost;
}

async function wasLost({ lost }: Proven): Promise<boolean> {
  const waited = new Promise<false>((resolve) => {
    setTimeout(() => resolve(false), lossGraceMs);
  });
  return Promise.race([lost.catch((): true => true), waited]);
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
