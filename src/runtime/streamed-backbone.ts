/**
 * The decoder on a device that cannot hold all its stages: one stage at a time, each over the whole batch, so that the cost of
 * loading a stage is shared by everything that is computed. The same chunks in the same order as `Backbone`, so the same numbers.
 *
 * Invariants: at most one session is alive; hidden states wait on the CPU between stages (`tokens × hiddenSize` f32); caches live
 * for one stage and one group. Every device tensor made here is disposed here, also on abort and on failure.
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
  type GroupsOptions,
  type Sequence,
  type SequenceFeatures,
  type SequenceGroup,
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

/** A group on its way through the stages. */
interface Travelling {
  readonly group: SequenceGroup;
  /** Place among all groups. */
  readonly place: number;
  /** Tokens that all its sequences share at their start. */
  readonly shared: number;
  readonly prefix: Part;
  readonly own: readonly Part[];
  readonly totalTokens: number;
  /** Tokens through a stage, each as often as it went through one. */
  computed: number;
  readonly results: SequenceFeatures[];
}

/** What hidden states may take while they wait between stages; a group that needs more goes alone. */
const defaultHiddenBytes = 128 * 1024 * 1024;

export interface StreamedOptions extends Pick<BackboneOptions, 'chunkTokens'> {
  /** Bytes of hidden states that may wait between stages. Default 128 MiB: 8,192 tokens of a model 4,096 wide. */
  readonly hiddenBytes?: number;
}

export class StreamedBackbone implements FeatureComputer {
  readonly #pass: StagePass;
  readonly #embedding: EmbeddingRows;
  readonly #stages: readonly BackboneStage[];
  readonly #chunkTokens: number;
  readonly #hiddenBytes: number;

  constructor(
    backend: Backend,
    architecture: Architecture,
    embedding: EmbeddingRows,
    stages: readonly BackboneStage[],
    options: StreamedOptions = {},
  ) {
    this.#pass = new StagePass(backend, architecture);
    this.#embedding = embedding;
    this.#stages = stages;
    this.#chunkTokens = options.chunkTokens ?? defaultChunkTokens;
    this.#hiddenBytes = options.hiddenBytes ?? defaultHiddenBytes;
  }

  /** As `Backbone.features`; sequences are done during the last stage, one after the other. */
  async features(sequences: readonly Sequence[], options: FeaturesOptions = {}): Promise<SequenceFeatures[]> {
    const { signal, onSession, ...group } = options;
    const [result] = await this.featuresOfGroups([{ ...group, sequences }], {
      ...(signal === undefined ? {} : { signal }),
      ...(onSession === undefined ? {} : { onSession }),
    });
    return result ?? [];
  }

  /**
   * Every stage is loaded once for as many groups as their hidden states fit into the budget; groups are done during the last
   * stage, in order.
   */
  async featuresOfGroups(
    groups: readonly SequenceGroup[],
    options: GroupsOptions = {},
  ): Promise<(SequenceFeatures[] | undefined)[]> {
    for (const { sequences } of groups)
      for (const sequence of sequences) checkSequence(sequence, this.#pass.architecture);
    const results: (SequenceFeatures[] | undefined)[] = groups.map(({ sequences }) =>
      sequences.length === 0 ? [] : undefined,
    );
    let batch: number[] = [];
    let bytes = 0;
    const compute = async (): Promise<void> => {
      const travelling: Travelling[] = [];
      for (const place of batch) {
        const group = groups[place];
        if (group !== undefined && group.signal?.aborted !== true)
          travelling.push(await this.#depart(group, place, options.signal));
      }
      batch = [];
      bytes = 0;
      if (travelling.length > 0) await this.#travel(travelling, options);
      for (const { group, place, results: found } of travelling)
        if (group.signal?.aborted !== true) results[place] = found;
    };
    for (const [place, { sequences }] of groups.entries()) {
      if (sequences.length === 0) continue;
      const needed = 4 * this.#pass.architecture.hiddenSize * tokensOf(sequences);
      if (batch.length > 0 && bytes + needed > this.#hiddenBytes) await compute();
      batch.push(place);
      bytes += needed;
    }
    await compute();
    return results;
  }

  /** Looks the embeddings up. */
  async #depart(group: SequenceGroup, place: number, signal: AbortSignal | undefined): Promise<Travelling> {
    const { sequences, chunkTokens = this.#chunkTokens } = group;
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
    const sharedIds = sequences[0]?.tokenIds.subarray(0, shared) ?? new Int32Array();
    const sharedRows = sequences.flatMap(({ rows }) => rows.filter((row) => row < shared));
    const prefix = await part(0, sharedIds, 0, sharedRows);
    const own: Part[] = [];
    for (const [index, { tokenIds, rows }] of sequences.entries()) {
      const ownRows = rows.filter((row) => row >= shared);
      own.push(await part(index, tokenIds.subarray(shared), shared, ownRows));
    }
    return { group, place, shared, prefix, own, totalTokens: tokensOf(sequences), computed: 0, results: [] };
  }

  /** All groups through all stages. A group whose own signal fires stays where it is. */
  async #travel(travelling: readonly Travelling[], { signal, onSession }: GroupsOptions): Promise<void> {
    const parts = travelling.reduce((sum, { own }) => sum + own.length, 0);
    for (const [number, stage] of this.#stages.entries()) {
      signal?.throwIfAborted();
      if (travelling.every(({ group }) => group.signal?.aborted === true)) return;
      const loading = performance.now();
      const session = await this.#pass.backend.createSession(stage.files, signal);
      try {
        onSession?.(number + 1, this.#stages.length);
        const share = (performance.now() - loading) / parts;
        const loaded = { session, layers: layersOf(stage) };
        for (const each of travelling) {
          for (const mine of each.own) mine.elapsedMs += share;
          try {
            await this.#stop(loaded, number === this.#stages.length - 1, each, signal);
          } catch (error) {
            if (signal?.aborted === true || each.group.signal?.aborted !== true) throw error;
          }
        }
      } finally {
        await session.release();
      }
    }
  }

  /** One group through one stage. */
  async #stop(
    stage: LoadedStage,
    isLast: boolean,
    travelling: Travelling,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { group, prefix, own, totalTokens } = travelling;
    const signals = [signal, group.signal].filter((each) => each !== undefined);
    const either = signals.length === 0 ? undefined : AbortSignal.any(signals);
    const onChunk = (index: number, tokens: number): void => {
      travelling.computed += tokens;
      group.onTokens?.(Math.floor(travelling.computed / this.#stages.length), totalTokens, index);
    };
    const start = await this.#run(stage, isLast, prefix, emptyCache, either, onChunk);
    try {
      for (const mine of own) {
        const end = await this.#run(stage, isLast, mine, start, either, onChunk);
        if (end !== start) releaseCache(end);
        if (isLast) await this.#arrive(travelling, mine);
      }
    } finally {
      releaseCache(start);
    }
  }

  async #arrive({ group, shared, prefix, results }: Travelling, mine: Part): Promise<void> {
    const { index, found, elapsedMs } = mine;
    const rows = group.sequences[index]?.rows ?? [];
    const result = {
      features: rows.map((row) => (row < shared ? prefix.found : found).get(row) ?? new Float32Array()),
      reusedTokens: index === 0 ? 0 : shared,
      elapsedMs: elapsedMs + (index === 0 ? prefix.elapsedMs : 0),
    };
    results.push(result);
    await group.onSequence?.(index, result);
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

/** Tokens to compute: what the sequences share counts once. */
function tokensOf(sequences: readonly Sequence[]): number {
  const shared = sharedPrefixLength(sequences);
  return sequences.reduce((sum, { tokenIds }) => sum + tokenIds.length - shared, shared);
}
