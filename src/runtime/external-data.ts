/**
 * A file as ONNX Runtime Web is given it for the external data of a graph, read or computed a tensor at a time.
 *
 * Given Blobs instead, the asyncify build would read each whole and leave it to the garbage collector (for stages of 0.55 GB of weights
 * 1.6 GB above an idle page), and the JSPI build would read every tensor by `slice(begin, end).stream()`, in pieces of 1 MiB, at a third
 * of the speed; the first read of such a stream in a worker of Chromium 156 now and then never settles (3 of 60 loads of 20 layers hung,
 * the pending read seen in place).
 */
import { Room } from '@/base/room.ts';
import type { OpenBytes } from '@/formats/byte-source.ts';

/**
 * The bytes of an open file as far as ONNX Runtime asks: how many there are, and `subarray` for each tensor, whose bytes it has copied
 * before it asks for the next. Nothing else of a `Uint8Array` works: it holds no bytes of its own.
 */
export class LazyBytes extends Uint8Array<ArrayBuffer> {
  readonly #size: number;
  readonly #file: OpenBytes;
  readonly #room = new Room();
  #problem: Error | undefined;

  /** @param size bytes of the file. @param file closed with this. */
  constructor(size: number, file: OpenBytes) {
    super(new ArrayBuffer(0));
    this.#size = size;
    this.#file = file;
    // An accessor of the class would clash with what the type library declares as a property.
    Object.defineProperty(this, 'byteLength', { value: size });
  }

  /** Why the first tensor that could not be read was not: ONNX Runtime does not hand the error on. */
  get problem(): Error | undefined {
    return this.#problem;
  }

  /** Bytes `[begin, end)`, good until the next call. */
  override subarray(begin = 0, end = this.#size): Uint8Array<ArrayBuffer> {
    try {
      return this.#file.read(begin, end - begin, this.#room);
    } catch (error) {
      this.#problem ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  /** Closes the file and gives the memory of the last tensor back. */
  close(): void {
    this.#file.close();
    this.#room.free();
  }
}
