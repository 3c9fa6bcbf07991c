/**
 * A Blob made of bytes as they arrive. Whatever has been gathered goes into a Blob a piece at a time, which the browser keeps outside of
 * the page's process and on the disk when it is much; as one array of pieces a whole file would lie in the page's memory until its end.
 */

/** Bytes that wait in the page's memory. */
export const GATHERED_BYTES = 8 * 1024 * 1024;

export class GatheredBlob {
  readonly #pieces: Blob[] = [];
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #waitingBytes = 0;

  /** @param bytes copied before more than `GATHERED_BYTES` wait, so not to be changed. */
  add(bytes: Uint8Array<ArrayBuffer>): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= GATHERED_BYTES) this.#store();
  }

  /** Everything so far. */
  blob(): Blob {
    this.#store();
    // A Blob of Blobs refers to their bytes.
    return new Blob(this.#pieces);
  }

  #store(): void {
    if (this.#waiting.length === 0) return;
    this.#pieces.push(new Blob(this.#waiting));
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
