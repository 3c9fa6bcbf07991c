/** ONNX Runtime's wasm in Node, for machines whose native binary cannot be loaded. */
import { availableParallelism } from 'node:os';
import type { BackendFactory } from './backend.ts';
import { WebBackend } from './web-backend.ts';
import type { WebOrt } from './web-backend.ts';

export interface NodeWasmOptions {
  /** Default: one per core, at most 8. */
  readonly threads?: number;
}

export function nodeWasmFactory(options: NodeWasmOptions = {}): BackendFactory {
  return {
    order: ['wasm'],
    async create(provider) {
      if (provider !== 'wasm') return { unavailable: 'In Node, onnxruntime-web has only wasm.' };
      let ort: WebOrt;
      try {
        ort = await import('onnxruntime-web');
      } catch (error) {
        return {
          unavailable: `onnxruntime-web cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
        };
      }
      ort.env.wasm.numThreads = options.threads ?? Math.min(8, availableParallelism());
      return { backend: new WebBackend(ort, provider, undefined) };
    },
  };
}
