/**
 * onnxruntime-node behind the `Backend` seam: its CPU, and its WebGPU where somebody asks for it.
 * Graph and external data are opened by path where the package is on disk, so that ONNX Runtime maps the weights itself;
 * otherwise they travel as bytes.
 */
import { basename, dirname } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Provider } from '@/engine/api/messages.ts';
import type { Backend, BackendFactory, BackendTensor, StageFiles, StageSession, TensorType } from './backend.ts';
import { SerialQueue } from './serial-queue.ts';

type Ort = typeof import('onnxruntime-node');

export interface NativeOptions {
  /** Threads inside one operator; absent: ONNX Runtime's own choice (one per physical core). */
  readonly threads?: number;
}

/** One queue for the process: two backends alive at once must not run into each other either. */
const queue = new SerialQueue();

type TensorData = Float32Array | Int32Array | BigInt64Array;

class NativeTensor implements BackendTensor {
  readonly tensor: Tensor;
  readonly type: TensorType;
  readonly data: TensorData;
  constructor(tensor: Tensor) {
    const { data } = tensor;
    if (!isTensorData(data))
      throw new TypeError(`the graph has a tensor of type ${tensor.type}, which none should have`);
    this.tensor = tensor;
    this.type = typeOf(data);
    this.data = data;
  }
  get dims(): readonly number[] {
    return this.tensor.dims;
  }
  dispose(): void {
    // CPU memory belongs to the garbage collector.
  }
}

function isTensorData(data: unknown): data is TensorData {
  return data instanceof Float32Array || data instanceof Int32Array || data instanceof BigInt64Array;
}

function typeOf(data: TensorData): TensorType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Int32Array ? 'int32' : 'int64';
}

class NativeSession implements StageSession {
  readonly #session: InferenceSession;
  #released = false;
  constructor(session: InferenceSession) {
    this.#session = session;
  }
  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }
  get outputNames(): readonly string[] {
    return this.#session.outputNames;
  }
  run(inputs: Readonly<Record<string, BackendTensor>>): Promise<Record<string, BackendTensor>> {
    return queue.run(async () => {
      const feeds: Record<string, Tensor> = {};
      for (const [name, tensor] of Object.entries(inputs)) {
        if (!(tensor instanceof NativeTensor)) throw new TypeError(`input ${name} was made by another backend`);
        feeds[name] = tensor.tensor;
      }
      const outputs = await this.#session.run(feeds);
      return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, new NativeTensor(tensor)]));
    });
  }
  release(): Promise<void> {
    return queue.run(async () => {
      if (this.#released) return;
      this.#released = true;
      await this.#session.release();
    });
  }
}

class NativeBackend implements Backend {
  readonly provider: Provider;
  readonly lost = new Promise<string>(() => undefined);
  readonly #ort: Ort;
  readonly #options: NativeOptions;
  readonly #sessions = new Set<NativeSession>();

  constructor(ort: Ort, provider: Provider, options: NativeOptions) {
    this.#ort = ort;
    this.provider = provider;
    this.#options = options;
  }

  async createSession(stage: StageFiles, signal?: AbortSignal): Promise<StageSession> {
    signal?.throwIfAborted();
    const options: InferenceSession.SessionOptions = {
      executionProviders: [this.provider === 'native-webgpu' ? 'webgpu' : 'cpu'],
      graphOptimizationLevel: 'all',
      // Lengths differ from run to run, so a pattern remembered for one shape only holds memory.
      enableMemPattern: false,
      // 3 = errors: the optimiser warns about constants it cannot fold in every stage.
      logSeverityLevel: 3,
      ...(this.#options.threads === undefined ? {} : { intraOpNumThreads: this.#options.threads }),
    };
    const session = await queue.run(async () => {
      signal?.throwIfAborted();
      const path = pathOnDisk(stage);
      if (path !== undefined) return this.#ort.InferenceSession.create(path, options);
      const graph = await stage.graph.read(0, stage.graph.size, signal);
      const externalData = await Promise.all(
        stage.data.map(async ({ name, bytes }) => ({ path: name, data: await bytes.read(0, bytes.size, signal) })),
      );
      return this.#ort.InferenceSession.create(graph, { ...options, externalData });
    });
    const wrapped = new NativeSession(session);
    this.#sessions.add(wrapped);
    return wrapped;
  }

  tensor(type: TensorType, data: TensorData, dims: readonly number[]): BackendTensor {
    if (typeOf(data) !== type) throw new TypeError(`a ${type} tensor cannot be made from a ${data.constructor.name}`);
    if (data instanceof Float32Array) return new NativeTensor(new this.#ort.Tensor('float32', data, dims));
    if (data instanceof Int32Array) return new NativeTensor(new this.#ort.Tensor('int32', data, dims));
    return new NativeTensor(new this.#ort.Tensor('int64', data, dims));
  }

  async dispose(): Promise<void> {
    for (const session of this.#sessions) await session.release();
    this.#sessions.clear();
  }
}

/** The graph's path when every data file lies beside it under the name the graph refers to. */
function pathOnDisk(stage: StageFiles): string | undefined {
  const path = stage.graph.path;
  if (path === undefined) return undefined;
  const beside = stage.data.every(
    ({ name, bytes }) =>
      bytes.path !== undefined && basename(bytes.path) === name && dirname(bytes.path) === dirname(path),
  );
  return beside ? path : undefined;
}

/**
 * Providers of onnxruntime-node. `native-webgpu` is last in `order`: without a GPU it would run on a software adapter, and
 * the package does not tell one from the other, so only whoever asks for it by name gets it.
 */
export function nativeBackendFactory(options: NativeOptions = {}): BackendFactory {
  return {
    order: ['native'],
    async create(provider) {
      if (provider !== 'native' && provider !== 'native-webgpu') return { unavailable: 'Not a native provider.' };
      let ort: Ort;
      try {
        const module = await import('onnxruntime-node');
        ort = 'InferenceSession' in module ? module : (module as { default: Ort }).default;
      } catch (error) {
        return {
          unavailable: `onnxruntime-node cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
        };
      }
      return { backend: new NativeBackend(ort, provider, options) };
    },
  };
}
