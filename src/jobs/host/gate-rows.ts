/**
 * Where the gate's rows are kept while the CPU trains: in memory in the width they were stored in, or in their files, from which a
 * batch is gathered row by row. Either way no wider copy of them all is made.
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

/** Reads in flight at once: enough to hide the latency of a disk, few enough to hold no memory worth naming. */
const parallelReads = 16;

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
      for (let start = 0; start < rows.length; start += parallelReads) {
        const batch = Array.from({ length: Math.min(parallelReads, rows.length - start) }, (_, i) => start + i);
        await Promise.all(
          batch.map(async (i) => {
            const { features, row } = shards.locate(rows[i]!);
            const values = await features.readPromptEmbeddings(row, 1);
            target.set(values.subarray(0, d), i * d);
          }),
        );
      }
    },
  };
}
