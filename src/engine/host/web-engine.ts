/** The engine in a browser, meant for a worker: packages behind URLs and as Blobs, WebGPU where it proves itself, else wasm. */
import { EngineError } from '@/engine/api/errors.ts';
import { blobFileSet } from '@/formats/blob-source.ts';
import { urlFileSet } from '@/formats/http-source.ts';
import { describeDevice } from '@/runtime/web-device.ts';
import { webBackendFactory } from '@/runtime/web-factory.ts';
import type { WebFactoryOptions } from '@/runtime/web-factory.ts';
import { RewardEngineHost } from './reward-engine-host.ts';

export function createWebEngine(options: WebFactoryOptions = {}): RewardEngineHost {
  return new RewardEngineHost({
    backends: webBackendFactory(options),
    openFiles(source) {
      if (source.kind === 'url') return urlFileSet(source.url);
      if (source.kind === 'files') return blobFileSet(source.name, source.files);
      throw new EngineError({
        code: 'bad-input',
        message: 'A page cannot open a folder by its path. Choose or drop it.',
      });
    },
    device: describeDevice,
  });
}
