/** The engine in a browser, meant for a worker: packages behind URLs and as Blobs, WebGPU where it proves itself, else wasm. */
import { EngineError } from '@/engine/api/errors.ts';
import { blobFileSet } from '@/formats/blob-source.ts';
import type { HashWorker } from '@/formats/chunk-hashing.ts';
import type { FileHashWorker } from '@/formats/file-hash.ts';
import { urlFileSet } from '@/formats/http-source.ts';
import { describeDevice, deviceMemoryBytes } from '@/runtime/web-device.ts';
import { webBackendFactory } from '@/runtime/web-factory.ts';
import type { WebFactoryOptions } from '@/runtime/web-factory.ts';
import type { Provider } from '@/engine/api/messages.ts';
import { workerHasher } from './hash-workers.ts';
import { wasmHeapBytes, type MemoryOffer } from './memory-plan.ts';
import { RewardEngineHost } from './reward-engine-host.ts';

/**
 * Tokens per run in wasm, where no watchdog bites: every run unpacks the 4-bit weights anew, which takes as long as 25 tokens. Cancel
 * is heard between stages.
 */
const wasmChunkTokens = 512;

/** @param createHashWorker workers in which files are hashed; absent: in this thread. */
export function createWebEngine(
  options: WebFactoryOptions = {},
  createHashWorker?: () => HashWorker & FileHashWorker,
): RewardEngineHost {
  const hasher = createHashWorker && workerHasher(createHashWorker);
  return new RewardEngineHost({
    backends: webBackendFactory(options),
    openFiles(source) {
      if (source.kind === 'url') return urlFileSet(source.url);
      if (source.kind === 'files') return blobFileSet(source.name, source.files, hasher);
      throw new EngineError({
        code: 'bad-input',
        message: 'A page cannot open a folder by its path. Choose or drop it.',
      });
    },
    memory: webMemory,
    chunkTokens: (provider) => (provider === 'wasm' ? wasmChunkTokens : undefined),
    device: describeDevice,
  });
}

/** wasm has a heap of its own; a graphics device shares the machine's memory or has its own, which no browser tells. */
function webMemory(provider: Provider): MemoryOffer | undefined {
  const machine = deviceMemoryBytes();
  if (provider !== 'wasm') return machine;
  return {
    bytes: machine === undefined || machine.orMore ? wasmHeapBytes : Math.min(machine.bytes, wasmHeapBytes),
    orMore: false,
  };
}
