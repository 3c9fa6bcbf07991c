/** The buffers of a run and the kernels of a step bound to them, in the order in which they run. */
import type { GateLayout } from '@/core/gate-network.ts';
import type { GateTrainerSettings, GateTrainerState, GateTrainingData } from '@/core/gate-trainer-backend.ts';
import type { DeviceMemory } from './device-memory.ts';
import type { GateKernels, GemmForm, Kernel } from './gate-kernels.ts';
import { type GatePlan, tileSize } from './gate-plan.ts';

/** Steps between two looks at the device (runtime.md: 20-50). */
export const stepsPerSync = 32;
/** Bytes of one step's uniform, at the alignment of dynamic offsets. */
export const stepStride = 256;

export interface Dispatch {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** What a run reads or writes from outside. */
export interface GateBuffers {
  readonly parameters: GPUBuffer;
  readonly firstMoments: GPUBuffer;
  readonly secondMoments: GPUBuffer;
  readonly gradients: GPUBuffer;
  readonly rows: GPUBuffer;
  readonly input: GPUBuffer;
  readonly logits: GPUBuffer;
  readonly log: GPUBuffer;
  readonly steps: GPUBuffer;
}

export interface GateWiring {
  readonly buffers: GateBuffers;
  /** Where the rows lie on the device; absent: they are uploaded batch by batch, and `gather` is empty. */
  readonly pages: { readonly rowsPerPage: number; readonly buffers: readonly GPUBuffer[] } | undefined;
  readonly gather: readonly Dispatch[];
  readonly forward: readonly Dispatch[];
  readonly backward: readonly Dispatch[];
  readonly update: readonly Dispatch[];
}

export interface WiringInput {
  readonly data: GateTrainingData;
  readonly state: GateTrainerState;
  readonly layout: GateLayout;
  readonly plan: GatePlan;
  readonly settings: GateTrainerSettings;
  readonly batch: number;
  readonly pages: { readonly rowsPerPage: number; readonly pages: number } | undefined;
}

/** Invocations of the element-wise kernels' workgroups (adamw.wgsl, gather.wgsl, loss.wgsl). */
const lanes = 64;
/** Workgroups in a row of a dispatch: the limit is 65,535. */
const longestRow = 32_768;

export function wireGate(memory: DeviceMemory, kernels: GateKernels, input: WiringInput): GateWiring {
  const buffers = makeBuffers(memory, input);
  const pages = input.pages && { rowsPerPage: input.pages.rowsPerPage, buffers: makePages(memory, input) };
  const wire = new Wirer(memory, kernels, input, buffers);
  return {
    buffers,
    pages,
    gather: pages === undefined ? [] : [wire.gather(pages)],
    ...wire.network(),
    update: [wire.update()],
  };
}

function makeBuffers(memory: DeviceMemory, { data, state, plan, batch }: WiringInput): GateBuffers {
  const f32 = (values: Float64Array) => Float32Array.from(values);
  return {
    parameters: memory.filled('parameters', f32(state.parameters)),
    firstMoments: memory.filled('first moments', f32(state.firstMoments)),
    secondMoments: memory.filled('second moments', f32(state.secondMoments)),
    gradients: memory.storage('gradients', plan.gradientLength),
    rows: memory.storage('rows of the steps', stepsPerSync * batch),
    input: memory.storage('input', batch * data.rows.featureSize),
    logits: memory.storage('logits', batch * data.objectives),
    log: memory.storage('log', 4 * stepsPerSync),
    steps: memory.make('steps', stepsPerSync * stepStride, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST),
  };
}

function makePages(memory: DeviceMemory, { data, pages }: WiringInput): GPUBuffer[] {
  if (pages === undefined) return [];
  const { count, featureSize, stored } = data.rows;
  return Array.from({ length: pages.pages }, (_, page) => {
    const rows = Math.min(pages.rowsPerPage, count - page * pages.rowsPerPage);
    const bytes = rows * featureSize * (stored === 'bf16' ? 2 : 4);
    return memory.storage(`rows, page ${page}`, Math.ceil(bytes / 4));
  });
}

class Wirer {
  private readonly memory: DeviceMemory;
  private readonly kernels: GateKernels;
  private readonly input: WiringInput;
  private readonly buffers: GateBuffers;

  constructor(memory: DeviceMemory, kernels: GateKernels, input: WiringInput, buffers: GateBuffers) {
    this.memory = memory;
    this.kernels = kernels;
    this.input = input;
    this.buffers = buffers;
  }

  gather({ rowsPerPage, buffers: pages }: NonNullable<GateWiring['pages']>): Dispatch {
    const { batch, data } = this.input;
    const d = data.rows.featureSize;
    const shape = this.memory.uniform('gather', [batch, d, rowsPerPage]);
    // Bindings without a page of their own repeat the first: no row leads there.
    const bound = Array.from({ length: 4 }, (_, page) => pages[page] ?? pages[0]!);
    const workgroups = [Math.ceil(d / lanes), batch, 1] as const;
    const used = [this.buffers.rows, ...bound, this.buffers.input];
    return { ...this.bind(this.kernels.gather, 'gather', shape, used), workgroups };
  }

  network(): { forward: Dispatch[]; backward: Dispatch[] } {
    const { memory, buffers } = this;
    const { batch, layout } = this.input;
    const last = layout.layers.length - 1;
    /** Before each layer: the input, then each hidden layer after ReLU and dropout; the logits at the end. */
    const activations = [buffers.input];
    /** Gradients by the outputs of each layer. */
    const deltas: GPUBuffer[] = [];
    for (const [index, { outputSize }] of layout.layers.entries()) {
      activations.push(index === last ? buffers.logits : memory.storage(`activations ${index}`, batch * outputSize));
      deltas.push(memory.storage(`deltas ${index}`, batch * outputSize));
    }
    const forward = layout.layers.map(({ inputSize, outputSize, weight, bias }, index) => {
      const used = [activations[index]!, buffers.parameters, buffers.parameters, activations[index + 1]!];
      const shape = { m: batch, n: outputSize, k: inputSize };
      const form = index === last ? 'forwardLast' : 'forward';
      return this.gemm(form, `forward ${index}`, shape, [0, weight, bias, 0, 0, 0, index], used);
    });
    const backward = this.loss(deltas[last]!);
    for (let index = last; index >= 0; index--) {
      backward.push(this.weightGradient(index, activations[index]!, deltas[index]!));
      // Nothing below the features is trained.
      if (index > 0) backward.push(this.inputGradient(index, activations[index]!, deltas[index]!, deltas[index - 1]!));
    }
    return { forward, backward };
  }

  update(): Dispatch {
    const { memory, buffers } = this;
    const { plan, layout, settings } = this.input;
    const table = plan.layers.flatMap(({ slot, slices, sliceStride, gradient }) => [
      slot.bias + slot.outputSize,
      slices,
      sliceStride,
      // Modulo 2³²: the kernel adds the parameter's index.
      (gradient - slot.weight) >>> 0,
    ]);
    const beta = [layout.length, 1, 0, (plan.betaGradient - layout.beta) >>> 0];
    const layers = memory.filled('layers', Uint32Array.from([...table, ...beta]));
    const groups = Math.ceil(layout.length / lanes);
    const rowGroups = Math.min(groups, longestRow);
    const [decay1, decay2] = settings.adamBetas;
    const floats = [decay1, decay2, 1 - decay1, 1 - decay2, settings.adamEpsilon].map((f32) => ({ f32 }));
    const shape = memory.uniform('adamw', [layout.length, plan.layers.length, rowGroups * lanes, ...floats]);
    const used = [layers, buffers.gradients, buffers.parameters, buffers.firstMoments, buffers.secondMoments];
    const workgroups = [rowGroups, Math.ceil(groups / rowGroups), 1] as const;
    return { ...this.bind(this.kernels.adamw, 'adamw', shape, used), workgroups };
  }

  private loss(delta: GPUBuffer): Dispatch[] {
    const { memory, buffers, kernels } = this;
    const { batch, data, layout, plan, settings } = this.input;
    const k = data.objectives;
    const differences = memory.filled('differences', Float32Array.from(data.rewardDifferences));
    const weighed = Float32Array.from({ length: k }, (_, j) => (settings.activeObjectives.includes(j) ? 1 : 0));
    const shares = memory.storage('shares', 4 * batch);
    const scales = [settings.temperature, settings.logitScale].map((f32) => ({ f32 }));
    const lossShape = memory.uniform('loss', [batch, k, layout.beta, ...scales]);
    const statisticsShape = memory.uniform('statistics', [batch, layout.beta, plan.betaGradient]);
    const { rows, logits, parameters, gradients, log } = buffers;
    const active = memory.filled('weighed', weighed);
    const used = [rows, logits, differences, active, parameters, delta, shares];
    return [
      { ...this.bind(kernels.loss, 'loss', lossShape, used), workgroups: [Math.ceil(batch / lanes), 1, 1] },
      {
        ...this.bind(kernels.statistics, 'statistics', statisticsShape, [shares, parameters, gradients, log]),
        workgroups: [1, 1, 1],
      },
    ];
  }

  private weightGradient(index: number, input: GPUBuffer, delta: GPUBuffer): Dispatch {
    const { slot, slices, rowsPerSlice, sliceStride, gradient } = this.input.plan.layers[index]!;
    const { inputSize, outputSize } = slot;
    const shape = { m: outputSize, n: inputSize, k: this.input.batch, slices, kPerSlice: rowsPerSlice };
    const words = [0, 0, 0, gradient, gradient + inputSize * outputSize, sliceStride, index];
    const used = [delta, input, input, this.buffers.gradients];
    return this.gemm('weightGradient', `weight gradient ${index}`, shape, words, used);
  }

  private inputGradient(index: number, input: GPUBuffer, delta: GPUBuffer, below: GPUBuffer): Dispatch {
    const { inputSize, outputSize, weight } = this.input.layout.layers[index]!;
    const shape = { m: this.input.batch, n: inputSize, k: outputSize };
    const used = [delta, this.buffers.parameters, input, below];
    return this.gemm('inputGradient', `input gradient ${index}`, shape, [0, weight, 0, 0, 0, 0, index], used);
  }

  /** @param words the rest of gemm.wgsl's `Shape`: offsets of left, right, extra, product, bias; slice stride; layer. */
  private gemm(
    form: GemmForm,
    label: string,
    shape: { m: number; n: number; k: number; slices?: number; kPerSlice?: number },
    words: readonly number[],
    used: readonly GPUBuffer[],
  ): Dispatch {
    const { m, n, k, slices = 1, kPerSlice = k } = shape;
    const uniform = this.memory.uniform(label, [m, n, k, kPerSlice, ...words]);
    const workgroups = [Math.ceil(n / tileSize), Math.ceil(m / tileSize), slices] as const;
    return { ...this.bind(this.kernels.gemm[form], label, uniform, used), workgroups };
  }

  private bind({ pipeline, layout }: Kernel, label: string, shape: GPUBuffer, used: readonly GPUBuffer[]) {
    const entries = [shape, ...used].map((buffer, binding) => ({ binding, resource: { buffer } }));
    return { label, pipeline, group: this.memory.device.createBindGroup({ label, layout, entries }) };
  }
}
