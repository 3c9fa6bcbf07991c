/**
 * The token embedding, looked up outside the graph: `embedding.safetensors` of a package.
 *
 * `weight [V,d]` in F32, F16 or BF16, or `weight` I8 `[V,d]` with `scales` F16 `[V,d/block]` (value = int · scale).
 * A small table stays in memory as stored; of a large one only the rows asked for are read, close ones in one request, and
 * the most recently used are kept. Safe for concurrent look-ups.
 */
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import {
  decodeFloat32,
  isFloatDtype,
  readSafetensorsHeader,
  readTensor,
  readTensorRows,
  requireShape,
  requireTensor,
  tensorWhere,
} from './safetensors.ts';
import type { SafetensorsDtype, SafetensorsHeader } from './safetensors.ts';

/** Tables up to this many bytes are read whole. */
export const RESIDENT_TABLE_BYTES = 96 * 1024 * 1024;
/** Bytes of rows kept of a larger table, per tensor. */
const CACHE_BYTES = 64 * 1024 * 1024;
/** Rows this close are read in one request: a gap costs less than another round trip. */
const COALESCE_GAP_BYTES = 64 * 1024;
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
const PARALLEL_REQUESTS = 4;

export interface EmbeddingShape {
  readonly vocabSize: number;
  readonly hiddenSize: number;
}

/**
 * Opens a table and checks names, shapes and dtypes against the architecture.
 * @param residentBytes tables up to this size are read whole now.
 * @throws FormatError naming the tensor.
 */
export async function openEmbeddingTable(
  source: ByteSource,
  { vocabSize, hiddenSize }: EmbeddingShape,
  { signal, residentBytes = RESIDENT_TABLE_BYTES }: { signal?: AbortSignal; residentBytes?: number } = {},
): Promise<EmbeddingTable> {
  const header = await readSafetensorsHeader(source, signal);
  const { dtype } = requireShape(header, 'weight', [vocabSize, hiddenSize]);
  const names = ['weight'];
  let blockSize = 0;
  if (dtype === 'I8') {
    const scales = requireTensor(header, 'scales');
    const where = tensorWhere(source.name, 'scales');
    const blocks = scales.shape[1] ?? 0;
    if (scales.shape.length !== 2 || scales.shape[0] !== vocabSize || blocks === 0 || hiddenSize % blocks !== 0)
      throw new FormatError(
        'mismatch',
        where,
        `has shape [${scales.shape.join(', ')}] where [${vocabSize}, ${hiddenSize} / block] is expected.`,
      );
    if (scales.dtype !== 'F16')
      throw new FormatError('unsupported', where, `is ${scales.dtype} where F16 is expected.`);
    blockSize = hiddenSize / blocks;
    names.push('scales');
  } else if (!isFloatDtype(dtype) || dtype === 'F64')
    throw new FormatError('unsupported', tensorWhere(source.name, 'weight'), `is ${dtype}, not F32, F16, BF16 or I8.`);
  for (const name of header.tensors.keys())
    if (!names.includes(name))
      throw new FormatError('unsupported', tensorWhere(source.name, name), 'is not part of an embedding table.');
  const resident = source.size <= residentBytes;
  const stores = await Promise.all(
    names.map((name) => (resident ? residentRows(source, header, name, signal) : cachedRows(source, header, name))),
  );
  return new EmbeddingTable(source.name, { vocabSize, hiddenSize }, dtype, blockSize, stores);
}

/** Raw rows of one tensor. */
interface RowStore {
  /** Bytes of every distinct id asked for. */
  rows(ids: readonly number[], signal: AbortSignal | undefined): Promise<(id: number) => Uint8Array<ArrayBuffer>>;
}

/** Look-ups by token id; made by `openEmbeddingTable`. */
export class EmbeddingTable {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  private readonly fileName: string;
  private readonly dtype: SafetensorsDtype;
  private readonly blockSize: number;
  private readonly stores: readonly RowStore[];

  constructor(
    fileName: string,
    { vocabSize, hiddenSize }: EmbeddingShape,
    dtype: SafetensorsDtype,
    blockSize: number,
    stores: readonly RowStore[],
  ) {
    this.fileName = fileName;
    this.vocabSize = vocabSize;
    this.hiddenSize = hiddenSize;
    this.dtype = dtype;
    this.blockSize = blockSize;
    this.stores = stores;
  }

  /**
   * Embedding rows of `ids` [T] as f32 [T, d], row-major, newly allocated.
   * @throws FormatError `mismatch` for an id outside the vocabulary; AbortError on abort.
   */
  async lookup(ids: ArrayLike<number>, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>> {
    const distinct = new Set<number>();
    for (let t = 0; t < ids.length; t++) {
      const id = ids[t]!;
      if (!Number.isInteger(id) || id < 0 || id >= this.vocabSize)
        throw new FormatError(
          'mismatch',
          this.fileName,
          `token ${t} has id ${id}, but the table has ids 0 to ${this.vocabSize - 1}.`,
          'The tokenizer does not fit this model.',
        );
      distinct.add(id);
    }
    const sorted = [...distinct].sort((a, b) => a - b);
    const [weights, scales] = await Promise.all(this.stores.map((store) => store.rows(sorted, signal)));
    const d = this.hiddenSize;
    const result = new Float32Array(ids.length * d);
    const firstAt = new Map<number, number>();
    for (let t = 0; t < ids.length; t++) {
      const id = ids[t]!;
      const earlier = firstAt.get(id);
      if (earlier !== undefined) result.copyWithin(t * d, earlier * d, (earlier + 1) * d);
      else {
        firstAt.set(id, t);
        result.set(this.decode(weights!(id), scales?.(id)), t * d);
      }
    }
    return result;
  }

  private decode(row: Uint8Array<ArrayBuffer>, scaleRow: Uint8Array<ArrayBuffer> | undefined): Float32Array {
    if (scaleRow === undefined) return decodeFloat32(row, this.dtype, tensorWhere(this.fileName, 'weight'));
    const scales = decodeFloat32(scaleRow, 'F16', tensorWhere(this.fileName, 'scales'));
    const values = new Float32Array(this.hiddenSize);
    // The byte read as signed; int · scale is exact in f32 (8 + 11 significant bits).
    for (let i = 0; i < values.length; i++)
      values[i] = ((row[i]! << 24) >> 24) * scales[Math.floor(i / this.blockSize)]!;
    return values;
  }
}

async function residentRows(
  source: ByteSource,
  header: SafetensorsHeader,
  name: string,
  signal: AbortSignal | undefined,
): Promise<RowStore> {
  const bytes = await readTensor(source, header, name, signal);
  const rowBytes = bytes.length / (requireTensor(header, name).shape[0] ?? 1);
  return {
    async rows() {
      return (id) => bytes.subarray(id * rowBytes, (id + 1) * rowBytes);
    },
  };
}

async function cachedRows(source: ByteSource, header: SafetensorsHeader, name: string): Promise<RowStore> {
  return new CachedRows(source, header, name);
}

/** Ranged reads with an LRU cache (a Map keeps insertion order: the first key is the least recently used). */
class CachedRows implements RowStore {
  private readonly cache = new Map<number, Uint8Array<ArrayBuffer>>();
  private readonly source: ByteSource;
  private readonly header: SafetensorsHeader;
  private readonly name: string;
  private readonly rowBytes: number;

  constructor(source: ByteSource, header: SafetensorsHeader, name: string) {
    this.source = source;
    this.header = header;
    this.name = name;
    const tensor = requireTensor(header, name);
    this.rowBytes = (tensor.end - tensor.begin) / (tensor.shape[0] ?? 1);
  }

  async rows(
    ids: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<(id: number) => Uint8Array<ArrayBuffer>> {
    const found = new Map<number, Uint8Array<ArrayBuffer>>();
    const missing: number[] = [];
    for (const id of ids) {
      const row = this.cache.get(id);
      if (row === undefined) missing.push(id);
      else {
        found.set(id, row);
        this.keep(id, row);
      }
    }
    const runs = this.coalesce(missing);
    let next = 0;
    const worker = async () => {
      for (let run = runs[next++]; run !== undefined; run = runs[next++]) {
        const first = run[0]!;
        const count = run.at(-1)! - first + 1;
        const bytes = await readTensorRows(this.source, this.header, this.name, first, count, signal);
        for (const id of run) {
          const begin = (id - first) * this.rowBytes;
          // A copy: a view would keep the whole run alive.
          const row = bytes.slice(begin, begin + this.rowBytes);
          found.set(id, row);
          this.keep(id, row);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_REQUESTS, runs.length) }, worker));
    return (id) => found.get(id)!;
  }

  /** Sorted ids as runs that one request each can read. */
  private coalesce(sorted: readonly number[]): number[][] {
    const runs: number[][] = [];
    for (const id of sorted) {
      const run = runs.at(-1);
      const gap = run === undefined ? Infinity : (id - run.at(-1)! - 1) * this.rowBytes;
      if (run !== undefined && gap <= COALESCE_GAP_BYTES && (id - run[0]! + 1) * this.rowBytes <= MAX_REQUEST_BYTES)
        run.push(id);
      else runs.push([id]);
    }
    return runs;
  }

  private keep(id: number, row: Uint8Array<ArrayBuffer>): void {
    this.cache.delete(id);
    this.cache.set(id, row);
    const limit = Math.max(1, Math.floor(CACHE_BYTES / this.rowBytes));
    for (const oldest of this.cache.keys()) {
      if (this.cache.size <= limit) break;
      this.cache.delete(oldest);
    }
  }
}
