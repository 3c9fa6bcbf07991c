/**
 * A file as ONNX Runtime Web is given it for the external data of a graph, read or computed a tensor at a time.
 *
 * Given Blobs instead, the asyncify build would read each whole and leave it to the garbage collector (for stages of 0.55 GB of weights
 * 1.6 GB above an idle page), and the JSPI build would read every tensor by `slice(begin, end).stream()`, in pieces of 1 MiB, at a third
 * of the speed; the first read of such a stream in a worker of Chromium 156 now and then never settles (3 of 60 loads of 20 layers hung,
 * the pending read seen in place).
 */
import { freeBuffer } from '@/base/free-buffer.ts';

/** A source that can be read at once. */
export interface SyncSource {
  readonly size: number;
  readSync(this: void, offset: number, length: number): Uint8Array<ArrayBuffer>;
}

/**
 * The bytes of a source as far as ONNX Runtime asks: how many there are, and `subarray` for each tensor, whose bytes it has copied before
 * it asks for the next. Nothing else of a `Uint8Array` works: it holds no bytes of its own.
 */
export class LazyBytes extends Uint8Array<ArrayBuffer> {
  readonly #source: SyncSource;
  readonly #computed: boolean;
  #last: ArrayBuffer | undefined;
  #problem: Error | undefined;

  /** @param computed the source makes a buffer for every read: it is given back before the next (see `freeBuffer`). */
  constructor(source: SyncSource, computed: boolean) {
    super(new ArrayBuffer(0));
    this.#source = source;
    this.#computed = computed;
    // An accessor of the class would clash with what the type library declares as a property.
    Object.defineProperty(this, 'byteLength', { value: source.size });
  }

  /** Why the first tensor that could not be read was not: ONNX Runtime does not hand the error on. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  /** Bytes `[begin, end)`, good until the next call. */
  override subarray(begin = 0, end = this.#source.size): Uint8Array<ArrayBuffer> {
    this.free();
    try {
      const bytes = this.#source.readSync(begin, end - begin);
      if (this.#computed) this.#last = bytes.buffer;
      return bytes;
    } catch (error) {
      this.#problem ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  /** Gives the memory of the last tensor back. */
  free(): void {
    if (this.#last !== undefined) freeBuffer(this.#last);
    this.#last = undefined;
  }
}
