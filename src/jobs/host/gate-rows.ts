/**
 * Where the gate's rows are kept while the CPU trains: small sets in memory in the width they were stored in, larger ones in their
 * files, from which a batch is gathered. Either way no wider copy of them all is made.
 */
import { bf16ToF32, f16ToF32 } from '@/base/half.ts';
import type { GateRows } from '@/core/gate-trainer-backend.ts';
import type { PromptChunk } from '@/formats/preference-pairs.ts';
import type { Stage2Shards } from '@/formats/feature-shards.ts';

/** Rows in memory: 16-bit where every shard is of that one dtype, f32 otherwise. */
export class MemoryGateRows implements GateRows {
  readonly count: number;
  readonly featureSize: number;
  private readonly halves: Uint16Array | undefined;
  private readonly dtype: 'BF16' | 'F16' | undefined;
  private readonly floats: Float32Array;

  /** Bytes that `shards` will take. */
  static bytes(shards: Stage2Shards): number {
    return shards.rows * shards.hiddenSize * (halfDtype(shards) === undefined ? 4 : 2);
  }

  constructor(shards: Stage2Shards) {
    this.count = shards.rows;
    this.featureSize = shards.hiddenSize;
    const dtype = halfDtype(shards);
    const length = this.count * this.featureSize;
    this.halves = dtype === undefined ? undefined : new Uint16Array(length);
    this.floats = new Float32Array(dtype === undefined ? length : 0);
    this.dtype = dtype;
  }

  /** Keeps a chunk at its place. */
  add({ first, values, bytes }: PromptChunk): void {
    const at = first * this.featureSize;
    if (this.halves === undefined) this.floats.set(values, at);
    else this.halves.set(new Uint16Array(bytes.slice().buffer), at);
  }

  get stored(): 'bf16' | 'f32' {
    return this.dtype === 'BF16' ? 'bf16' : 'f32';
  }

  readStored(first: number, count: number): Uint16Array | Float32Array {
    const [begin, end] = [first * this.featureSize, (first + count) * this.featureSize];
    if (this.halves === undefined) return this.floats.subarray(begin, end);
    const halves = this.halves.subarray(begin, end);
    return this.dtype === 'BF16' ? halves : f16ToF32(halves);
  }

  gather(rows: ArrayLike<number>, target: Float32Array<ArrayBuffer>): void {
    const d = this.featureSize;
    for (let i = 0; i < rows.length; i++) {
      const begin = rows[i]! * d;
      if (this.halves === undefined) target.set(this.floats.subarray(begin, begin + d), i * d);
      else {
        const widen = this.dtype === 'F16' ? f16ToF32 : bf16ToF32;
        widen(this.halves.subarray(begin, begin + d), target.subarray(i * d, (i + 1) * d));
      }
    }
  }
}

function halfDtype(shards: Stage2Shards): 'BF16' | 'F16' | undefined {
  const dtypes = new Set(shards.files.map(({ features }) => features.promptDtype));
  const [dtype] = dtypes;
  return dtypes.size === 1 && (dtype === 'BF16' || dtype === 'F16') ? dtype : undefined;
}

/** Rows up to this many bytes are kept in memory, where small sets are trained on fastest; larger ones stay in their files. */
export const keptRowBytes = 2 ** 28;

/** Reads in flight at once: enough to hide the latency of a disk, few enough to hold no memory worth naming. */
const parallelReads = 16;
/** Rows that follow one another in a file are read together, up to this many bytes of f32. */
const longestRead = 2 ** 20;

/** Rows that stay in their files. */
export function fileGateRows(shards: Stage2Shards): GateRows {
  const d = shards.hiddenSize;
  const stored = halfDtype(shards) === 'BF16' ? 'bf16' : 'f32';
  return {
    count: shards.rows,
    featureSize: d,
    stored,
    async readStored(first, count) {
      const all = stored === 'bf16' ? new Uint16Array(count * d) : new Float32Array(count * d);
      for (let done = 0; done < count;) {
        const { features, row } = shards.locate(first + done);
        const rows = Math.min(count - done, features.pairs - row);
        const values =
          stored === 'bf16'
            ? new Uint16Array((await features.readPromptBytes(row, rows)).slice().buffer)
            : await features.readPromptEmbeddings(row, rows);
        // Chosen's row of each pair, where both are there.
        const stride = features.promptRows * d;
        for (let i = 0; i < rows; i++) all.set(values.subarray(i * stride, i * stride + d), (done + i) * d);
        done += rows;
      }
      return all;
    },
    async gather(rows, target) {
      const mostRows = Math.max(1, Math.floor(longestRead / (4 * d)));
      const runs = consecutiveRuns(rows, mostRows);
      for (let start = 0; start < runs.length; start += parallelReads)
        await Promise.all(runs.slice(start, start + parallelReads).map((run) => readRun(shards, run, target)));
    },
  };
}

interface RowRun {
  /** Place of its first row in what was asked for. */
  readonly at: number;
  readonly first: number;
  readonly count: number;
}

/** `rows` as runs of rows that follow one another, none longer than `most`. */
function consecutiveRuns(rows: ArrayLike<number>, most: number): RowRun[] {
  const runs: { at: number; first: number; count: number }[] = [];
  for (let i = 0; i < rows.length; i++) {
    const last = runs.at(-1);
    if (last !== undefined && last.count < most && rows[i] === last.first + last.count) last.count++;
    else runs.push({ at: i, first: rows[i]!, count: 1 });
  }
  return runs;
}

/** Chosen's row of each pair of a run, which may cross shards, to its place in `target`. */
async function readRun(shards: Stage2Shards, { at, first, count }: RowRun, target: Float32Array): Promise<void> {
  const d = shards.hiddenSize;
  for (let done = 0; done < count;) {
    const { features, row } = shards.locate(first + done);
    const rows = Math.min(count - done, features.pairs - row);
    const values = await features.readPromptEmbeddings(row, rows);
    const stride = features.promptRows * d;
    for (let i = 0; i < rows; i++) target.set(values.subarray(i * stride, i * stride + d), (at + done + i) * d);
    done += rows;
  }
}
