/**
 * Runs the decoder: token ids in, rows after the final RMSNorm out (armorm.md I1).
 *
 * The stages are consecutive sessions on one device; a sequence goes through them in chunks (a long submit freezes the page or
 * trips the driver's watchdog, runtime.md) over key/value caches. What several sequences share at their start is computed once.
 * Invariants: every device tensor made here is disposed here, also on abort and on failure; sequences are never truncated.
 */
import type { Architecture } from '@/formats/manifest.ts';
import type { Backend, BackendTensor, StageFiles, StageSession } from './backend.ts';
import { commonPrefixLength } from './chat-tokenizer.ts';
import { rotaryTables } from '@/core/rope.ts';
import type { RotaryTables } from '@/core/rope.ts';

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
  /** After every chunk: tokens computed so far, of how many, for which sequence. */
  readonly onTokens?: (doneTokens: number, totalTokens: number, sequenceIndex: number) => void;
  /** As soon as a sequence is done, before the next begins. */
  readonly onSequence?: (sequenceIndex: number, features: SequenceFeatures) => void | Promise<void>;
}

/** Keys and values of the first `length` tokens, by input name. */
interface Cache {
  readonly length: number;
  readonly tensors: Readonly<Record<string, BackendTensor>>;
}

interface LoadedStage {
  readonly session: StageSession;
  readonly layers: readonly number[];
}

const defaultChunkTokens = 256;
/** Rotary tables are made for at least this many positions, then for the next power of two. */
const leastRotaryPositions = 512;

export class Backbone {
  readonly #backend: Backend;
  readonly #architecture: Architecture;
  readonly #embedding: EmbeddingRows;
  readonly #stages: readonly LoadedStage[];
  readonly #chunkTokens: number;
  #rotary: RotaryTables | undefined;

  private constructor(
    backend: Backend,
    architecture: Architecture,
    embedding: EmbeddingRows,
    stages: readonly LoadedStage[],
    chunkTokens: number,
  ) {
    this.#backend = backend;
    this.#architecture = architecture;
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
        const layers = Array.from({ length: stage.endLayer - stage.firstLayer }, (_, i) => stage.firstLayer + i);
        loaded.push({ session, layers });
        options.onSession?.(loaded.length, stages.length);
      }
    } catch (error) {
      for (const { session } of loaded) await session.release();
      throw error;
    }
    return new Backbone(backend, architecture, embedding, loaded, options.chunkTokens ?? defaultChunkTokens);
  }

  /**
   * Hidden states after the final norm at the wanted rows of every sequence. The longest common start of all sequences is
   * computed once, the rest of each over that cache.
   * @returns one entry per sequence, in order. @throws RangeError for an empty sequence, a row outside it or too many tokens;
   * the signal's reason on abort; what the backend throws.
   */
  async features(sequences: readonly Sequence[], options: FeaturesOptions = {}): Promise<SequenceFeatures[]> {
    for (const sequence of sequences) this.#check(sequence);
    const shared = sharedPrefixLength(sequences);
    const totalTokens = sequences.reduce((sum, { tokenIds }) => sum + tokenIds.length - shared, shared);
    let doneTokens = 0;
    const first = sequences[0];
    if (first === undefined) return [];

    const results: SequenceFeatures[] = [];
    let prefix: Cache = { length: 0, tensors: {} };
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
        if (own.cache !== prefix) release(own.cache);
        const features = rows.map((row) => (row < shared ? computed : own).rows.get(row) ?? new Float32Array());
        const now = performance.now();
        const result = { features, reusedTokens: index === 0 ? 0 : shared, elapsedMs: now - start };
        start = now;
        results.push(result);
        await options.onSequence?.(index, result);
      }
    } finally {
      release(prefix);
    }
    return results;
  }

  async dispose(): Promise<void> {
    for (const { session } of this.#stages) await session.release();
  }

  #check({ tokenIds, rows }: Sequence): void {
    const { maxPositions } = this.#architecture;
    if (tokenIds.length === 0) throw new RangeError('a sequence holds no tokens');
    if (tokenIds.length > maxPositions) {
      throw new RangeError(`a sequence holds ${tokenIds.length} tokens, the model has ${maxPositions} positions`);
    }
    const outside = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= tokenIds.length);
    if (outside !== undefined)
      throw new RangeError(`row ${outside} is outside a sequence of ${tokenIds.length} tokens`);
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
      for (let offset = 0; offset < tokenIds.length; offset += chunkTokens) {
        signal?.throwIfAborted();
        const chunk = tokenIds.subarray(offset, offset + chunkTokens);
        const next = await this.#chunk(cache, chunk, rows, found, signal);
        if (cache !== start) release(cache);
        cache = next;
        onChunk(chunk.length);
      }
    } catch (error) {
      if (cache !== start) release(cache);
      throw error;
    }
    return { cache, rows: found };
  }

  /** One chunk through all stages. */
  async #chunk(
    cache: Cache,
    tokenIds: Int32Array,
    rows: readonly number[],
    found: Map<number, Float32Array>,
    signal: AbortSignal | undefined,
  ): Promise<Cache> {
    const { hiddenSize, keyValueHeads, headDim } = this.#architecture;
    const total = cache.length + tokenIds.length;
    const rotary = this.#rotaryFor(total);
    const backend = this.#backend;
    const wanted = [...new Set(rows)].filter((row) => row >= cache.length && row < total);
    const made: BackendTensor[] = [];
    const make: Backend['tensor'] = (type, data, dims) => {
      const tensor = backend.tensor(type, data, dims);
      made.push(tensor);
      return tensor;
    };
    const present: Record<string, BackendTensor> = {};
    let hidden: BackendTensor | undefined;
    try {
      hidden = make('float32', await this.#embedding.lookup(tokenIds, signal), [1, tokenIds.length, hiddenSize]);
      const common = {
        cos: make('float32', rotary.cos, [rotary.positions, headDim / 2]),
        sin: make('float32', rotary.sin, [rotary.positions, headDim / 2]),
        seqlens_k: make('int32', Int32Array.of(total - 1), [1]),
        total_sequence_length: make('int32', Int32Array.of(total), []),
      };
      const empty =
        cache.length === 0 ? make('float32', new Float32Array(), [1, keyValueHeads, 0, headDim]) : undefined;
      // The graph wants at least one row; a chunk without a wanted one gives its last, which nobody reads.
      const gathered = wanted.length === 0 ? [total - 1] : wanted;

      for (const [index, { session, layers }] of this.#stages.entries()) {
        await untilMessagesAreIn(signal);
        const inputs: Record<string, BackendTensor> = { ...common, hidden };
        for (const name of layers.flatMap((layer) => [`key.${layer}`, `value.${layer}`])) {
          const past = cache.tensors[name] ?? empty;
          if (past === undefined) throw new Error(`no cached ${name}`);
          inputs[`past_${name}`] = past;
        }
        const isLast = index === this.#stages.length - 1;
        if (isLast) {
          const rowsInChunk = BigInt64Array.from(gathered, (row) => BigInt(row - cache.length));
          inputs['rows'] = make('int64', rowsInChunk, [gathered.length]);
        }
        const outputs = await session.run(inputs, isLast ? ['features'] : []);
        for (const [name, tensor] of Object.entries(outputs)) {
          if (name.startsWith('present_')) present[name.slice('present_'.length)] = tensor;
          else made.push(tensor);
        }
        if (isLast) {
          const data = outputs['features']?.data;
          if (!(data instanceof Float32Array) || data.length !== gathered.length * hiddenSize) {
            throw new Error(`the last stage gave no f32 features of ${gathered.length} rows`);
          }
          for (const [i, row] of wanted.entries()) found.set(row, data.slice(i * hiddenSize, (i + 1) * hiddenSize));
        } else {
          hidden.dispose();
          hidden = outputs['hidden_out'];
          if (hidden === undefined) throw new Error(`stage ${index} gave no hidden_out`);
        }
      }
    } catch (error) {
      for (const tensor of Object.values(present)) tensor.dispose();
      throw error;
    } finally {
      for (const tensor of made) tensor.dispose();
    }
    return { length: total, tensors: present };
  }

  #rotaryFor(positions: number): RotaryTables {
    if (this.#rotary === undefined || this.#rotary.positions < positions) {
      const { rope, headDim, maxPositions } = this.#architecture;
      const rounded = Math.max(leastRotaryPositions, 2 ** Math.ceil(Math.log2(positions)));
      this.#rotary = rotaryTables(rope, headDim, Math.max(positions, Math.min(rounded, maxPositions)));
    }
    return this.#rotary;
  }
}

function release(cache: Cache): void {
  for (const tensor of Object.values(cache.tensors)) tensor.dispose();
}

/** Tokens that all sequences share at their start. */
function sharedPrefixLength(sequences: readonly Sequence[]): number {
  const [first, ...others] = sequences;
  if (first === undefined) return 0;
  return others.reduce(
    (length, { tokenIds }) => Math.min(length, commonPrefixLength(first.tokenIds, tokenIds)),
    first.tokenIds.length,
  );
}

/**
 * Throws when `signal` is aborted, after letting a worker's waiting messages in: wasm computes without ever returning to the
 * event loop, and awaiting its result does not either, so an abort would otherwise be heard when everything is done.
 */
async function untilMessagesAreIn(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return;
  await new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
  signal.throwIfAborted();
}
