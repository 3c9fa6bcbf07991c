/**
 * A Blob whose streams cannot stall. ONNX Runtime (JSPI build) mounts weights as Blobs and reads each tensor by
 * `slice(begin, end).stream()`, hundreds of times a load. In Chromium 156 the first read of such a stream now and then never settles
 * in a worker: the session is then never made, without an error (3 of 60 loads of 20 layers hung, the pending read seen in place; 0
 * of 80 with this). Here every stream reads its bytes synchronously where the scope allows it, and by `arrayBuffer` elsewhere;
 * neither uses Chromium's stream of a Blob.
 */

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

  /** A byte stream; a reader's own buffer is filled as far as it goes. Errors of reading (a file that changed) reach the reader. */
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const blob = this.#blob;
    let offset = 0;
    return new ReadableStream({
      type: 'bytes',
      async pull(controller) {
        const request = controller.byobRequest;
        if (offset >= blob.size) {
          controller.close();
          // A pending request of a closed stream must still be answered, with nothing.
          request?.respond(0);
          return;
        }
        const view = request?.view;
        const piece = blob.slice(offset, offset + (view?.byteLength ?? pieceBytes));
        const bytes = new Uint8Array(readSync === undefined ? await piece.arrayBuffer() : readSync(piece));
        offset += bytes.length;
        if (request === null || request === undefined || view === null || view === undefined) {
          controller.enqueue(bytes);
          return;
        }
        new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytes);
        request.respond(bytes.length);
      },
    });
  }
}
