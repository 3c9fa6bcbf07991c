/**
 * Scores a dataset: items are taken in windows, sorted by length, items of one conversation scored together, results written by
 * batches of a token budget, and never the same text twice. What was kept from an earlier run is not scored again, so resuming is
 * running again. The scored set comes out in the dataset's own order.
 */
import { ScoredSetBuilder } from '@/core/scored-set.ts';
import type { ScoredHead, ScoredRow, ScoredSet } from '@/core/scored-set.ts';
import { EngineError } from '@/engine/api/errors.ts';
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { codePoints } from '@/formats/code-points.ts';
import type { LineMessage } from '@/formats/conversation-fields.ts';
import type { DatasetItem } from '@/formats/datasets/dataset.ts';
import type { DatasetEntry } from '@/formats/datasets/read-dataset.ts';
import { RejectedRows } from '@/formats/rejected-rows.ts';
import type { RejectedRow } from '@/formats/rejected-rows.ts';
import { contentHasher } from './content-hash.ts';
import type { ContentHasher } from './content-hash.ts';
import type { CachedResult, ResultCache, ResultFeatures } from './result-cache.ts';

/** The model in use, as far as a scored set records it. */
export interface EvaluatedModel {
  readonly id: string;
  readonly objectives: readonly string[];
  readonly head?: ScoredHead;
}

export interface EvaluationOptions {
  /** Loaded with `model`. */
  readonly engine: Pick<RewardEngine, 'score'>;
  readonly model: EvaluatedModel;
  /** The dataset from its beginning, each time it is called. */
  readonly entries: (signal?: AbortSignal) => AsyncIterable<DatasetEntry>;
  /** Opened for `model.id`. */
  readonly cache: ResultCache;
  /** Also keep the hidden states, so that another head needs no scoring. Default true. */
  readonly features?: boolean;
  /** Also keep the texts in the scored set, to open a row in Inspect. Default true. */
  readonly texts?: boolean;
  /** Make the scored set. Default true; without it the results are in the cache alone. */
  readonly collect?: boolean;
  /** Milliseconds, from any origin. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
  /** While it is paused nothing new is begun. */
  readonly pause?: PauseGate;
  /** Prompts to ask for at once (`requestsAtOnce`). Default 1. */
  readonly atOnce?: number;
  readonly windowItems?: number;
  readonly batchTokens?: number;
}

/** Responses are counted once each, however often the dataset repeats them. */
export interface EvaluationProgress {
  readonly stage: 'reading' | 'scoring' | 'collecting' | 'writing' | 'done';
  readonly items: number;
  readonly totalItems: number;
  /** Responses whose scores are there, kept ones included. */
  readonly responses: number;
  readonly totalResponses: number;
  /** Of them, kept from before or said twice in the dataset. */
  readonly reused: number;
  /** Tokens run through the backbone by this run. */
  readonly tokens: number;
  /** By this run's own clock, pauses left out; undefined until something was scored. */
  readonly tokensPerSecond: number | undefined;
  /** Seconds; from the characters still to do. */
  readonly remainingSeconds: number | undefined;
  readonly rejected: number;
  readonly paused: boolean;
}

export interface EvaluationResult {
  readonly set: ScoredSet | undefined;
  readonly rejected: readonly RejectedRow[];
  /** Responses scored by this run. */
  readonly scored: number;
  readonly reused: number;
  readonly tokens: number;
}

/** Pauses and resumes a run between two conversations. */
export class PauseGate {
  #waiting: (() => void)[] = [];
  #paused = false;

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const go of this.#waiting) go();
    this.#waiting = [];
  }

  /** Resolves at once unless paused; a signal that aborts ends the wait. */
  async passed(signal?: AbortSignal): Promise<void> {
    while (this.#paused) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
        if (signal?.aborted === true) resolve();
      });
      signal?.throwIfAborted();
    }
    signal?.throwIfAborted();
  }
}

/** Items looked at together for sorting: bounds the memory of a dataset of any length. */
const defaultWindowItems = 1024;
/** Tokens after which results are written: seconds to a minute of work, which is what a kill can cost. */
const defaultBatchTokens = 8192;
/** Or after this long, whatever comes first: short texts make many responses of few tokens. */
const batchMs = 20_000;
/** Characters a token is taken to have where nothing better is known; only order and estimates depend on it. */
const charactersPerToken = 4;
/** Errors of the engine that concern one text; every other one ends the run. */
const textErrors: ReadonlySet<string> = new Set(['bad-input', 'too-long', 'internal']);

/**
 * @throws AbortError when aborted (what was scored is kept), EngineError when the engine fails for good, FormatError of the source,
 *   and what the store throws.
 */
export async function runEvaluation(options: EvaluationOptions): Promise<EvaluationResult> {
  return new EvaluationRun(options, await contentHasher(options.model.id)).run();
}

/** Responses of one conversation that are still to be scored. */
interface Request {
  readonly messages: readonly LineMessage[];
  readonly responses: { readonly hash: string; readonly text: string }[];
  characters: number;
}

class EvaluationRun {
  readonly #options: EvaluationOptions;
  readonly #hash: ContentHasher;
  readonly #rejected = new RejectedRows();
  /** Hashes of responses that could not be scored, with the reason. */
  readonly #failed = new Map<string, string>();
  readonly #seen = new Set<string>();
  #stage: EvaluationProgress['stage'] = 'reading';
  #items = 0;
  #totalItems = 0;
  #totalResponses = 0;
  #remainingCharacters = 0;
  #doneCharacters = 0;
  #responses = 0;
  #reused = 0;
  #scored = 0;
  #tokens = 0;
  #activeMs = 0;
  #flushedAtMs = 0;
  #batch: (CachedResult & Partial<ResultFeatures>)[] = [];
  #batchTokens = 0;

  constructor(options: EvaluationOptions, hash: ContentHasher) {
    this.#options = options;
    this.#hash = hash;
  }

  async run(): Promise<EvaluationResult> {
    await this.#scan();
    this.#stage = 'scoring';
    this.#report();
    try {
      for await (const window of this.#windows()) await this.#scoreWindow(window);
    } finally {
      // Also after an abort or a failure: what was scored is kept.
      await this.#flush();
    }
    this.#stage = 'collecting';
    const set = await this.#collect();
    this.#stage = 'done';
    this.#report();
    return {
      set,
      rejected: this.#rejected.rows,
      scored: this.#scored,
      reused: this.#reused,
      tokens: this.#tokens,
    };
  }

  /** Counts what there is to do, and lists the records that cannot be used. */
  async #scan(): Promise<void> {
    const { entries, signal, cache } = this.#options;
    for await (const entry of entries(signal)) {
      if (entry.kind === 'rejected') {
        this.#rejected.add(entry.row, entry.field, entry.reason, entry.text);
        continue;
      }
      this.#totalItems += 1;
      for (const { text } of entry.item.responses) {
        const hash = this.#hash(entry.item.messages, text);
        this.#totalResponses += 1;
        if (this.#seen.has(hash)) this.#reused += 1;
        else {
          this.#seen.add(hash);
          if (cache.get(hash) === undefined) this.#remainingCharacters += charactersOf(entry.item, text);
          else this.#reused += 1;
        }
      }
      if (this.#totalItems % 512 === 0) this.#report();
    }
    this.#responses = this.#reused;
    this.#seen.clear();
  }

  async *#windows(): AsyncGenerator<DatasetItem[]> {
    const { entries, signal, windowItems = defaultWindowItems } = this.#options;
    let window: DatasetItem[] = [];
    for await (const entry of entries(signal)) {
      if (entry.kind === 'rejected') continue;
      window.push(entry.item);
      if (window.length < windowItems) continue;
      yield window;
      window = [];
    }
    if (window.length > 0) yield window;
  }

  async #scoreWindow(items: readonly DatasetItem[]): Promise<void> {
    const { cache, pause, signal, now, atOnce = 1, batchTokens = defaultBatchTokens } = this.#options;
    const requests = new Map<string, Request>();
    for (const item of items) {
      const key = JSON.stringify(item.messages);
      for (const { text } of item.responses) {
        const hash = this.#hash(item.messages, text);
        if (this.#seen.has(hash) || cache.get(hash) !== undefined) continue;
        this.#seen.add(hash);
        const request = requests.get(key) ?? { messages: item.messages, responses: [], characters: 0 };
        requests.set(key, request);
        request.responses.push({ hash, text });
        request.characters += charactersOf(item, text);
      }
    }
    // Equal lengths together: buffers of the backbone are made once for many.
    const ordered = [...requests.values()].toSorted((a, b) => a.characters - b.characters);
    for (let at = 0; at < ordered.length; at += atOnce) {
      if (pause?.paused === true) this.#report();
      await pause?.passed(signal);
      signal?.throwIfAborted();
      const begin = now();
      // What was scored beside a failure is kept.
      const ends = await Promise.allSettled(ordered.slice(at, at + atOnce).map((request) => this.#score(request)));
      this.#activeMs += now() - begin;
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      if (this.#batchTokens >= batchTokens || this.#activeMs - this.#flushedAtMs >= batchMs) await this.#flush();
      this.#report();
    }
    this.#items += items.length;
  }

  async #score(request: Request): Promise<void> {
    const { engine, features = true, signal } = this.#options;
    try {
      const { responses } = await engine.score(
        { messages: request.messages, responses: request.responses.map(({ text }) => text), features },
        signal === undefined ? {} : { signal },
      );
      for (const [i, response] of responses.entries()) this.#keep(request.responses[i]!.hash, response, features);
      for (const [i, { tokens }] of responses.entries()) {
        const computed = tokens.total - (i === 0 ? 0 : tokens.reused);
        this.#tokens += computed;
        this.#batchTokens += computed;
      }
      this.#doneCharacters += request.characters;
      this.#remainingCharacters -= request.characters;
      this.#responses += responses.length;
      this.#scored += responses.length;
    } catch (error) {
      if (!(error instanceof EngineError) || !textErrors.has(error.code)) throw error;
      if (request.responses.length > 1) {
        // One of them is bad: alone, each answers for itself.
        const characters = request.characters / request.responses.length;
        for (const response of request.responses) await this.#score({ ...request, responses: [response], characters });
        return;
      }
      this.#remainingCharacters -= request.characters;
      for (const { hash } of request.responses) this.#failed.set(hash, error.message);
    }
  }

  #keep(hash: string, response: ScoredResponse, features: boolean): void {
    const { score, rewards, gateLogits, gateWeights, tokens, warnings, feature, gateFeature } = response;
    this.#batch.push({
      hash,
      score,
      rewards,
      gateLogits,
      gateWeights,
      responseTokens: tokens.response,
      warnings,
      ...(features && feature !== undefined && gateFeature !== undefined ? { feature, gateFeature } : {}),
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchTokens = 0;
    this.#flushedAtMs = this.#activeMs;
    await this.#options.cache.append(batch);
  }

  /** The scored set, in the dataset's order. Items with a response that could not be scored are listed, their others stay. */
  async #collect(): Promise<ScoredSet | undefined> {
    const { entries, model, cache, signal, texts = true, collect = true } = this.#options;
    const builder = new ScoredSetBuilder(model.objectives, model.id, model.head);
    for await (const entry of entries(signal)) {
      if (entry.kind === 'rejected') continue;
      const { item } = entry;
      const rows: ScoredRow[] = [];
      for (const { text, role, style, label } of item.responses) {
        const hash = this.#hash(item.messages, text);
        const result = cache.get(hash);
        if (result === undefined) {
          this.#rejected.add(item.row, 'response', this.#failed.get(hash) ?? 'was not scored.', text);
          continue;
        }
        if (!collect) continue;
        rows.push({
          score: result.score,
          rewards: result.rewards,
          gateWeights: result.gateWeights,
          gateLogits: result.gateLogits,
          responseTokens: result.responseTokens,
          characters: codePoints(text),
          warnings: result.warnings,
          role,
          style,
          label,
          subset: item.subset,
          section: item.section,
          extra: item.extra,
          ...(texts ? { response: text } : {}),
        });
      }
      if (rows.length > 0) builder.addGroup(item.id, item.row, rows, texts ? JSON.stringify(item.messages) : undefined);
    }
    return builder.rows === 0 ? undefined : builder.finish();
  }

  #report(): void {
    const { onProgress, pause } = this.#options;
    if (onProgress === undefined) return;
    const seconds = this.#activeMs / 1000;
    const perCharacter = this.#doneCharacters === 0 ? undefined : seconds / this.#doneCharacters;
    onProgress({
      stage: this.#stage,
      items: this.#items,
      totalItems: this.#totalItems,
      responses: this.#responses,
      totalResponses: this.#totalResponses,
      reused: this.#reused,
      tokens: this.#tokens,
      tokensPerSecond: this.#tokens === 0 || seconds === 0 ? undefined : this.#tokens / seconds,
      remainingSeconds: perCharacter === undefined ? undefined : perCharacter * this.#remainingCharacters,
      rejected: this.#rejected.length + this.#failed.size,
      paused: pause?.paused ?? false,
    });
  }
}

/** What a response costs: itself, and its share of the conversation before it. */
function charactersOf({ messages, responses }: DatasetItem, text: string): number {
  const context = messages.reduce((sum, { content }) => sum + content.length + charactersPerToken, 0);
  return text.length + context / responses.length;
}

/** The first `limit` items of a dataset, and of the subsets named; records that cannot be used pass. */
export async function* chosenEntries(
  entries: AsyncIterable<DatasetEntry>,
  { limit, subsets }: { readonly limit?: number | undefined; readonly subsets?: readonly string[] | undefined },
): AsyncGenerator<DatasetEntry> {
  let items = 0;
  for await (const entry of entries) {
    if (entry.kind === 'item') {
      const { subset } = entry.item;
      if (subsets !== undefined && (subset === undefined || !subsets.includes(subset))) continue;
      if (items === limit) return;
      items += 1;
    }
    yield entry;
  }
}
