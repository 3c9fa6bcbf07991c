/**
 * One chunk of one sequence through one stage: what the resident and the streamed backbone both do, so that their numbers are equal
 * to the last bit.
 *
 * Invariant: every device tensor made here is disposed here or handed to the caller, also on failure.
 */
import { nextTask } from '@/base/next-task.ts';
import type { Architecture } from '@/formats/manifest.ts';
import type { Backend, BackendTensor, StageSession } from './backend.ts';
import { rotaryTables } from '@/core/rope.ts';
import type { RotaryTables } from '@/core/rope.ts';

export interface LoadedStage {
  readonly session: StageSession;
  readonly layers: readonly number[];
}

/** Keys and values of the first `length` tokens, by input name; of all stages or of one. */
export interface Cache {
  readonly length: number;
  readonly tensors: Readonly<Record<string, BackendTensor>>;
}

export const emptyCache: Cache = { length: 0, tensors: {} };

/** Where a chunk stands in its sequence. */
export interface Chunk {
  /** Tokens before it. */
  readonly start: number;
  readonly length: number;
  /** Rows of the sequence that are wanted and lie in this chunk, without repeats. */
  readonly wanted: readonly number[];
}

export interface ChunkTensors {
  /** Inputs that every stage takes for this chunk. */
  readonly common: Readonly<Record<string, BackendTensor>>;
  /** Stands for the cache of a first chunk. */
  readonly empty: BackendTensor | undefined;
  dispose(): void;
}

export interface StageResult {
  /** Keys and values after this chunk, of this stage's layers, by cache name. */
  readonly present: Readonly<Record<string, BackendTensor>>;
  /** Hidden states for the next stage; absent after the last. */
  readonly hidden: BackendTensor | undefined;
  /** f32 [d] by wanted row; empty before the last stage. */
  readonly rows: ReadonlyMap<number, Float32Array>;
}

/** Rotary tables are made for at least this many positions, then for the next power of two. */
const leastRotaryPositions = 512;

export function layersOf({
  firstLayer,
  endLayer,
}: {
  readonly firstLayer: number;
  readonly endLayer: number;
}): number[] {
  return Array.from({ length: endLayer - firstLayer }, (_, i) => firstLayer + i);
}

export class StagePass {
  readonly backend: Backend;
  readonly architecture: Architecture;
  #rotary: RotaryTables | undefined;

  constructor(backend: Backend, architecture: Architecture) {
    this.backend = backend;
    this.architecture = architecture;
  }

  /** Inputs of one chunk; the caller disposes them when the chunk went through its stages. */
  chunkTensors({ start, length }: Chunk): ChunkTensors {
    const { headDim, keyValueHeads } = this.architecture;
    const total = start + length;
    const rotary = this.#rotaryFor(total);
    const made: BackendTensor[] = [];
    const make: Backend['tensor'] = (...of) => {
      const tensor = this.backend.tensor(...of);
      made.push(tensor);
      return tensor;
    };
    return {
      common: {
        cos: make('float32', rotary.cos, [rotary.positions, headDim / 2]),
        sin: make('float32', rotary.sin, [rotary.positions, headDim / 2]),
        seqlens_k: make('int32', Int32Array.of(total - 1), [1]),
        total_sequence_length: make('int32', Int32Array.of(total), []),
      },
      empty: start === 0 ? make('float32', new Float32Array(), [1, keyValueHeads, 0, headDim]) : undefined,
      dispose() {
        for (const tensor of made) tensor.dispose();
      },
    };
  }

  /** @param hidden is kept. @param hiddenToCpu bring the hidden states back where a later stage takes them from the CPU. */
  async run(
    { session, layers }: LoadedStage,
    isLast: boolean,
    { common, empty }: ChunkTensors,
    chunk: Chunk,
    past: Cache,
    hidden: BackendTensor,
    hiddenToCpu = false,
  ): Promise<StageResult> {
    const inputs: Record<string, BackendTensor> = { ...common, hidden };
    for (const name of layers.flatMap((layer) => [`key.${layer}`, `value.${layer}`])) {
      const cached = past.tensors[name] ?? empty;
      if (cached === undefined) throw new Error(`no cached ${name}`);
      inputs[`past_${name}`] = cached;
    }
    // The graph wants at least one row; a chunk without a wanted one gives its last, which nobody reads.
    const gathered = chunk.wanted.length === 0 ? [chunk.start + chunk.length - 1] : chunk.wanted;
    const made: BackendTensor[] = [];
    const present: Record<string, BackendTensor> = {};
    let next: BackendTensor | undefined;
    try {
      if (isLast) {
        const rows = this.backend.tensor(
          'int64',
          BigInt64Array.from(gathered, (row) => BigInt(row - chunk.start)),
          [gathered.length],
        );
        made.push(rows);
        inputs['rows'] = rows;
      }
      const outputs = await session.run(inputs, isLast ? ['features'] : hiddenToCpu ? ['hidden_out'] : []);
      for (const [name, tensor] of Object.entries(outputs)) {
        if (name.startsWith('present_')) present[name.slice('present_'.length)] = tensor;
        else if (name === 'hidden_out') next = tensor;
        else made.push(tensor);
      }
      if (!isLast && next === undefined) throw new Error(`the stage from layer ${layers[0]} gave no hidden_out`);
      return {
        present,
        hidden: next,
        rows: isLast ? this.#rows(outputs['features'], chunk.wanted, gathered.length) : new Map(),
      };
    } catch (error) {
      for (const tensor of Object.values(present)) tensor.dispose();
      next?.dispose();
      throw error;
    } finally {
      for (const tensor of made) tensor.dispose();
    }
  }

  #rows(output: BackendTensor | undefined, wanted: readonly number[], gathered: number): Map<number, Float32Array> {
    const { hiddenSize } = this.architecture;
    const data = output?.data;
    if (!(data instanceof Float32Array) || data.length !== gathered * hiddenSize)
      throw new Error(`the last stage gave no f32 features of ${gathered} rows`);
    return new Map(wanted.map((row, i) => [row, data.slice(i * hiddenSize, (i + 1) * hiddenSize)]));
  }

  #rotaryFor(positions: number): RotaryTables {
    if (this.#rotary === undefined || this.#rotary.positions < positions) {
      const { rope, headDim, maxPositions } = this.architecture;
      const rounded = Math.max(leastRotaryPositions, 2 ** Math.ceil(Math.log2(positions)));
      this.#rotary = rotaryTables(rope, headDim, Math.max(positions, Math.min(rounded, maxPositions)));
    }
    return this.#rotary;
  }
}

export function releaseCache(cache: Cache): void {
  for (const tensor of Object.values(cache.tensors)) tensor.dispose();
}

/** Where `tokens` after `start` are cut, and which of `rows` each part holds. */
export function chunksOf(start: number, tokens: number, chunkTokens: number, rows: readonly number[]): Chunk[] {
  const chunks: Chunk[] = [];
  const end = start + tokens;
  for (let at = start; at < end; at += chunkTokens) {
    const length = Math.min(chunkTokens, end - at);
    chunks.push({ start: at, length, wanted: [...new Set(rows)].filter((row) => row >= at && row < at + length) });
  }
  return chunks;
}

/**
 * Throws when `signal` is aborted, after letting a worker's waiting messages in: wasm computes without ever returning to the
 * event loop, and awaiting its result does not either, so an abort would otherwise be heard when everything is done.
 */
export async function untilMessagesAreIn(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return;
  await nextTask();
  signal.throwIfAborted();
}
