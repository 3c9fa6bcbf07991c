/**
 * Runs the decoder: token ids in, rows after the final RMSNorm out (armorm.md I1).
 *
 * The stages are consecutive sessions on one device; a sequence goes through them in chunks (a long submit freezes the page or
 * trips the driver's watchdog, runtime.md) over key/value caches. What several sequences share at their start is computed once.
 * Invariants: every device tensor made here is disposed here, also on abort and on failure; sequences are never truncated.
 */
import type { Architecture } from '@/formats/manifest.ts';
import type { Backend, BackendTensor, StageFiles } from './backend.ts';
import { commonPrefixLength } from './chat-tokenizer.ts';
import { chunksOf, emptyCache, layersOf, releaseCache, StagePass, untilMessagesAreIn } from './stage-pass.ts';
import type { Cache, Chunk, LoadedStage, StageResult } from './stage-pass.ts';

/** Rows of the token embedding, e.g. `EmbeddingTable` of `src/formats`. */
export interface EmbeddingRows {
  /** f32 [ids.length, hiddenSize], row-major. */
  lookup(tokenIds: Int32Array, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
}

export interface BackboneStage {
  readonly firstLayer: number;
  readonly endLayer: number;
  readonly files: StageFiles;
}

export interface BackboneOptions {
  /** Tokens per run. Default 256. */
  readonly chunkTokens?: number;
  readonly signal?: AbortSignal;
  /** After every session that was made. */
  readonly onSession?: (done: number, total: number) => void;
}

export interface Sequence {
  readonly tokenIds: Int32Array;
  /** Positions whose final-norm hidden state is wanted, in any order. */
  readonly rows: readonly number[];
}

export interface SequenceFeatures {
  /** f32 [hiddenSize] per wanted row, in the order of `rows`. */
  readonly features: readonly Float32Array[];
  /** Tokens not computed for this sequence because the sequences share them. */
  readonly reusedTokens: number;
  /** Wall time of what was computed for this sequence; the shared start counts for the first. */
  readonly elapsedMs: number;
}

export interface FeaturesOptions {
  readonly signal?: AbortSignal;
  /** For this call only, instead of the backbone's own. */
  readonly chunkTokens?: number;
  /** After every session that a streamed backbone made on the way: how many of how many. */
  readonly onSession?: (done: number, total: number) => void;
  /** After every chunk: tokens computed so far, of how many, for which sequence. */
  readonly onTokens?: (doneTokens: number, totalTokens: number, sequenceIndex: number) => void;
  /** As soon as a sequence is done, before the next begins. */
  readonly onSequence?: (sequenceIndex: number, features: SequenceFeatures) => void | Promise<void>;
}

/** Sequences that share their start, e.g. the responses to one prompt, with those who wait for them. */
export interface SequenceGroup extends Omit<FeaturesOptions, 'onSession'> {
  readonly sequences: readonly Sequence[];
}

export interface GroupsOptions extends Pick<FeaturesOptions, 'onSession'> {
  /** Ends everything; a group's own signal ends that group. */
  readonly signal?: AbortSignal;
}

/** Computes features; all stages resident (`Backbone`) or one at a time (`StreamedBackbone`). */
export interface FeatureComputer {
  /**
   * `features` of every group, one after the other or together, whatever costs less, to the same bits.
   * @returns one entry per group, in order; `undefined` for a group whose own signal fired. @throws as `features`.
   */
  featuresOfGroups(
    groups: readonly SequenceGroup[],
    options?: GroupsOptions,
  ): Promise<(SequenceFeatures[] | undefined)[]>;
  /**
   * Hidden states after the final norm at the wanted rows of every sequence. The longest common start of all sequences is
   * computed once, the rest of each over that cache.
   * @returns one entry per sequence, in order. @throws RangeError for an empty sequence, a row outside it or too many tokens;
   * the signal's reason on abort; what the backend throws.
   */
  features(sequences: readonly Sequence[], options?: FeaturesOptions): Promise<SequenceFeatures[]>;
  dispose(): Promise<void>;
}

export const defaultChunkTokens = 256;

export class Backbone implements FeatureComputer {
  readonly #pass: StagePass;
  readonly #embedding: EmbeddingRows;
  readonly #stages: readonly LoadedStage[];
  readonly #chunkTokens: number;

  private constructor(
    backend: Backend,
    architecture: Architecture,
    embedding: EmbeddingRows,
    stages: readonly LoadedStage[],
    chunkTokens: number,
  ) {
    this.#pass = new StagePass(backend, architecture);
    this.#embedding = embedding;
    this.#stages = stages;
    this.#chunkTokens = chunkTokens;
  }

  /** Makes one session per stage, one after the other. Sessions made before a failure or an abort are released. */
  static async create(
    backend: Backend,
    architecture: Architecture,
    embedding: EmbeddingRows,
    stages: readonly BackboneStage[],
    options: BackboneOptions = {},
  ): Promise<Backbone> {
    const loaded: LoadedStage[] = [];
    try {
      for (const stage of stages) {
        options.signal?.throwIfAborted();
        const session = await backend.createSession(stage.files, options.signal);
        loaded.push({ session, layers: layersOf(stage) });
        options.onSession?.(loaded.length, stages.length);
      }
    } catch (error) {
      for (const { session } of loaded) await session.release();
      throw error;
    }
    return new Backbone(backend, architecture, embedding, loaded, options.chunkTokens ?? defaultChunkTokens);
  }

  async features(sequences: readonly Sequence[], options: FeaturesOptions = {}): Promise<SequenceFeatures[]> {
    for (const sequence of sequences) checkSequence(sequence, this.#pass.architecture);
    const shared = sharedPrefixLength(sequences);
    const totalTokens = sequences.reduce((sum, { tokenIds }) => sum + tokenIds.length - shared, shared);
    let doneTokens = 0;
    const first = sequences[0];
    if (first === undefined) return [];

    const results: SequenceFeatures[] = [];
    let prefix = emptyCache;
    try {
      let start = performance.now();
      const sharedRows = sequences.flatMap(({ rows }) => rows.filter((row) => row < shared));
      const onChunk = (index: number) => (tokens: number) => {
        doneTokens += tokens;
        options.onTokens?.(doneTokens, totalTokens, index);
      };
      const computed = await this.#extend(prefix, first.tokenIds.subarray(0, shared), sharedRows, options, onChunk(0));
      prefix = computed.cache;
      for (const [index, { tokenIds, rows }] of sequences.entries()) {
        const ownRows = rows.filter((row) => row >= shared);
        const own = await this.#extend(prefix, tokenIds.subarray(shared), ownRows, options, onChunk(index));
        if (own.cache !== prefix) releaseCache(own.cache);
        const features = rows.map((row) => (row < shared ? computed : own).rows.get(row) ?? new Float32Array());
        const now = performance.now();
        const result = { features, reusedTokens: index === 0 ? 0 : shared, elapsedMs: now - start };
        start = now;
        results.push(result);
        await options.onSequence?.(index, result);
      }
    } finally {
      releaseCache(prefix);
    }
    return results;
  }

  async featuresOfGroups(
    groups: readonly SequenceGroup[],
    { signal }: GroupsOptions = {},
  ): Promise<(SequenceFeatures[] | undefined)[]> {
    const results: (SequenceFeatures[] | undefined)[] = [];
    for (const { sequences, ...group } of groups) {
      const signals = [signal, group.signal].filter((each) => each !== undefined);
      try {
        results.push(await this.features(sequences, { ...group, signal: AbortSignal.any(signals) }));
      } catch (error) {
        if (signal?.aborted === true || group.signal?.aborted !== true) throw error;
        results.push(undefined);
      }
    }
    return results;
  }

  async dispose(): Promise<void> {
    for (const { session } of this.#stages) await session.release();
  }

  /** Computes `tokenIds` after `start`. `start` is kept; the caller releases the returned cache when it is another one. */
  async #extend(
    start: Cache,
    tokenIds: Int32Array,
    rows: readonly number[],
    { signal, chunkTokens = this.#chunkTokens }: FeaturesOptions,
    onChunk: (tokens: number) => void,
  ): Promise<{ cache: Cache; rows: Map<number, Float32Array> }> {
    const found = new Map<number, Float32Array>();
    let cache = start;
    try {
      for (const chunk of chunksOf(start.length, tokenIds.length, chunkTokens, rows)) {
        signal?.throwIfAborted();
        const offset = chunk.start - start.length;
        const next = await this.#chunk(cache, chunk, tokenIds.subarray(offset, offset + chunk.length), found, signal);
        if (cache !== start) releaseCache(cache);
        cache = next;
        onChunk(chunk.length);
      }
    } catch (error) {
      if (cache !== start) releaseCache(cache);
      throw error;
    }
    return { cache, rows: found };
  }

  /** One chunk through all stages. */
  async #chunk(
    cache: Cache,
    chunk: Chunk,
    tokenIds: Int32Array,
    found: Map<number, Float32Array>,
    signal: AbortSignal | undefined,
  ): Promise<Cache> {
    const { backend, architecture } = this.#pass;
    const embedded = await this.#embedding.lookup(tokenIds, signal);
    const inputs = this.#pass.chunkTensors(chunk);
    const present: Record<string, BackendTensor> = {};
    let hidden: BackendTensor | undefined = backend.tensor('float32', embedded, [
      1,
      chunk.length,
      architecture.hiddenSize,
    ]);
    try {
      for (const [index, stage] of this.#stages.entries()) {
        await untilMessagesAreIn(signal);
        if (hidden === undefined) throw new Error(`stage ${index} has no hidden states to begin with`);
        const isLast = index === this.#stages.length - 1;
        const result: StageResult = await this.#pass.run(stage, isLast, inputs, chunk, cache, hidden);
        Object.assign(present, result.present);
        for (const [row, feature] of result.rows) found.set(row, feature);
        hidden.dispose();
        hidden = result.hidden;
      }
    } catch (error) {
      for (const tensor of Object.values(present)) tensor.dispose();
      throw error;
    } finally {
      hidden?.dispose();
      inputs.dispose();
    }
    return { length: chunk.start + chunk.length, tensors: present };
  }
}

/** @throws RangeError for an empty sequence, a row outside it or more tokens than the model has positions. */
export function checkSequence({ tokenIds, rows }: Sequence, { maxPositions }: Architecture): void {
  if (tokenIds.length === 0) throw new RangeError('a sequence holds no tokens');
  if (tokenIds.length > maxPositions) {
    throw new RangeError(`a sequence holds ${tokenIds.length} tokens, the model has ${maxPositions} positions`);
  }
  const outside = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= tokenIds.length);
  if (outside !== undefined) throw new RangeError(`row ${outside} is outside a sequence of ${tokenIds.length} tokens`);
}

/** Tokens that all sequences share at their start. */
export function sharedPrefixLength(sequences: readonly Sequence[]): number {
  const [first, ...others] = sequences;
  if (first === undefined) return 0;
  return others.reduce(
    (length, { tokenIds }) => Math.min(length, commonPrefixLength(first.tokenIds, tokenIds)),
    first.tokenIds.length,
  );
}
