/** The browser's side of the benchmark: one provider, in a worker as the page has it. */
import { createWebEngine } from '@/engine/host/web-engine.ts';
import type { Provider } from '@/engine/api/messages.ts';
import { urlFileSet } from '@/formats/http-source.ts';
import { webBackendFactory } from '@/runtime/web-factory.ts';
import { measure, type BenchResult, type BenchSettings } from './measure.ts';

export interface BenchOrder {
  readonly provider: Provider;
  readonly packageUrl: string;
  readonly settings: BenchSettings;
}
export type BenchReply =
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'done'; readonly result: BenchResult }
  | { readonly kind: 'failed'; readonly message: string };

// oxlint-disable-next-line unicorn/require-post-message-target-origin
const reply = (message: BenchReply): void => self.postMessage(message);

self.addEventListener('message', ({ data }: MessageEvent<BenchOrder>) => {
  run(data).then(
    (result) => reply({ kind: 'done', result }),
    (error: unknown) =>
      reply({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});

async function run({ provider, packageUrl, settings }: BenchOrder): Promise<BenchResult> {
  const engine = createWebEngine();
  await engine.load({ kind: 'url', url: packageUrl }, { provider });
  const say = (line: string): void => reply({ kind: 'line', line });
  const result = await measure(
    { engine, factory: webBackendFactory(), provider, files: urlFileSet(packageUrl), say },
    settings,
  );
  await engine.dispose();
  return result;
}
