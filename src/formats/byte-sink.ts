/**
 * Where written files go: bytes at positions, so that two tensors of one file can grow side by side (a disk file, an OPFS
 * access handle and memory all write at an offset).
 */

/** Positional writes into one new file. Writers never write the same byte twice. */
export interface ByteSink {
  writeAt(offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** A sink of known length in memory. */
export interface MemorySink extends ByteSink {
  /** The file so far; zeros where nothing has been written. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Writes into one buffer of `size` bytes. */
export function memorySink(size: number): MemorySink {
  const bytes = new Uint8Array(size);
  return {
    bytes,
    async writeAt(offset, chunk) {
      bytes.set(chunk, offset);
    },
  };
}

/** A sink over something that only takes bytes one after another; throws a `RangeError` when a writer jumps. */
export function sequentialSink(write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>): ByteSink {
  let position = 0;
  return {
    async writeAt(offset, bytes) {
      if (offset !== position)
        throw new RangeError(`a sequential sink at byte ${position} cannot write at byte ${offset}`);
      position += bytes.length;
      await write(bytes);
    },
  };
}
