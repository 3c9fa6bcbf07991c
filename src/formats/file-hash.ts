/** SHA-256 of whole files, in this thread or in a worker each: a package of several files is proven on all cores. */
import { createSHA256 } from 'hash-wasm';
import type { WorkerFor } from '@/base/worker-for.ts';
import { blobSource, type NamedFile } from './blob-source.ts';
import type { ByteSource } from './byte-source.ts';
import { openForward } from './forward-bytes.ts';

/** Bytes read, hashed and reported at a time. */
export const CHECK_CHUNK_BYTES = 8 * 1024 * 1024;

export interface CheckOptions {
  readonly signal?: AbortSignal;
  /** Bytes of this file so far and in all. */
  readonly onProgress?: (loadedBytes: number, totalBytes: number) => void;
}

/** SHA-256 of a whole source in lower-case hexadecimal, streaming. @throws FormatError as `read` does; the signal's reason. */
export async function hashFile(source: ByteSource, { signal, onProgress }: CheckOptions = {}): Promise<string> {
  const hasher = await createSHA256();
  const file = await openForward(source);
  const room = new Uint8Array(Math.min(CHECK_CHUNK_BYTES, source.size));
  try {
    for (let offset = 0; offset < source.size; offset += room.length) {
      const chunk = room.subarray(0, source.size - offset);
      await file.fill(offset, chunk, signal);
      hasher.update(chunk);
      onProgress?.(offset + chunk.length, source.size);
    }
  } finally {
    file.close();
  }
  return hasher.digest();
}

/** What a worker is to hash. */
export interface FileHashOrder {
  readonly whole: NamedFile;
}
/** How many bytes it has hashed; at the end the hash, `undefined` where the file could not be read. */
export type FileHashReply = { readonly hashedBytes: number } | { readonly sha256: string | undefined };

/** The worker's side. */
export async function answerFileHash(
  { whole: { name, blob, handle } }: FileHashOrder,
  reply: (answer: FileHashReply) => void,
): Promise<void> {
  const sha256 = await hashFile(blobSource(name, blob, { handle }), {
    onProgress: (hashedBytes) => reply({ hashedBytes }),
  }).catch(() => undefined);
  reply({ sha256 });
}

export type FileHashWorker = WorkerFor<FileHashOrder, FileHashReply>;

/**
 * Hashes a file in a worker of its own.
 * @returns `undefined` where that could not be done. @throws the signal's reason.
 */
export async function hashFileInWorker(
  createWorker: () => FileHashWorker,
  file: NamedFile,
  { signal, onProgress }: CheckOptions = {},
): Promise<string | undefined> {
  signal?.throwIfAborted();
  const worker = createWorker();
  try {
    return await new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      worker.addEventListener('error', () => resolve(undefined));
      worker.addEventListener('messageerror', () => resolve(undefined));
      worker.addEventListener('message', ({ data }) => {
        if ('sha256' in data) resolve(data.sha256);
        else onProgress?.(data.hashedBytes, file.blob.size);
      });
      // A worker has no origin to name.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      worker.postMessage({ whole: file });
    });
  } finally {
    worker.terminate();
  }
}
