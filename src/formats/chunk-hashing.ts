/** SHA-256 of the chunks of a file, in this thread or in several workers at once: browsers hash where they are asked to. */
import { hex } from '@/base/hex.ts';
import { Room } from '@/base/room.ts';
import type { WorkerFor } from '@/base/worker-for.ts';
import { blobSource, type NamedFile } from './blob-source.ts';
import type { ByteSource } from './byte-source.ts';
import { openForward } from './forward-bytes.ts';

/** What a worker is to hash. */
export interface HashOrder {
  readonly file: NamedFile;
  readonly chunkBytes: number;
  /** Places of its chunks. */
  readonly places: readonly number[];
}
/** One for every chunk as it is done, `undefined` where the file could not be read. */
export interface HashReply {
  readonly place: number;
  readonly sha256: string | undefined;
}

export type HashWorker = WorkerFor<HashOrder, HashReply>;

/** Every worker beyond these waits for the disk. */
const MOST_WORKERS = 4;

/**
 * In lower-case hexadecimal. The browser's own is several times faster than wasm, but takes whole pieces only, and is absent outside a
 * secure context.
 */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/** Chunks at `places` of a source, lower-case hexadecimal, in that order. @throws FormatError as `read` does; AbortError. */
export async function* hashChunks(
  source: ByteSource,
  chunkBytes: number,
  places: Iterable<number>,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const file = await openForward(source);
  const room = new Room();
  try {
    for (const place of places) {
      signal?.throwIfAborted();
      const offset = place * chunkBytes;
      const chunk = room.take(Math.min(chunkBytes, source.size - offset));
      await file.fill(offset, chunk, signal);
      yield await sha256Of(chunk);
    }
  } finally {
    file.close();
    room.free();
  }
}

/** The worker's side. */
export async function answerHashOrder(
  { file, chunkBytes, places }: HashOrder,
  reply: (answer: HashReply) => void,
): Promise<void> {
  const { name, blob, handle } = file;
  const waiting = [...places];
  try {
    for await (const sha256 of hashChunks(blobSource(name, blob, { handle }), chunkBytes, places))
      reply({ place: waiting.shift()!, sha256 });
  } catch {
    for (const place of waiting) reply({ place, sha256: undefined });
  }
}

/**
 * All chunks of a file in order, hashed in workers of its own; a chunk for which a worker fails is given as `undefined`.
 * @param cores that the machine has.
 */
export async function* hashInWorkers(
  createWorker: () => HashWorker,
  cores: number,
  file: NamedFile,
  chunkBytes: number,
): AsyncGenerator<string | undefined> {
  const found: ((sha256: string | undefined) => void)[] = [];
  const chunks = Array.from(
    { length: Math.ceil(file.blob.size / chunkBytes) },
    () => new Promise<string | undefined>((resolve) => found.push(resolve)),
  );
  const count = Math.min(MOST_WORKERS, cores, chunks.length);
  const workers: HashWorker[] = [];
  try {
    for (let first = 0; first < count; first++) {
      const places = [...chunks.keys()].filter((place) => place % count === first);
      const giveUp = (): void => {
        for (const place of places) found[place]?.(undefined);
      };
      const worker = createWorker();
      workers.push(worker);
      worker.addEventListener('message', ({ data: { place, sha256 } }) => found[place]?.(sha256));
      worker.addEventListener('error', giveUp);
      worker.addEventListener('messageerror', giveUp);
      // A worker has no origin to name.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      worker.postMessage({ file, chunkBytes, places });
    }
    for (const chunk of chunks) yield await chunk;
  } finally {
    for (const worker of workers) worker.terminate();
  }
}
