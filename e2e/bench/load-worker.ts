/** The browser's side of `npm run bench:load`, in a worker as the page has it. */
import type { Provider, StageMode } from '@/engine/api/messages.ts';
import { workerHasher } from '@/engine/host/hash-workers.ts';
import { blobFileSet, type BlobFile } from '@/formats/blob-source.ts';
import { webBackendFactory } from '@/runtime/web-factory.ts';
import type { WebBuild } from '@/runtime/web-ort.ts';
import { loadAndScore, loadOnly, type LoadFigures, type LoadTimes } from './load-steps.ts';

export interface LoadOrder {
  readonly provider: Provider;
  readonly stages: StageMode;
  /** Default: what this browser gets. */
  readonly build: WebBuild | undefined;
  readonly verifyHashes: boolean;
  /** Loads all stages and ends. */
  readonly loadOnly: boolean;
  readonly files: readonly BlobFile[];
}
export type LoadReply =
  | { readonly kind: 'loaded'; readonly times: LoadTimes }
  | { readonly kind: 'done'; readonly figures: LoadFigures; readonly adapter: string | undefined }
  | { readonly kind: 'failed'; readonly message: string };

// oxlint-disable-next-line unicorn/require-post-message-target-origin
const reply = (message: LoadReply): void => self.postMessage(message);

self.addEventListener('message', ({ data }: MessageEvent<LoadOrder>) => {
  run(data).then(reply, (error: unknown) =>
    reply({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});

const createHashWorker = () =>
  new Worker(new URL('../../src/engine/worker/hash-worker.ts', import.meta.url), { type: 'module' });
const hasher = workerHasher(createHashWorker);

async function run({
  provider,
  stages,
  build,
  verifyHashes,
  loadOnly: endAfterLoad,
  files,
}: LoadOrder): Promise<LoadReply> {
  const made = await webBackendFactory(build === undefined ? {} : { build }).create(provider);
  if ('unavailable' in made) throw new Error(made.unavailable);
  const { backend } = made;
  try {
    const source = blobFileSet('package', files, hasher);
    if (endAfterLoad) return { kind: 'loaded', times: await loadOnly(source, backend, verifyHashes) };
    const figures = await loadAndScore(source, backend, stages, verifyHashes);
    return { kind: 'done', figures, adapter: backend.adapter };
  } finally {
    await backend.dispose();
  }
}
