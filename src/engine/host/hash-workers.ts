/** Workers that hash files for the engine: a package is proven on all cores. */
import type { FileHasher } from '@/formats/blob-source.ts';
import {
  answerHashOrder,
  hashInWorkers,
  type HashOrder,
  type HashReply,
  type HashWorker,
} from '@/formats/chunk-hashing.ts';
import {
  answerFileHash,
  hashFileInWorker,
  type FileHashOrder,
  type FileHashReply,
  type FileHashWorker,
} from '@/formats/file-hash.ts';

/** Hashes in workers that are made for each file and gone after it. */
export function workerHasher(createWorker: () => HashWorker & FileHashWorker): FileHasher {
  return {
    chunks: (file, chunkBytes) => hashInWorkers(createWorker, navigator.hardwareConcurrency, file, chunkBytes),
    whole: (file, options) => hashFileInWorker(createWorker, file, options),
  };
}

/** As much of a worker's own scope as is needed. */
export interface HashScope {
  postMessage(answer: HashReply | FileHashReply): void;
  addEventListener(type: 'message', listener: (event: { readonly data: HashOrder | FileHashOrder }) => void): void;
}

/** The worker's side: answers the order that it is sent. */
export function serveHashes(scope: HashScope): void {
  // A worker has no origin to name.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  const reply = (answer: HashReply | FileHashReply): void => scope.postMessage(answer);
  scope.addEventListener(
    'message',
    ({ data }) => void ('whole' in data ? answerFileHash(data, reply) : answerHashOrder(data, reply)),
  );
}
