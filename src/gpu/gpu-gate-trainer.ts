/**
 * `GateTrainer` on WebGPU, in f32: Eq 5 with AdamW in at most 20 kernels and one submit a step. Held to the f64 reference
 * (core/gate-trainer.ts) and to PyTorch's goldens; batches and dropout masks are the reference's own.
 *
 * Gate rows stay on the device (bf16 as bf16), or, where they do not fit, are gathered and uploaded batch by batch. Nothing is read
 * back but the log of a slice of steps. The authors' way (softmax over chosen and rejected) is the CPU trainers' alone.
 */
import { assert } from '@/base/assert.ts';
import { dropoutThreshold, hash32 } from '@/core/dropout.ts';
import { cosineRate, GateBatches } from '@/core/gate-batches.ts';
import { softmaxRow, softplusOfMinus } from '@/core/gate-loss.ts';
import { gateLayout, type GateLayout } from '@/core/gate-network.ts';
import { divergedError, initialTrainerState, trainedGate } from '@/core/gate-trainer.ts';
import type {
  GateEvaluation,
  GateStepLog,
  GateTrainer,
  GateTrainerSettings,
  GateTrainerState,
  GateTrainingData,
} from '@/core/gate-trainer-backend.ts';
import type { GateLayer } from '@/core/reward-head.ts';
import { DeviceMemory, packWords, readFloats } from './device-memory.ts';
import { compileGateKernels, type GateKernels } from './gate-kernels.ts';
import { type GatePlan, planGate, planPages } from './gate-plan.ts';
import { type Dispatch, type GateBuffers, stepsPerSync, stepStride, wireGate } from './gate-wiring.ts';
import { DeviceLostError, type TrainingDevice } from './training-device.ts';

/** Rows in one upload of features. */
const uploadBytes = 8 * 1024 * 1024;

export interface GpuTrainerOptions {
  readonly onUpload?: (doneRows: number, totalRows: number) => void;
  /** Keep rows off the device, as if they did not fit: for tests. */
  readonly streamRows?: boolean;
}

/**
 * @param start fresh layers, or a state to go on from (then `initialBeta` is not used).
 * @throws DeviceMemoryError, DeviceLostError; AssertionError on a wrong shape or mode.
 */
export async function openGpuGateTrainer(
  { device }: TrainingDevice,
  data: GateTrainingData,
  start: readonly GateLayer[] | GateTrainerState,
  initialBeta: number,
  settings: GateTrainerSettings,
  options: GpuTrainerOptions = {},
): Promise<GpuGateTrainer> {
  assert(settings.mode === 'paper', 'the authors’ way is not trained on WebGPU');
  const state = 'sizes' in start ? start : initialTrainerState(start, initialBeta);
  const layout = gateLayout(state.sizes);
  const { rows, objectives: k, rewardDifferences } = data;
  assert(state.sizes[0] === rows.featureSize && state.sizes.at(-1) === k, 'the gate does not fit the data');
  assert(rewardDifferences.length === rows.count * k, 'rewardDifferences are not [n, k]');
  const batches = new GateBatches(settings.batches);
  const kernels = await compileGateKernels(device, rows.stored);
  const rowBytes = rows.featureSize * (rows.stored === 'bf16' ? 2 : 4);
  const pages =
    options.streamRows === true
      ? undefined
      : planPages(rows.count, rowBytes, device.limits.maxStorageBufferBindingSize);
  const memory = new DeviceMemory(device);
  const trainer = await memory.within(`the gate and ${rows.count} rows`, () => {
    return new GpuGateTrainer(memory, kernels, data, state, layout, batches, settings, pages);
  });
  await trainer.upload(options.onUpload);
  return trainer;
}

export class GpuGateTrainer implements GateTrainer {
  readonly plan: GatePlan;
  private readonly memory: DeviceMemory;
  private readonly device: GPUDevice;
  private readonly data: GateTrainingData;
  private readonly layout: GateLayout;
  private readonly sizes: readonly number[];
  private readonly batches: GateBatches;
  private readonly settings: GateTrainerSettings;
  private readonly buffers: GateBuffers;
  private readonly stepGroup: GPUBindGroup;
  /** Where the rows lie on the device; absent: they are uploaded batch by batch. */
  private readonly pages: { readonly rowsPerPage: number; readonly buffers: readonly GPUBuffer[] } | undefined;
  private readonly gather: readonly Dispatch[];
  private readonly forward: readonly Dispatch[];
  private readonly backward: readonly Dispatch[];
  private readonly update: readonly Dispatch[];
  private readonly hostRows: Float32Array<ArrayBuffer>;
  private doneSteps: number;
  private lost: DeviceLostError | undefined;

  constructor(
    memory: DeviceMemory,
    kernels: GateKernels,
    data: GateTrainingData,
    state: GateTrainerState,
    layout: GateLayout,
    batches: GateBatches,
    settings: GateTrainerSettings,
    pages: { readonly rowsPerPage: number; readonly pages: number } | undefined,
  ) {
    this.memory = memory;
    this.device = memory.device;
    this.data = data;
    this.layout = layout;
    this.sizes = [...state.sizes];
    this.batches = batches;
    this.settings = settings;
    this.doneSteps = state.step;
    this.plan = planGate(layout, batches.size);
    void this.device.lost.then(({ message, reason }) => {
      this.lost = new DeviceLostError(`The graphics device was lost (${reason}): ${message}`);
    });
    const wiring = wireGate(memory, kernels, {
      data,
      state,
      layout,
      plan: this.plan,
      settings,
      batch: batches.size,
      pages,
    });
    this.buffers = wiring.buffers;
    this.pages = wiring.pages;
    this.gather = wiring.gather;
    this.forward = wiring.forward;
    this.backward = wiring.backward;
    this.update = wiring.update;
    this.hostRows = new Float32Array(pages === undefined ? batches.size * data.rows.featureSize : 0);
    this.stepGroup = this.device.createBindGroup({
      layout: kernels.stepLayout,
      entries: [{ binding: 0, resource: { buffer: this.buffers.steps, size: 48 } }],
    });
  }

  get stepsDone(): number {
    return this.doneSteps;
  }

  /** Fills the pages with rows as they are stored. */
  async upload(onUpload?: (doneRows: number, totalRows: number) => void): Promise<void> {
    if (this.pages === undefined) return;
    const { rows } = this.data;
    const { rowsPerPage, buffers } = this.pages;
    const d = rows.featureSize;
    // Even numbers of rows begin and end on whole words, whatever d is.
    const chunk = Math.max(2, 2 * Math.floor(uploadBytes / (8 * d)));
    for (const [page, buffer] of buffers.entries()) {
      const end = Math.min(rows.count, (page + 1) * rowsPerPage);
      for (let first = page * rowsPerPage; first < end; first += chunk) {
        const count = Math.min(chunk, end - first);
        const values = await rows.readStored(first, count);
        const bytes = new Uint8Array(4 * Math.ceil(values.byteLength / 4));
        bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
        const rowBytes = values.byteLength / count;
        this.device.queue.writeBuffer(buffer, (first - page * rowsPerPage) * rowBytes, bytes);
        await this.settled(this.device.queue.onSubmittedWorkDone());
        onUpload?.(first + count, rows.count);
      }
    }
  }

  async steps(count: number): Promise<GateStepLog[]> {
    const logs: GateStepLog[] = [];
    while (logs.length < count) logs.push(...(await this.slice(Math.min(stepsPerSync, count - logs.length))));
    return logs;
  }

  private async slice(count: number): Promise<GateStepLog[]> {
    const first = this.doneSteps;
    const { learningRate, scheduleSteps } = this.settings;
    const indices = Array.from({ length: count }, (_, slot) => first + slot);
    const rows = indices.map((index) => this.batches.rowsAt(index));
    this.writeSteps(indices.map((index, slot) => this.stepWords(index, slot)));
    this.writeRows(rows);
    for (const slot of indices.keys()) {
      await this.writeInput(rows[slot]!);
      this.submit([...this.gather, ...this.forward, ...this.backward, ...this.update], slot);
    }
    const values = await this.settled(readFloats(this.device, this.buffers.log, 4 * count));
    this.doneSteps = first + count;
    return indices.map((index, slot) => {
      const [loss = NaN, accuracy = NaN, gateEntropy = NaN, beta = NaN] = values.subarray(4 * slot, 4 * slot + 4);
      if (!Number.isFinite(loss) || !Number.isFinite(beta)) throw divergedError(index, loss);
      const rate = cosineRate(learningRate, index, scheduleSteps);
      return { step: index + 1, loss, accuracy, gateEntropy, learningRate: rate, beta };
    });
  }

  async evaluate(pairs: Uint32Array): Promise<GateEvaluation> {
    const k = this.data.objectives;
    const { logitScale, activeObjectives } = this.settings;
    const gateWeights = new Float64Array(pairs.length * k);
    const beta = (await this.parametersNow())[this.layout.beta]!;
    const total = { loss: 0, accuracy: 0, gateEntropy: 0 };
    const batch = this.batches.size;
    for (let start = 0; start < pairs.length; start += batch) {
      const count = Math.min(batch, pairs.length - start);
      // The last batch is filled up with its first pair.
      const rows = Uint32Array.from({ length: batch }, (_, i) => pairs[start + (i < count ? i : 0)]!);
      this.writeSteps([packWords([0, 0, 0, 0, 0, { f32: 1 }])]);
      this.writeRows([rows]);
      await this.writeInput(rows);
      this.submit([...this.gather, ...this.forward], 0);
      const logits = Float64Array.from(await this.settled(readFloats(this.device, this.buffers.logits, batch * k)));
      for (let i = 0; i < count; i++) {
        const weights = new Float64Array(logits.length);
        total.gateEntropy += softmaxRow(weights, logits, i * k, this.settings) / pairs.length;
        let margin = 0;
        for (const j of activeObjectives) {
          const weight = logitScale * weights[i * k + j]!;
          gateWeights[(start + i) * k + j] = weight;
          margin += weight * this.data.rewardDifferences[rows[i]! * k + j]!;
        }
        total.loss += softplusOfMinus(beta * margin) / pairs.length;
        total.accuracy += (margin > 0 ? 1 : 0) / pairs.length;
      }
    }
    return { ...total, gateWeights };
  }

  async state(): Promise<GateTrainerState> {
    const read = async (buffer: GPUBuffer) =>
      Float64Array.from(await this.settled(readFloats(this.device, buffer, this.layout.length)));
    return {
      step: this.doneSteps,
      sizes: [...this.sizes],
      parameters: await read(this.buffers.parameters),
      firstMoments: await read(this.buffers.firstMoments),
      secondMoments: await read(this.buffers.secondMoments),
    };
  }

  async gate() {
    return this.gateOf(Float64Array.from(await this.parametersNow()));
  }

  async gateOf(parameters: Float64Array) {
    return trainedGate(this.layout, parameters, this.data.objectives, this.settings);
  }

  async gradientAt(index: number): Promise<Float64Array> {
    this.writeSteps([this.stepWords(index, 0)]);
    const rows = this.batches.rowsAt(index);
    this.writeRows([rows]);
    await this.writeInput(rows);
    this.submit([...this.gather, ...this.forward, ...this.backward], 0);
    const { gradientLength, layers, betaGradient } = this.plan;
    const slices = await this.settled(readFloats(this.device, this.buffers.gradients, gradientLength));
    const gradient = new Float64Array(this.layout.length);
    for (const { slot, slices: count, sliceStride, gradient: offset } of layers)
      for (let slice = 0; slice < count; slice++)
        for (let i = 0; i < sliceStride; i++)
          gradient[slot.weight + i] = gradient[slot.weight + i]! + slices[offset + slice * sliceStride + i]!;
    gradient[this.layout.beta] = slices[betaGradient]!;
    return gradient;
  }

  /** What a step runs, by name, for measuring: each can be run alone. */
  dispatches(): readonly string[] {
    return [...this.gather, ...this.forward, ...this.backward, ...this.update].map(({ label }) => label);
  }

  /** Runs one of `dispatches()` `times` over on whatever the buffers hold, and waits for it. */
  async runAlone(label: string, times: number): Promise<void> {
    const one = [...this.gather, ...this.forward, ...this.backward, ...this.update].find(
      (item) => item.label === label,
    );
    assert(one !== undefined, () => `there is no dispatch ${label}`);
    this.submit(
      Array.from({ length: times }, () => one),
      0,
    );
    await this.settled(this.device.queue.onSubmittedWorkDone());
  }

  dispose(): void {
    this.memory.free();
  }

  private parametersNow(): Promise<Float32Array> {
    return this.settled(readFloats(this.device, this.buffers.parameters, this.layout.length));
  }

  /** The words of one step's uniform (gemm.wgsl `Step`). */
  private stepWords(index: number, slot: number): Uint32Array<ArrayBuffer> {
    const { dropout, seed, adamBetas, learningRate, scheduleSteps, weightDecay } = this.settings;
    const [decay1, decay2] = adamBetas;
    const rate = cosineRate(learningRate, index, scheduleSteps);
    return packWords([
      index,
      slot * this.batches.size,
      slot,
      dropoutThreshold(dropout),
      // The first half of dropoutKey: what the seed alone decides.
      hash32(hash32(seed >>> 0) ^ (Math.floor(seed / 2 ** 32) >>> 0)),
      { f32: 1 / (1 - dropout) },
      { f32: rate / (1 - decay1 ** (index + 1)) },
      { f32: Math.sqrt(1 - decay2 ** (index + 1)) },
      { f32: 1 - rate * weightDecay },
    ]);
  }

  private writeSteps(words: readonly Uint32Array[]): void {
    const all = new Uint32Array((words.length * stepStride) / 4);
    for (const [slot, step] of words.entries()) all.set(step, (slot * stepStride) / 4);
    this.device.queue.writeBuffer(this.buffers.steps, 0, all);
  }

  private writeRows(rows: readonly Uint32Array[]): void {
    const all = new Uint32Array(rows.length * this.batches.size);
    for (const [slot, step] of rows.entries()) all.set(step, slot * this.batches.size);
    this.device.queue.writeBuffer(this.buffers.rows, 0, all);
  }

  /** Rows that do not live on the device are put there now. */
  private async writeInput(rows: Uint32Array): Promise<void> {
    if (this.pages !== undefined) return;
    await this.data.rows.gather(rows, this.hostRows);
    this.device.queue.writeBuffer(this.buffers.input, 0, this.hostRows);
  }

  private submit(dispatches: readonly Dispatch[], slot: number): void {
    if (this.lost !== undefined) throw this.lost;
    const encoder = this.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setBindGroup(0, this.stepGroup, [slot * stepStride]);
    for (const { pipeline, group, workgroups } of dispatches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(1, group);
      pass.dispatchWorkgroups(...workgroups);
    }
    pass.end();
    this.device.queue.submit([encoder.finish()]);
  }

  /** Waits; a failure after the device was lost is that loss, whatever it says. */
  private async settled<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      if (this.lost !== undefined) throw this.lost;
      return result;
    } catch (error) {
      // The loss may be known a moment after the work that failed of it.
      await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
      throw this.lost ?? error;
    }
  }
}
