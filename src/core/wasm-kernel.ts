/**
 * `RowKernel` in f32 on WebAssembly SIMD, in one linear memory that helper threads share. The rows of a product are dealt out in
 * fixed shares, so the same number of threads gives the same bits; each sum is made by one thread in one order, so in fact any number
 * does.
 *
 * Blocks atomically waiting threads: on a page it belongs in a worker.
 */
import { assert } from '@/base/assert.ts';
import type { RowKernel, RowRange } from './row-products.ts';
import { compileRowProducts } from './wasm-row-products.ts';

/** What a helper thread is started with. */
export interface HelperData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** 1 … count − 1; 0 is the thread that owns the kernel. */
  readonly index: number;
  readonly count: number;
}

/** Starts a thread that runs `serve(data)` of `helperSource`; resolves when it runs, rejects when it cannot. */
export type StartHelper = (data: HelperData) => Promise<{ terminate(): void }>;

/**
 * Control words at the front of the memory: 0 generation, 1 end, 2 helpers at work, 4 … 11 the product (addresses,
 * strides and lengths in bytes: C, its stride, A, its stride, B, its stride, k in whole vectors, k), 12 rows, 13 columns.
 */
const controlWords = 16;
const firstFree = 64;
const pageBytes = 65_536;
const mostPages = 65_536;

/** A product smaller than this is not worth waking anybody for (multiply-adds). */
const sharedWork = 2_000_000;
/** Entries of a row in one pass and columns in one block: six rows stay in the first cache, a block of B in the second. */
const passLength = 1024;
const blockColumns = 64;

/**
 * The helper's program. As text, because it must run in a page's worker and in Node's without a file of its own in either build.
 * The share of rows is that of `WasmKernel.share`. A product given before the helper got here is found by its generation.
 */
export const helperSource = `function serve({ module, memory, index, count }) {
  const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  const control = new Int32Array(memory.buffer, 0, ${controlWords});
  let seen = 0;
  for (;;) {
    Atomics.wait(control, 0, seen);
    const now = Atomics.load(control, 0);
    if (now === seen) continue;
    seen = now;
    if (control[1] !== 0) return;
    const [c, strideC, a, strideA, b, strideB, whole, end, rows, columns] = control.subarray(4, 14);
    const share = 4 * Math.ceil(rows / count / 4);
    const from = Math.min(rows, index * share);
    const to = Math.min(rows, from + share);
    if (to > from) run(c + from * strideC, strideC, a + from * strideA, strideA, b, strideB, whole, end, to - from, columns);
    if (Atomics.sub(control, 2, 1) === 1) Atomics.notify(control, 2);
  }
}`;

type Run = (...parameters: number[]) => void;

export class WasmKernel implements RowKernel<Float32Array> {
  /** Threads at work, this one included. */
  readonly threads: number;
  /** Whether multiplications and additions are fused. */
  readonly fused: boolean;
  private readonly memory: WebAssembly.Memory;
  private readonly control: Int32Array;
  private readonly run: Run;
  private readonly helpers: readonly { terminate(): void }[];
  private next = firstFree;

  private constructor(
    memory: WebAssembly.Memory,
    instance: WebAssembly.Instance,
    fused: boolean,
    helpers: readonly { terminate(): void }[],
  ) {
    const { run } = instance.exports;
    assert(typeof run === 'function', 'the kernel exports no function');
    this.run = (...parameters) => void Reflect.apply(run, undefined, parameters);
    this.memory = memory;
    this.control = new Int32Array(memory.buffer, 0, controlWords);
    this.fused = fused;
    this.helpers = helpers;
    this.threads = helpers.length + 1;
  }

  /**
   * @param bytes all that will ever be allocated (`countBytes`); at most 4 GiB.
   * @param threads wanted; without `startHelper` or shared memory there is one.
   */
  static async create(bytes: number, threads = 1, startHelper?: StartHelper): Promise<WasmKernel> {
    const pages = Math.ceil((firstFree + bytes) / pageBytes);
    assert(pages <= mostPages, () => `the training run needs ${Math.round(bytes / 1e6)} MB, wasm offers 4,295`);
    const starter = typeof SharedArrayBuffer === 'undefined' ? undefined : startHelper;
    const sharing = threads > 1 && starter !== undefined;
    const memory = new WebAssembly.Memory(
      sharing ? { initial: pages, maximum: mostPages, shared: true } : { initial: pages },
    );
    const { module, fused } = compileRowProducts(sharing);
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    const indices = Array.from({ length: threads - 1 }, (_, i) => i + 1);
    const helpers = sharing
      ? await Promise.all(indices.map((index) => starter({ module, memory, index, count: threads })))
      : [];
    return new WasmKernel(memory, instance, fused, helpers);
  }

  allocate(length: number): Float32Array {
    const values = new Float32Array(this.memory.buffer, this.next, length);
    // Vectors are read from any address, but aligned ones do not cross a line of the cache.
    this.next += Math.ceil((4 * length) / firstFree) * firstFree;
    return values;
  }

  addRowProducts(
    target: Float32Array,
    targetStride: number,
    left: RowRange<Float32Array>,
    right: RowRange<Float32Array>,
    length: number,
  ): void {
    const rows = left.end - left.start;
    const place = ({ values, stride, start }: RowRange<Float32Array>) => values.byteOffset + 4 * start * stride;
    const [a, b] = [place(left), place(right)];
    const c = target.byteOffset + 4 * (left.start * targetStride + right.start);
    const columns = right.end - right.start;
    for (let from = 0; from < length; from += passLength) {
      const part = Math.min(passLength, length - from);
      for (let column = 0; column < columns; column += blockColumns) {
        const width = Math.min(blockColumns, columns - column);
        const job = [
          c + 4 * column,
          4 * targetStride,
          a + 4 * from,
          4 * left.stride,
          b + 4 * (column * right.stride + from),
          4 * right.stride,
          16 * Math.floor(part / 4),
          4 * part,
          rows,
          width,
        ];
        if (this.helpers.length === 0 || rows * width * part < sharedWork) this.run(...job);
        else this.share(job);
      }
    }
  }

  /** Ends the helpers; the arrays stay readable. */
  dispose(): void {
    this.control[1] = 1;
    Atomics.add(this.control, 0, 1);
    if (this.helpers.length > 0) Atomics.notify(this.control, 0);
    for (const helper of this.helpers) helper.terminate();
  }

  private share(job: readonly number[]): void {
    const { control } = this;
    control.set(job, 4);
    Atomics.store(control, 2, this.helpers.length);
    Atomics.add(control, 0, 1);
    Atomics.notify(control, 0);
    const [c = 0, strideC = 0, a = 0, strideA = 0, b = 0, strideB = 0, whole = 0, end = 0, rows = 0, columns = 0] = job;
    const own = Math.min(rows, 4 * Math.ceil(rows / this.threads / 4));
    this.run(c, strideC, a, strideA, b, strideB, whole, end, own, columns);
    for (;;) {
      const working = Atomics.load(control, 2);
      if (working === 0) return;
      Atomics.wait(control, 2, working);
    }
  }
}

/** Bytes that `use` allocates, without allocating them. */
export function countBytes(use: (kernel: RowKernel<Float32Array>) => void): number {
  let bytes = 0;
  use({
    allocate(length) {
      bytes += Math.ceil((4 * length) / firstFree) * firstFree;
      return new Float32Array(0);
    },
    addRowProducts: () => undefined,
  });
  return bytes;
}
