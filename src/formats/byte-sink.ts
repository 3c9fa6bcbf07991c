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

/**
 * A sink that gathers writes which follow each other and hands them on in pieces of about `pieceBytes`, several runs side by side: for
 * targets where every write costs. Call `flush` at the end.
 */
export function gatheringSink(target: ByteSink, pieceBytes: number): ByteSink & { flush(): Promise<void> } {
  interface Stretch {
    begin: number;
    length: number;
    parts: Uint8Array<ArrayBuffer>[];
  }
  /** By the offset at which each goes on. */
  const stretches = new Map<number, Stretch>();
  const handOn = async ({ begin, length, parts }: Stretch): Promise<void> => {
    const bytes = new Uint8Array(length);
    let filled = 0;
    for (const part of parts) {
      bytes.set(part, filled);
      filled += part.length;
    }
    await target.writeAt(begin, bytes);
  };
  return {
    async writeAt(offset, bytes) {
      const stretch = stretches.get(offset) ?? { begin: offset, length: 0, parts: [] };
      stretches.delete(offset);
      // The caller may use its array again.
      stretch.parts.push(bytes.slice());
      stretch.length += bytes.length;
      if (stretch.length >= pieceBytes) await handOn(stretch);
      else stretches.set(offset + bytes.length, stretch);
    },
    async flush() {
      for (const stretch of stretches.values()) await handOn(stretch);
      stretches.clear();
    },
  };
}

/** A sink in memory for a file whose length is not known yet. */
export function growingSink(): ByteSink & { bytes(): Uint8Array<ArrayBuffer> } {
  let buffer = new Uint8Array(1024);
  let size = 0;
  return {
    async writeAt(offset, bytes) {
      const end = offset + bytes.length;
      if (end > buffer.length) {
        const larger = new Uint8Array(Math.max(end, 2 * buffer.length));
        larger.set(buffer);
        buffer = larger;
      }
      buffer.set(bytes, offset);
      size = Math.max(size, end);
    },
    bytes: () => buffer.slice(0, size),
  };
}
