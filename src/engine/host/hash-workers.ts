/** Workers that hash the chunks of kept files for the engine: a package is proven on all cores. */
import type { ChunkHasher } from '@/formats/blob-source.ts';
import {
  answerHashOrder,
  hashInWorkers,
  type HashOrder,
  type HashReply,
  type HashWorker,
} from '@/formats/chunk-hashing.ts';

/** Hashes in workers that are made for each file and gone after it. */
export function workerHasher(createWorker: () => HashWorker): ChunkHasher {
  return (file, chunkBytes) => hashInWorkers(createWorker, navigator.hardwareConcurrency, file, chunkBytes);
}

/** As much of a worker's own scope as is needed. */
export interface HashScope {
  postMessage(answer: HashReply): void;
  addEventListener(type: 'message', listener: (event: { readonly data: HashOrder }) => void): void;
}

/** The worker's side: answers the order that it is sent. */
export function serveHashes(scope: HashScope): void {
  // A worker has no origin to name.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  scope.addEventListener('message', ({ data }) => void answerHashOrder(data, (answer) => scope.postMessage(answer)));
}
