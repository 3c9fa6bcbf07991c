/**
 * onnxruntime-web behind the `Backend` seam: wasm, and WebGPU on a device of our own. Knows no bundler, so Node can use it too.
 *
 * Invariants: every `create`, `run` and `release` of the process goes through one queue; on WebGPU every output stays in a GPU
 * buffer and only what is asked for is read back; an error that WebGPU reports out of band fails the run it happened in,
 * because the numbers of that run are not to be believed; a session that failed once never runs again.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { Rooms } from '@/base/room.ts';
import { EngineError } from '@/engine/api/errors.ts';
import type { Provider } from '@/engine/api/messages.ts';
import { decomposeAttention } from '@/formats/onnx/decomposed-attention.ts';
import { foldConstants, type FoldedStage } from '@/formats/onnx/folded-constants.ts';
import type { Backend, BackendTensor, DeviceLimits, StageFiles, StageSession, TensorType } from './backend.ts';
import { ExternalData, type ExternalFile } from './external-data.ts';
import { SerialQueue } from './serial-queue.ts';

import type { OpenDevice } from './web-device.ts';
import { WantedList, WeightUploader } from './weight-upload.ts';

export type WebOrt = typeof import('onnxruntime-common');
type TensorData = Float32Array | Int32Array | BigInt64Array;

export interface WebBackendOptions {
  /** Log everything ONNX Runtime says while it makes a session, e.g. which provider each node got. */
  readonly verbose?: boolean;
}

/** Two backends alive at once must not run into each other either. */
const queue = new SerialQueue();

/**
 * Hands a device to ONNX Runtime both ways it knows: the session's provider option (what 1.31 reads) and `env.webgpu.device`
 * (what it documents). Upstream is about to change which of them counts.
 */
function webGpuProvider(ort: WebOrt, device: GPUDevice): InferenceSession.WebGpuExecutionProviderOption {
  ort.env.webgpu.device = device;
  // Buckets: texts differ in length, and `simple` keeps buffers of every size ever seen. Measured with 18 lengths: 1.3 MB were
  // created for the first eight and nothing after; with `simple` 3.9 MB and then 3 MB more for every ten.
  return { name: 'webgpu', device, storageBufferCacheMode: 'bucket', validationMode: 'basic' };
}

class WebTensor implements BackendTensor {
  readonly tensor: Tensor;
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly data?: TensorData;
  #disposed = false;

  constructor(tensor: Tensor, data: TensorData | undefined) {
    this.tensor = tensor;
    this.type = tensorType(tensor.type);
    this.dims = tensor.dims;
    if (data !== undefined) this.data = data;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.tensor.location !== 'gpu-buffer') return;
    try {
      this.tensor.dispose();
    } catch {
      // A lost device refuses; its memory is gone already, and the error that matters is the run's.
    }
  }
}

function tensorType(type: Tensor.Type): TensorType {
  if (type === 'float32' || type === 'int32' || type === 'int64') return type;
  throw new TypeError(`the graph has a tensor of type ${type}, which none should have`);
}

function cpuData(tensor: Tensor, data: unknown): TensorData {
  if (data instanceof Float32Array || data instanceof Int32Array || data instanceof BigInt64Array) return data;
  throw new TypeError(`the graph has a tensor of type ${tensor.type}, which none should have`);
}

class WebSession implements StageSession {
  readonly #session: InferenceSession;
  readonly #health: GpuHealth | undefined;
  readonly #onRelease: () => void;
  #state: 'ready' | 'failed' | 'released' = 'ready';
  /** A run that ONNX Runtime has not come back from. */
  #inside = false;

  /** @param onRelease when nothing is to be released any more. */
  constructor(session: InferenceSession, health: GpuHealth | undefined, onRelease: () => void) {
    this.#session = session;
    this.#health = health;
    this.#onRelease = onRelease;
  }

  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }
  get outputNames(): readonly string[] {
    return this.#session.outputNames;
  }

  run(
    inputs: Readonly<Record<string, BackendTensor>>,
    toCpu: readonly string[],
  ): Promise<Record<string, BackendTensor>> {
    return queue.run(async () => {
      if (this.#state !== 'ready') throw new Error(`this session was ${this.#state}`);
      const feeds: Record<string, Tensor> = {};
      for (const [name, tensor] of Object.entries(inputs)) {
        if (!(tensor instanceof WebTensor)) throw new TypeError(`input ${name} was made by another backend`);
        feeds[name] = tensor.tensor;
      }
      const made: WebTensor[] = [];
      try {
        const outputs: Record<string, BackendTensor> = {};
        for (const [name, tensor] of Object.entries(await this.#untilLost(this.#enter(feeds)))) {
          const onGpu = tensor.location === 'gpu-buffer';
          const wrapped = new WebTensor(tensor, onGpu ? undefined : cpuData(tensor, tensor.data));
          made.push(wrapped);
          outputs[name] = wrapped;
        }
        for (const name of toCpu) {
          const output = outputs[name];
          if (!(output instanceof WebTensor)) throw new Error(`the graph has no output ${name}`);
          if (output.data !== undefined) continue;
          // `true`: the GPU buffer is freed as soon as it was read.
          const data = cpuData(output.tensor, await this.#untilLost(output.tensor.getData(true)));
          outputs[name] = new WebTensor(output.tensor, data);
        }
        this.#health?.check();
        return outputs;
      } catch (error) {
        // ONNX Runtime keeps the failed run's inputs bound and would compute the next run from them.
        this.#state = 'failed';
        for (const tensor of made) tensor.dispose();
        throw error;
      }
    });
  }

  release(): Promise<void> {
    return queue.run(async () => {
      if (this.#state === 'released') return;
      this.#state = 'released';
      this.#onRelease();
      // Freed under a run that never returned, the heap would be corrupted: what is left of a lost device's session stays.
      if (!this.#inside) await this.#session.release();
    });
  }

  async #enter(feeds: Record<string, Tensor>): Promise<InferenceSession.OnnxValueMapType> {
    this.#inside = true;
    const outputs = await this.#session.run(feeds).finally(() => {
      this.#inside = false;
    });
    return outputs;
  }

  /** A run on a lost device may never settle; it must not hold up the queue. */
  #untilLost<T>(promise: Promise<T>): Promise<T> {
    return this.#health === undefined ? promise : this.#health.untilLost(promise);
  }
}

/** Errors that WebGPU reports to the device instead of to whoever caused them, and the loss of the device. */
class GpuHealth {
  readonly lost: Promise<string>;
  readonly #device: GPUDevice;
  /** Rejects what waits for the device. Not `Promise.race`: it would keep every result alive as long as the device. */
  readonly #waiting = new Set<(error: EngineError) => void>();
  #lostError: EngineError | undefined;
  #error: GPUError | undefined;
  #closed = false;

  constructor(device: GPUDevice) {
    this.#device = device;
    device.addEventListener('uncapturederror', ({ error }) => {
      this.#error ??= error;
    });
    this.lost = new Promise((resolve) => {
      void device.lost.then(({ reason, message }) => {
        const detail = message === '' ? reason : `${reason}: ${message}`;
        this.#lostError = new EngineError({ code: 'device-lost', message: 'The graphics device was lost.', detail });
        for (const reject of this.#waiting) reject(this.#lostError);
        if (!this.#closed) resolve(detail);
      });
    });
  }

  /** `promise`, or a rejection with `device-lost` as soon as the device is. */
  untilLost<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#lostError !== undefined) reject(this.#lostError);
      this.#waiting.add(reject);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /** @throws EngineError when something went wrong on the device since the last call. */
  check(): void {
    const error = this.#error;
    if (error === undefined) return;
    this.#error = undefined;
    const outOfMemory = error instanceof GPUOutOfMemoryError;
    throw new EngineError({
      code: outOfMemory ? 'out-of-memory' : 'internal',
      message: outOfMemory
        ? 'The graphics device has not enough memory. Choose wasm, a smaller model, or close other pages.'
        : 'The graphics device refused a command, so the result cannot be trusted. Choose wasm.',
      detail: error.message,
    });
  }

  /** Destroys the device; `lost` stays pending. */
  close(): void {
    this.#closed = true;
    this.#device.destroy();
  }
}

export class WebBackend implements Backend {
  readonly provider: Provider;
  readonly adapter?: string;
  readonly software?: boolean;
  readonly limits?: DeviceLimits;
  readonly lost: Promise<string>;
  readonly #ort: WebOrt;
  readonly #gpu:
    | {
        readonly health: GpuHealth;
        readonly device: GPUDevice;
        readonly uploader: WeightUploader;
      }
    | undefined;
  readonly #options: WebBackendOptions;
  readonly #sessions = new Set<WebSession>();
  /** Sessions are made one at a time, so each may use them all. */
  readonly #rooms = new Rooms();

  /** @param gpu the device to compute on; absent: the CPU. The backend owns it and destroys it when disposed. */
  constructor(ort: WebOrt, provider: Provider, gpu: OpenDevice | undefined, options: WebBackendOptions = {}) {
    this.#ort = ort;
    this.provider = provider;
    this.#options = options;
    if (gpu === undefined) {
      this.lost = new Promise<string>(() => undefined);
      return;
    }
    const { device } = gpu;
    const health = new GpuHealth(device);
    const uploader = new WeightUploader(device, (promise) => health.untilLost(promise));
    this.#gpu = { health, device, uploader };
    this.lost = health.lost;
    this.adapter = gpu.adapter;
    this.software = gpu.software;
    const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
    this.limits = { maxBufferSize, maxStorageBufferBindingSize };
  }

  async createSession(stage: StageFiles, signal?: AbortSignal): Promise<StageSession> {
    const session = await queue.run(async () => {
      signal?.throwIfAborted();
      const written = await stage.graph.read(0, stage.graph.size, signal);
      const plain = this.#gpu === undefined ? decomposeAttention(written) : written;
      const { graph, constants } = foldConstants(plain, stage.data, this.#rooms);
      const gpu = this.#gpu;
      if (gpu === undefined) return await this.#createFromBytes(graph, stage, constants, signal);
      const list = new WantedList(gpu.device);
      let made: InferenceSession | undefined;
      try {
        const files = [...stage.data, ...(constants === undefined ? [] : [constants])];
        made = await this.#create(
          graph,
          files.map(({ name, bytes }) => list.file(name, bytes.size)),
        );
      } catch (error) {
        if (list.wanted !== undefined) throw error;
      } finally {
        list.stop();
      }
      const { wanted } = list;
      if (made === undefined || wanted === undefined) {
        // Some weights were not for buffers: they have to be there while the session is made.
        await made?.release().catch(() => undefined);
        return await this.#createFromBytes(graph, stage, constants, signal);
      }
      try {
        await gpu.uploader.upload(wanted, { data: stage.data, constants }, signal);
        gpu.health.check();
      } catch (error) {
        // A lost device may refuse; its memory is gone with it.
        await made.release().catch(() => undefined);
        throw error;
      }
      return made;
    });
    const wrapped = new WebSession(session, this.#gpu?.health, () => this.#sessions.delete(wrapped));
    this.#sessions.add(wrapped);
    return wrapped;
  }

  async #createFromBytes(
    graph: Uint8Array<ArrayBuffer>,
    stage: StageFiles,
    constants: FoldedStage['constants'],
    signal: AbortSignal | undefined,
  ): Promise<InferenceSession> {
    const external = new ExternalData(this.#rooms);
    try {
      if (constants !== undefined) await external.add(constants.name, constants.bytes, signal);
      for (const { name, bytes } of stage.data) await external.add(name, bytes, signal);
      const made = await this.#create(graph, external.files);
      if (this.#gpu !== undefined) {
        const { health, device } = this.#gpu;
        await health.untilLost(device.queue.onSubmittedWorkDone());
        health.check();
      }
      return made;
    } catch (error) {
      throw external.problem ?? error;
    } finally {
      external.close();
    }
  }

  async #create(graph: Uint8Array<ArrayBuffer>, externalData: readonly ExternalFile[]): Promise<InferenceSession> {
    const gpu = this.#gpu;
    const creating = this.#ort.InferenceSession.create(graph, {
      executionProviders: [gpu === undefined ? 'wasm' : webGpuProvider(this.#ort, gpu.device)],
      ...(gpu === undefined ? {} : { preferredOutputLocation: 'gpu-buffer' as const }),
      externalData,
      graphOptimizationLevel: 'all',
      // Lengths differ from run to run, so a pattern remembered for one shape only holds memory.
      enableMemPattern: false,
      // 3 = errors: the optimiser warns about constants it cannot fold in every stage.
      logSeverityLevel: this.#options.verbose === true ? 0 : 3,
    });
    return await (gpu === undefined ? creating : gpu.health.untilLost(creating));
  }

  tensor(type: TensorType, data: TensorData, dims: readonly number[]): BackendTensor {
    const { Tensor } = this.#ort;
    if (data instanceof Float32Array && type === 'float32') return new WebTensor(new Tensor(type, data, dims), data);
    if (data instanceof Int32Array && type === 'int32') return new WebTensor(new Tensor(type, data, dims), data);
    if (data instanceof BigInt64Array && type === 'int64') return new WebTensor(new Tensor(type, data, dims), data);
    throw new TypeError(`a ${type} tensor cannot be made from a ${data.constructor.name}`);
  }

  async dispose(): Promise<void> {
    // A lost device may refuse to release; its memory is gone with it.
    for (const session of this.#sessions) await session.release().catch(() => undefined);
    this.#sessions.clear();
    await queue.run(async () => this.#gpu?.health.close());
  }
}
