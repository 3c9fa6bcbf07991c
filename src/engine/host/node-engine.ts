/**
 * The engine in Node: onnxruntime-node where it can be loaded, wasm where it cannot. Its WebGPU only for whoever names it, as
 * without a GPU it would quietly run on a software adapter.
 */
import { availableParallelism, totalmem } from 'node:os';
import { EngineError } from '@/engine/api/errors.ts';
import { blobFileSet } from '@/formats/blob-source.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import { urlFileSet } from '@/formats/http-source.ts';
import type { BackendFactory } from '@/runtime/backend.ts';
import { nativeBackendFactory } from '@/runtime/native-backend.ts';
import { nodeWasmFactory } from '@/runtime/web-node-factory.ts';
import { wasmHeapBytes } from './memory-plan.ts';
import { RewardEngineHost } from './reward-engine-host.ts';

export interface NodeEngineOptions {
  /** Files below a folder of this machine. */
  readonly openDirectory: (path: string) => FileSet;
  /** Threads inside one operator. Default: `ARMOSCOPE_THREADS`, else one per core. */
  readonly threads?: number;
  /** Tokens per run of the backbone. Default: see `defaultChunkTokens`. */
  readonly chunkTokens?: number;
}

/** On a CPU nothing waits for a frame and no watchdog bites, so chunks only keep attention's memory from growing. */
const defaultChunkTokens = 2048;

/** An engine for packages in folders, behind URLs and as Blobs. @throws EngineError for a thread count that is none. */
export function createNodeEngine(options: NodeEngineOptions): RewardEngineHost {
  const threads = options.threads ?? threadsFromEnvironment() ?? availableParallelism();
  return new RewardEngineHost({
    backends: nodeBackendFactory(threads),
    memory: (provider) => ({
      bytes: provider === 'wasm' ? Math.min(wasmHeapBytes, totalmem()) : totalmem(),
      orMore: provider === 'native-webgpu',
    }),
    chunkTokens: () => options.chunkTokens ?? defaultChunkTokens,
    openFiles(source) {
      if (source.kind === 'directory') return options.openDirectory(source.path);
      return source.kind === 'url' ? urlFileSet(source.url) : blobFileSet(source.name, source.files);
    },
    device: async () => ({
      webgpu: { available: false, reason: 'This is not a browser.', features: [], limits: {} },
      crossOriginIsolated: true,
      jspi: false,
      threads,
    }),
  });
}

function nodeBackendFactory(threads: number): BackendFactory {
  const native = nativeBackendFactory({ threads });
  const wasm = nodeWasmFactory({ threads });
  return {
    order: [...native.order, ...wasm.order],
    create: (provider) => (provider === 'wasm' ? wasm : native).create(provider),
  };
}

function threadsFromEnvironment(): number | undefined {
  const value = process.env['ARMOSCOPE_THREADS'];
  if (value === undefined || value === '') return undefined;
  const threads = Number(value);
  if (!Number.isInteger(threads) || threads < 1) {
    throw new EngineError({
      code: 'bad-input',
      message: `ARMOSCOPE_THREADS must be a positive whole number, not ${value}.`,
    });
  }
  return threads;
}
