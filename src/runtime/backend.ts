/**
 * The seam between the backbone (how stages, chunks and caches are driven) and an ONNX Runtime build (who runs them).
 * `native-backend.ts` and `web-backend.ts` implement it; nothing else imports an ONNX Runtime package.
 *
 * Invariant: an implementation serialises every `createSession` and `run` of its process (concurrent ones fail, return
 * zeros or crash; runtime.md), so callers may await in any order.
 */
import type { Provider } from '@/engine/api/messages.ts';
import type { ByteSource } from '@/formats/byte-source.ts';

export type TensorType = 'float32' | 'int32' | 'int64';

/** A tensor on the CPU, or one that lives where the provider computes (`data` undefined: hand it back to `run`). */
export interface BackendTensor {
  readonly type: TensorType;
  readonly dims: readonly number[];
  /** CPU values; `undefined` while the tensor is on the GPU. */
  readonly data?: Float32Array | Int32Array | BigInt64Array;
  /** Frees device memory; a no-op on the CPU. Idempotent. */
  dispose(): void;
}

export interface StageSession {
  /** ONNX input and output names. */
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the graph. Inputs are not consumed. Outputs named in `toCpu` come back with `data`; the others stay on the device.
   */
  run(
    inputs: Readonly<Record<string, BackendTensor>>,
    toCpu: readonly string[],
  ): Promise<Record<string, BackendTensor>>;
  release(): Promise<void>;
}

export interface StageFiles {
  readonly graph: ByteSource;
  /** External data by the name the graph refers to. */
  readonly data: readonly { readonly name: string; readonly bytes: ByteSource }[];
}

/** What one buffer may hold on a device. */
export interface DeviceLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

export interface Backend {
  readonly provider: Provider;
  /** GPU adapter in words; absent on CPU providers. */
  readonly adapter?: string;
  /** True for a software GPU adapter. */
  readonly software?: boolean;
  /** Absent on CPU providers. */
  readonly limits?: DeviceLimits;
  /** Resolves when the device has taken in the stage's weights. */
  createSession(stage: StageFiles, signal?: AbortSignal): Promise<StageSession>;
  /** A CPU tensor, uploaded when it is used. */
  tensor(type: TensorType, data: Float32Array | Int32Array | BigInt64Array, dims: readonly number[]): BackendTensor;
  /** Resolves with the reason when the device is lost; never on CPU providers. */
  readonly lost: Promise<string>;
  dispose(): Promise<void>;
}

/** Makes backends; one per platform. `undefined` with a reason when the provider does not exist here. */
export interface BackendFactory {
  /** Providers in the order they are to be tried on this platform. */
  readonly order: readonly Provider[];
  create(
    provider: Provider,
  ): Promise<{ readonly backend: Backend } | { readonly unavailable: string; readonly adapter?: string }>;
}
