/** Memory for bytes that are needed one after the other: taken again and again instead of being made anew each time. */
import { freeBuffer } from './free-buffer.ts';

export class Room {
  #bytes = new Uint8Array(new ArrayBuffer(0));

  /** `length` bytes with whatever is in them, from the start of a buffer; what was taken before is no longer to be used. */
  take(length: number): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length < length) {
      this.free();
      this.#bytes = new Uint8Array(length);
    }
    return this.#bytes.subarray(0, length);
  }

  /** Gives the memory back; the next `take` makes it anew. */
  free(): void {
    freeBuffer(this.#bytes.buffer);
    this.#bytes = new Uint8Array(0);
  }
}

/**
 * Rooms by what they are for, kept for the next time. What a browser has read into stays with it until a garbage collection, even when
 * the script gives it back (Chromium 156): rooms made anew for every stage of a large model pile up to hundreds of megabytes.
 */
export class Rooms {
  readonly #rooms = new Map<string, Room>();

  /** The room of that name, for one user at a time. */
  of(name: string): Room {
    const found = this.#rooms.get(name) ?? new Room();
    this.#rooms.set(name, found);
    return found;
  }
}
