/**
 * Which onnxruntime-web this browser gets, and where its wasm is. Only for bundled code (`?url`).
 *
 * Both builds hold the CPU kernels ("wasm") and the WebGPU provider. JSPI is smaller (16.8 against 26.9 MB) and faster; asyncify is for
 * browsers without it. The paths are set explicitly: by default the library would look beside its own bundled script, and other
 * libraries point it to a CDN.
 */
import asyncifyModule from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import asyncifyBinary from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import jspiModule from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url';
import jspiBinary from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';
import type { WebOrt } from './web-backend.ts';
import { hasJspi, wasmThreads } from './web-device.ts';

export type WebBuild = 'jspi' | 'asyncify';

/** JSPI where the browser has it. */
export function preferredBuild(): WebBuild {
  return hasJspi() ? 'jspi' : 'asyncify';
}

/** Loads a build once per page or worker. */
export async function loadWebOrt(build: WebBuild): Promise<WebOrt> {
  const ort = build === 'jspi' ? await import('onnxruntime-web/jspi') : await import('onnxruntime-web/webgpu');
  const [mjs, wasm] = build === 'jspi' ? [jspiModule, jspiBinary] : [asyncifyModule, asyncifyBinary];
  // Absolute: the wasm threads resolve them against their own script.
  ort.env.wasm.wasmPaths = { mjs: new URL(mjs, self.location.href).href, wasm: new URL(wasm, self.location.href).href };
  ort.env.wasm.numThreads = wasmThreads();
  return ort;
}
