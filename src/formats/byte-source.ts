/**
 * Random access to the bytes of one file, wherever it lives: memory, a `Blob` (dropped file, OPFS), a URL, or a disk path.
 * Everything that reads a model file reads it through this interface, so parsers never know where bytes come from.
 */
import type { Room } from '@/base/room.ts';
import type { CheckOptions } from './file-hash.ts';
import type { ForwardBytes } from './forward-bytes.ts';

/** Hashes of the pieces of a file, taken while the file as a whole was proven. */
export interface ChunkHashes {
  /** SHA-256 of the whole file that they were taken of. */
  readonly of: string;
  readonly chunkBytes: number;
  /** SHA-256 of every chunk in order; only the last may be shorter. */
  readonly sha256: readonly string[];
}

/** A file open for reading at once: for what cannot wait, like a session that ONNX Runtime is making. */
export interface OpenBytes {
  /**
   * Exactly `length` bytes from `offset`, not to be changed: in `room` where the place can put them there, and then good until something
   * else is put there. @throws FormatError as `ByteSource.read` does.
   */
  read(this: void, offset: number, length: number, room: Room): Uint8Array<ArrayBuffer>;
  /** To be called once; nothing is read after. */
  close(this: void): void;
}

/** Read-only bytes of known length. Implementations are safe for concurrent reads. */
export interface ByteSource {
  /** Name for error messages, e.g. `model-00001-of-00004.safetensors`. */
  readonly name: string;
  /** Total length in bytes. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes from `offset`.
   * @throws FormatError `truncated` when the range is not wholly inside the file; `DOMException` AbortError on abort.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** The same bytes as a `Blob`, without copying them, where the platform can; otherwise `undefined`. */
  blob?(): Promise<Blob>;
  /**
   * SHA-256 of every chunk of `chunkBytes` in order (the last may be shorter), where the place hashes them on several cores; `undefined`
   * for a chunk that could not be hashed there.
   */
  hashChunks?(this: void, chunkBytes: number): AsyncIterable<string | undefined>;
  /** SHA-256 of the whole, where the place hashes it in another thread; `undefined` where that could not be done. */
  hashWhole?(this: void, options: CheckOptions): Promise<string | undefined>;
  /** Opens the file for reading at once, where the place and the scope can (a Blob in a worker, memory). */
  openSync?(this: void): Promise<OpenBytes>;
  /** Opens the file for reading from front to back, where the place has a way for that; see `openForward` of `forward-bytes.ts`. */
  openForward?(this: void): Promise<ForwardBytes>;
  /** Path on disk, on platforms that have one (native ONNX Runtime maps it itself). */
  readonly path?: string;
  /** What tells this version of the file from another, where its place says (a server's ETag, a disk's time of change). */
  readonly revision?: string | undefined;
  /** Where the place keeps them: pieces are hashed natively, which proves the same bytes in a fraction of the time. */
  readonly chunkHashes?: ChunkHashes | undefined;
}

/** The files of one model package or checkpoint, by path relative to its root (no leading slash). */
export interface FileSet {
  /** Name for messages: the folder's name or the URL. */
  readonly name: string;
  /** `undefined` when there is no such file; any other failure to open it throws. */
  open(path: string, signal?: AbortSignal): Promise<ByteSource | undefined>;
}
