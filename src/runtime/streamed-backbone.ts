/**
 * The decoder on a device that cannot hold all its stages: one stage at a time, each over the whole batch, so that the cost of
 * loading a stage is shared by everything that is computed. The same chunks in the same order as `Backbone`, so the same numbers.
 *
 * Invariants: at most one session is alive; hidden states wait on the CPU between stages (`tokens × hiddenSize` f32); caches live
 * for one stage. Every device tensor made here is disposed here, also on abort and on failure.
 */
import type { Architecture } from '@/formats/manifest.ts';
import type { Backend } from './backend.ts';
import {
  checkSequence,
  defaultChunkTokens,
  sharedPrefixLength,
  type BackboneOptions,
  type BackboneStage,
  type EmbeddingRows,
  type FeatureComputer,
  type FeaturesOptions,
  type Sequence,
  type SequenceFeatures,
} from './backbone.ts';
import {
  chunksOf,
  emptyCache,
  layersOf,
  releaseCache,
  StagePass,
  untilMessagesAreIn,
  type Cache,
  type Chunk,
  type LoadedStage,
} from './stage-pass.ts';

/** A run of tokens after a cache: the shared start, or what one sequence has of its own. */
interface Part {
  /** Index of the sequence it is computed for. */
  readonly index: number;
  readonly chunks: readonly Chunk[];
  /** Hidden states of every chunk, f32 [tokens, hiddenSize], before the stage that comes next. */
  readonly hidden: Float32Array[];
  readonly found: Map<number, Float32Array>;
  elapsedMs: number;
}

export class StreamedBackbone implements FeatureComputer {
  readonly #pass: StagePass;
  readonly #embedding: EmbeddingRows;
  readonly #stages: readonly BackboneStage[];
  readonly #chunkTokens: number;

  constructor(
    backend: Backend,
    architecture: Architecture,
    embedding: EmbeddingRows,
    stages: readonly BackboneStage[],
    options: Pick<BackboneOptions, 'chunkTokens'> = {},
  ) {
    this.#pass = new StagePass(backend, architecture);
    this.#embedding = embedding;
    this.#stages = stages;
    this.#chunkTokens = options.chunkTokens ?? defaultChunkTokens;
  }

  /** As `Backbone.features`; sequences are done during the last stage, one after the other. */
  async features(sequences: readonly Sequence[], options: FeaturesOptions = {}): Promise<SequenceFeatures[]> {
    const { signal, chunkTokens = this.#chunkTokens } = options;
    for (const sequence of sequences) checkSequence(sequence, this.#pass.architecture);
    const [first] = sequences;
    if (first === undefined) return [];
    const shared = sharedPrefixLength(sequences);
    const part = async (index: number, tokenIds: Int32Array, start: number, rows: readonly number[]): Promise<Part> => {
      const chunks = chunksOf(start, tokenIds.length, chunkTokens, rows);
      const hidden: Float32Array[] = [];
      for (const chunk of chunks)
        hidden.push(
          await this.#embedding.lookup(
            tokenIds.subarray(chunk.start - start, chunk.start - start + chunk.length),
            signal,
          ),
        );
      return { index, chunks, hidden, found: new Map(), elapsedMs: 0 };
    };
    const prefix = await part(
      0,
      first.tokenIds.subarray(0, shared),
      0,
      sequences.flatMap(({ rows }) => rows.filter((row) => row < shared)),
    );
    const own: Part[] = [];
    for (const [index, { tokenIds, rows }] of sequences.entries())
      own.push(
        await part(
          index,
          tokenIds.subarray(shared),
          shared,
          rows.filter((row) => row >= shared),
        ),
      );

    const totalTokens = sequences.reduce((sum, { tokenIds }) => sum + tokenIds.length - shared, shared);
    let computed = 0;
    const onChunk = (index: number, tokens: number): void => {
      computed += tokens;
      options.onTokens?.(Math.floor(computed / this.#stages.length), totalTokens, index);
    };
    const results: SequenceFeatures[] = [];
    const finish = async (index: number): Promise<void> => {
      const sequence = sequences[index];
      const mine = own[index];
      if (sequence === undefined || mine === undefined) return;
      const result = {
        features: sequence.rows.map((row) => (row < shared ? prefix : mine).found.get(row) ?? new Float32Array()),
        reusedTokens: index === 0 ? 0 : shared,
        elapsedMs: mine.elapsedMs + (index === 0 ? prefix.elapsedMs : 0),
      };
      results.push(result);
      await options.onSequence?.(index, result);
    };

    for (const [number, stage] of this.#stages.entries()) {
      signal?.throwIfAborted();
      const loading = performance.now();
      const session = await this.#pass.backend.createSession(stage.files, signal);
      try {
        options.onSession?.(number + 1, this.#stages.length);
        const share = (performance.now() - loading) / own.length;
        for (const mine of own) mine.elapsedMs += share;
        const loaded = { session, layers: layersOf(stage) };
        const isLast = number === this.#stages.length - 1;
        const start = await this.#run(loaded, isLast, prefix, emptyCache, signal, onChunk);
        try {
          for (const mine of own) {
            const end = await this.#run(loaded, isLast, mine, start, signal, onChunk);
            if (end !== start) releaseCache(end);
            if (isLast) await finish(mine.index);
          }
        } finally {
          releaseCache(start);
        }
      } finally {
        await session.release();
      }
    }
    return results;
  }

  /** A part through one stage. `start` is kept; the caller releases the returned cache when it is another one. */
  async #run(
    stage: LoadedStage,
    isLast: boolean,
    part: Part,
    start: Cache,
    signal: AbortSignal | undefined,
    onChunk: (index: number, tokens: number) => void,
  ): Promise<Cache> {
    const { backend, architecture } = this.#pass;
    let cache = start;
    const startedAt = performance.now();
    try {
      for (const [at, chunk] of part.chunks.entries()) {
        await untilMessagesAreIn(signal);
        const values = part.hidden[at];
        if (values === undefined) throw new Error('a chunk has no hidden states');
        const inputs = this.#pass.chunkTensors(chunk);
        const hidden = backend.tensor('float32', values, [1, chunk.length, architecture.hiddenSize]);
        try {
          const result = await this.#pass.run(stage, isLast, inputs, chunk, cache, hidden, true);
          if (cache !== start) releaseCache(cache);
          cache = { length: chunk.start + chunk.length, tensors: result.present };
          for (const [row, feature] of result.rows) part.found.set(row, feature);
          const next = result.hidden?.data;
          result.hidden?.dispose();
          if (next instanceof Float32Array) part.hidden[at] = next;
          else if (!isLast) throw new Error('hidden states did not come back from the device');
        } finally {
          hidden.dispose();
          inputs.dispose();
        }
        onChunk(part.index, chunk.length);
      }
    } catch (error) {
      if (cache !== start) releaseCache(cache);
      throw error;
    }
    part.elapsedMs += performance.now() - startedAt;
    return cache;
  }

  async dispose(): Promise<void> {
    // No session outlives its batch.
  }
}
