/**
 * A `RewardEngine` without a model, for tests of the page: deterministic numbers that obey every identity of real ones, the
 * same progress, the same refusals. Only tests may use it.
 */
import { SeededRandom } from '@/base/random.ts';
import { examineCheckpoint } from '@/core/checkpoint-doctor.ts';
import { evaluateHead } from '@/core/reward-head.ts';
import { EngineError } from '@/engine/api/errors.ts';
import type { EngineErrorCode } from '@/engine/api/errors.ts';
import type {
  DeviceReport,
  EngineProgress,
  LoadedModel,
  LoadOptions,
  Message,
  ModelSource,
  ProviderProof,
  ScoredResponse,
  ScoreRequest,
  ScoreResult,
  TokenizedResponse,
} from '@/engine/api/messages.ts';
import type { CallOptions, RewardEngine } from '@/engine/api/reward-engine.ts';
import { doctorFacts } from '@/formats/doctor-facts.ts';
import { MANIFEST_FILE } from '@/formats/manifest.ts';
import type { FileEntry } from '@/formats/manifest.ts';
import { fakeFeatureSize, fakeHead, fakeManifest } from './fake-model.ts';

export interface FakeEngineOptions {
  /** Waits this long before every step that a real engine takes time for. Default 0. */
  readonly stepMs?: number;
  /** Every load fails so. */
  readonly failLoad?: EngineError;
  /** Every score fails so. */
  readonly failScore?: EngineError;
}

const tolerance = 1e-3;
const worstError = 1.5e-6;
const endOfTurn = '<|end|>';
const start = '<|start|>';
const tokensPerChunk = 256;

const proofs: readonly ProviderProof[] = [
  { provider: 'webgpu', outcome: 'skipped', tolerance, reason: 'This is a fake engine.' },
  { provider: 'webgpu-no-subgroups', outcome: 'skipped', tolerance, reason: 'This is a fake engine.' },
  { provider: 'wasm', outcome: 'passed', tolerance, worstError },
];

type Work<T> = (step: () => Promise<void>, progress: (event: EngineProgress) => void) => Promise<T>;

class FakeEngine implements RewardEngine {
  readonly #options: FakeEngineOptions;
  readonly #disposing = new AbortController();
  #loaded = false;
  #tail: Promise<unknown> = Promise.resolve();
  /** The last load or unload. */
  #replacing: Promise<unknown> = Promise.resolve();

  constructor(options: FakeEngineOptions) {
    this.#options = options;
  }

  load(source: ModelSource, options: LoadOptions & CallOptions = {}): Promise<LoadedModel> {
    return this.#replace(options, async (step, progress) => {
      this.#loaded = false;
      if (this.#options.failLoad !== undefined) throw this.#options.failLoad;
      if (source.kind === 'files' && !source.files.some(({ path }) => path.endsWith(MANIFEST_FILE)))
        throw refusal(
          'bad-package',
          `${source.name}: there is no ${MANIFEST_FILE} here, so this is not a model package.`,
        );
      const totalBytes = fakeFiles.reduce((sum, { bytes }) => sum + bytes, 0);
      let loadedBytes = 0;
      for (const { file, bytes } of fakeFiles) {
        await step();
        loadedBytes += bytes;
        progress({ stage: 'download', file, fileBytes: bytes, loadedBytes, totalBytes });
      }
      for (const stage of ['compile', 'warmup'] as const) {
        await step();
        progress({ stage, done: 1, total: 1, provider: 'wasm' });
      }
      this.#loaded = true;
      progress({ stage: 'ready' });
      return {
        manifest: fakeManifest,
        transform: fakeHead.transform.slice(),
        provider: 'wasm',
        worstError,
        proofs,
        findings: examineCheckpoint(doctorFacts(fakeManifest, fakeHead, [])),
        memory: {
          mode: 'resident',
          reason: 'This is a fake engine.',
          residentBytes: 70_000_000,
          streamedBytes: 70_000_000,
        },
        loadedBytes,
        files: fakeFiles.map((entry) => ({ role: entry.file, ...entry, verified: true })),
        elapsedMs: 0,
      };
    });
  }

  score(request: ScoreRequest, options: CallOptions = {}): Promise<ScoreResult> {
    return this.#call(options, async (step, progress) => {
      this.#requireModel();
      if (this.#options.failScore !== undefined) throw this.#options.failScore;
      if (request.responses.length === 0) throw refusal('bad-input', 'There is no response to score.');
      const tokenized = request.responses.map((response) => tokenizeText(request.messages, response));
      const totalTokens = tokenized.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
      const responses: ScoredResponse[] = [];
      let doneTokens = 0;
      for (const [responseIndex, one] of tokenized.entries()) {
        for (let left = one.tokenIds.length; left > 0; left -= tokensPerChunk) {
          await step();
          doneTokens += Math.min(left, tokensPerChunk);
          progress({ stage: 'score', doneTokens, totalTokens, responseIndex });
        }
        const response = scored(one, responseIndex > 0, request.features ?? false);
        responses.push(response);
        progress({ stage: 'result', responseIndex, response });
      }
      return { modelId: fakeManifest.id, responses, elapsedMs: 0 };
    });
  }

  tokenize(messages: readonly Message[], response: string, options: CallOptions = {}): Promise<TokenizedResponse> {
    const replacing = this.#replacing;
    return this.#call(
      options,
      async () => {
        this.#requireModel();
        return tokenizeText(messages, response);
      },
      replacing,
    );
  }

  async device(): Promise<DeviceReport> {
    return {
      ...(this.#loaded ? { provider: 'wasm' } : {}),
      webgpu: { available: false, reason: 'This is a fake engine.', features: [], limits: {} },
      crossOriginIsolated: true,
      jspi: true,
      threads: 1,
    };
  }

  unload(): Promise<void> {
    return this.#replace({}, async () => {
      this.#loaded = false;
    });
  }

  async dispose(): Promise<void> {
    this.#disposing.abort();
    this.#loaded = false;
  }

  #replace<T>(options: CallOptions, work: Work<T>): Promise<T> {
    const called = this.#call(options, work);
    this.#replacing = called.catch(() => undefined);
    return called;
  }

  #requireModel(): void {
    if (!this.#loaded) throw refusal('no-model', 'No model is loaded. Load one first.');
  }

  /** One call at a time; every step is a point where cancelling and closing are seen. */
  async #call<T>(
    { signal, onProgress }: CallOptions,
    work: Work<T>,
    /** Absent: after every call before. */
    after?: Promise<unknown>,
  ): Promise<T> {
    const check = (): void => {
      if (this.#disposing.signal.aborted) throw refusal('disposed', 'The engine was closed.');
      if (signal?.aborted === true) throw refusal('aborted', 'Cancelled.');
    };
    const step = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, this.#options.stepMs ?? 0));
      check();
    };
    const result = (after ?? this.#tail).then(async () => {
      check();
      const done = await work(step, (event) => {
        check();
        onProgress?.(event);
      });
      check();
      return done;
    });
    if (after === undefined) this.#tail = result.catch(() => undefined);
    return result;
  }
}

const fakeFiles: readonly FileEntry[] = [
  fakeManifest.embedding,
  ...fakeManifest.stages.flatMap(({ graph, data }) => [graph, ...data]),
  fakeManifest.heads,
  fakeManifest.tokenizer,
  fakeManifest.tokenizerConfig,
];

function refusal(code: EngineErrorCode, message: string): EngineError {
  return new EngineError({ code, message });
}

/** Words with the space before them, or single other characters. */
const wordPattern = /\s*[\p{L}\p{N}]+|\s*[^\p{L}\p{N}\s]|\s+/gu;

function tokenizeText(messages: readonly Message[], response: string): TokenizedResponse {
  if (messages.at(-1)?.role !== 'user')
    throw refusal('bad-input', 'The last message before the response must be the user’s.');
  const words = (text: string): string[] => [...(text.match(wordPattern) ?? []), endOfTurn];
  const prompt = [start, ...messages.flatMap(({ content }) => words(content))];
  const tokenTexts = [...prompt, ...words(response)];
  const { maxPositions } = fakeManifest.architecture;
  if (tokenTexts.length > maxPositions)
    throw refusal('too-long', `The text is ${tokenTexts.length} tokens long, the model reads ${maxPositions}.`);
  return {
    tokenIds: Int32Array.from(tokenTexts, tokenId),
    tokenTexts,
    gateIndex: prompt.length - 1,
    scoredIndex: tokenTexts.length - 1,
    responseStart: prompt.length,
    warnings: [],
  };
}

/** FNV-1a, folded into the vocabulary; 0 and 1 are the special tokens. */
function tokenId(text: string): number {
  if (text === start) return 0;
  if (text === endOfTurn) return 1;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return 2 + (hash % (fakeManifest.architecture.vocabSize - 2));
}

/** A stand-in for a hidden state: depends on every token up to `index`, and on nothing else. */
function featureAt(tokenIds: Int32Array, index: number): Float32Array<ArrayBuffer> {
  const feature = new Float32Array(fakeFeatureSize);
  for (let i = 0; i <= index; i++) {
    const random = new SeededRandom((tokenIds[i] ?? 0) + 1);
    for (let j = 0; j < fakeFeatureSize; j++) feature[j] = 0.9 * (feature[j] ?? 0) + 0.4 * random.normal();
  }
  return feature;
}

function scored(text: TokenizedResponse, reused: boolean, withFeatures: boolean): ScoredResponse {
  const { tokenIds, tokenTexts, gateIndex, scoredIndex, responseStart, warnings } = text;
  const feature = featureAt(tokenIds, scoredIndex);
  const gateFeature = featureAt(tokenIds, gateIndex);
  return {
    ...evaluateHead(fakeHead, feature, gateFeature),
    tokens: {
      total: tokenIds.length,
      prompt: responseStart,
      response: tokenIds.length - responseStart,
      gateIndex,
      gateToken: tokenTexts[gateIndex] ?? '',
      scoredIndex,
      scoredToken: tokenTexts[scoredIndex] ?? '',
      reused: reused ? responseStart : 0,
    },
    warnings,
    timings: { tokenizeMs: 0, backboneMs: 0, headsMs: 0 },
    ...(withFeatures ? { feature, gateFeature } : {}),
  };
}

export function createFakeEngine(options: FakeEngineOptions = {}): RewardEngine {
  return new FakeEngine(options);
}
