/**
 * A Blob whose streams cannot stall. ONNX Runtime (JSPI build) mounts weights as Blobs and reads each tensor by
 * `slice(begin, end).stream()`, hundreds of times a load. In Chromium 156 the first read of such a stream now and then never settles
 * in a worker: the session is then never made, without an error (3 of 60 loads of 20 layers hung, the pending read seen in place; 0
 * of 80 with this). Here every stream reads its bytes synchronously where the scope allows it, and by `arrayBuffer` elsewhere;
 * neither uses Chromium's stream of a Blob.
 */
import { freeBuffer } from '@/base/free-buffer.ts';
import type { ByteSource } from '@/formats/byte-source.ts';

/** Bytes held at once for a reader that brings no buffer. The readers of ONNX Runtime bring 1 MiB. */
const pieceBytes = 1024 * 1024;

/** Only workers have it, and the type library of pages does not know it. */
declare const FileReaderSync: (new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer }) | undefined;

/** Absent outside workers. */
const readSync: ((blob: Blob) => ArrayBuffer) | undefined =
  typeof FileReaderSync === 'undefined' ? undefined : (blob) => new FileReaderSync().readAsArrayBuffer(blob);

/** The bytes of `blob`, not copied. Slices are steady too. */
export class SteadyBlob extends Blob {
  readonly #blob: Blob;

  constructor(blob: Blob) {
    // Refers to the same data: a Blob of a Blob costs nothing.
    super([blob], { type: blob.type });
    this.#blob = blob;
  }

  override slice(begin?: number, end?: number, type?: string): SteadyBlob {
    return new SteadyBlob(this.#blob.slice(begin, end, type));
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const blob = this.#blob;
    return steadyStream(blob.size, false, (offset, length) => {
      const piece = blob.slice(offset, offset + length);
      return readSync === undefined ? piece.arrayBuffer() : readSync(piece);
    });
  }
}

/** Bytes that are computed when they are read, as a Blob. */
export class SourceBlob extends Blob {
  readonly #source: ByteSource;
  readonly #begin: number;
  readonly #end: number;

  constructor(source: ByteSource, begin = 0, end = source.size) {
    super();
    this.#source = source;
    this.#begin = begin;
    this.#end = end;
  }

  override get size(): number {
    return this.#end - this.#begin;
  }

  override slice(begin = 0, end = this.size): SourceBlob {
    const place = (at: number): number => this.#begin + Math.min(Math.max(at < 0 ? this.size + at : at, 0), this.size);
    return new SourceBlob(this.#source, place(begin), Math.max(place(begin), place(end)));
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.#source.read(this.#begin, this.size)).buffer;
  }

  override async text(): Promise<string> {
    return new TextDecoder().decode(await this.arrayBuffer());
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return steadyStream(this.size, true, async (offset, length) => {
      const { buffer } = await this.#source.read(this.#begin + offset, length);
      return buffer;
    });
  }
}

/**
 * A byte stream; a reader's own buffer is filled as far as it goes. Errors of reading (a file that changed) reach the reader.
 * @param read gives a buffer of its own, of this length or shorter by what is not there.
 * @param ours a script made those buffers (see `freeBuffer`).
 */
function steadyStream(
  size: number,
  ours: boolean,
  read: (offset: number, length: number) => ArrayBuffer | Promise<ArrayBuffer>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let offset = 0;
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const request = controller.byobRequest;
      if (offset >= size) {
        controller.close();
        // A pending request of a closed stream must still be answered, with nothing.
        request?.respond(0);
        return;
      }
      const view = request?.view;
      const bytes = new Uint8Array(await read(offset, Math.min(view?.byteLength ?? pieceBytes, size - offset)));
      offset += bytes.length;
      if (request === null || request === undefined || view === null || view === undefined) {
        controller.enqueue(bytes);
        return;
      }
      new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytes);
      const { length } = bytes;
      if (ours) freeBuffer(bytes.buffer);
      request.respond(length);
    },
  });
}
