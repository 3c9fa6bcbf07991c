/**
 * `GateTrainer` in f32 on the processor: the network of gate-network.ts on WebAssembly SIMD and threads. Four times the f64
 * reference's speed a thread; for machines without a usable graphics card and for large runs on the command line. Both modes.
 */
import { assert } from '@/base/assert.ts';
import { adamwStep } from './adamw.ts';
import { dropoutKey } from './dropout.ts';
import { cosineRate, GateBatches } from './gate-batches.ts';
import { type GateBatchStatistics, type GateLossOptions, softmaxRow, softplusOfMinus } from './gate-loss.ts';
import { type GateLayout, gateLayout, GateNetwork } from './gate-network.ts';
import { divergedError, initialTrainerState, trainedGate } from './gate-trainer.ts';
import type {
  GateEvaluation,
  GateStepLog,
  GateTrainer,
  GateTrainerSettings,
  GateTrainerState,
  GateTrainingData,
} from './gate-trainer-backend.ts';
import type { GateLayer } from './reward-head.ts';
import type { RowKernel } from './row-products.ts';
import { countBytes, type StartHelper, WasmKernel } from './wasm-kernel.ts';

export interface WasmTrainerOptions {
  /** Default 1. */
  readonly threads?: number;
  readonly startHelper?: StartHelper;
}

interface Arrays {
  readonly network: GateNetwork<Float32Array>;
  readonly parameters: Float32Array;
  readonly firstMoments: Float32Array;
  readonly secondMoments: Float32Array;
  readonly gradients: Float32Array;
}

/**
 * @param start fresh layers, or a state to go on from (then `initialBeta` is not used).
 * @throws AssertionError on a wrong shape, or a run beyond wasm's 4 GiB.
 */
export async function openWasmGateTrainer(
  data: GateTrainingData,
  start: readonly GateLayer[] | GateTrainerState,
  initialBeta: number,
  settings: GateTrainerSettings,
  options: WasmTrainerOptions = {},
): Promise<WasmGateTrainer> {
  const scalar = settings.mode === 'authors-script' ? settings.logitScale : initialBeta;
  const state = 'sizes' in start ? start : initialTrainerState(start, scalar);
  const { rows, objectives: k, rewardDifferences, rawRewards } = data;
  assert(state.sizes[0] === rows.featureSize && state.sizes.at(-1) === k, 'the gate does not fit the data');
  assert(rewardDifferences.length === rows.count * k, 'rewardDifferences are not [n, k]');
  assert(settings.mode === 'paper' || rawRewards?.length === 2 * rows.count * k, 'rawRewards are not [n, 2, k]');
  const layout = gateLayout(state.sizes);
  const batches = new GateBatches(settings.batches);
  const allocate = (kernel: RowKernel<Float32Array>): Arrays => {
    const flat = () => kernel.allocate(layout.length);
    return {
      network: GateNetwork.on(kernel, layout, batches.size, lossOptions(settings)),
      parameters: flat(),
      firstMoments: flat(),
      secondMoments: flat(),
      gradients: flat(),
    };
  };
  const kernel = await WasmKernel.create(countBytes(allocate), options.threads ?? 1, options.startHelper);
  const arrays = allocate(kernel);
  arrays.parameters.set(state.parameters);
  arrays.firstMoments.set(state.firstMoments);
  arrays.secondMoments.set(state.secondMoments);
  return new WasmGateTrainer(kernel, arrays, layout, batches, data, settings, state);
}

function lossOptions(settings: GateTrainerSettings): GateLossOptions {
  const { mode, temperature, logitScale, activeObjectives, dropout } = settings;
  const softmaxOver = mode === 'authors-script' ? 'chosen-rejected' : 'objectives';
  return { temperature, logitScale, activeObjectives, dropout, softmaxOver };
}

export class WasmGateTrainer implements GateTrainer {
  private readonly kernel: WasmKernel;
  private readonly arrays: Arrays;
  private readonly layout: GateLayout;
  private readonly batches: GateBatches;
  private readonly data: GateTrainingData;
  private readonly settings: GateTrainerSettings;
  private readonly sizes: readonly number[];
  private readonly gathered: Float32Array<ArrayBuffer>;
  private doneSteps: number;

  constructor(
    kernel: WasmKernel,
    arrays: Arrays,
    layout: GateLayout,
    batches: GateBatches,
    data: GateTrainingData,
    settings: GateTrainerSettings,
    state: GateTrainerState,
  ) {
    this.kernel = kernel;
    this.arrays = arrays;
    this.layout = layout;
    this.batches = batches;
    this.data = data;
    this.settings = settings;
    this.sizes = [...state.sizes];
    this.doneSteps = state.step;
    this.gathered = new Float32Array(batches.size * data.rows.featureSize);
  }

  get stepsDone(): number {
    return this.doneSteps;
  }

  /** In words, for a person. */
  get description(): string {
    const { threads, fused } = this.kernel;
    return `processor, ${threads} thread${threads === 1 ? '' : 's'}, 32-bit wasm${fused ? ' with fused multiply-adds' : ''}`;
  }

  async steps(count: number): Promise<GateStepLog[]> {
    const logs: GateStepLog[] = [];
    const { learningRate: rate, scheduleSteps, mode } = this.settings;
    for (let i = 0; i < count; i++) {
      const index = this.doneSteps;
      const scalar = this.arrays.parameters[this.layout.beta]!;
      const learningRate = cosineRate(rate, index, scheduleSteps);
      const statistics = await this.gradientOfStep(index);
      if (!Number.isFinite(statistics.loss)) throw divergedError(index, statistics.loss);
      adamwStep(this.arrays, { ...this.settings, learningRate, index });
      this.doneSteps = index + 1;
      logs.push({ step: index + 1, ...statistics, learningRate, beta: mode === 'authors-script' ? 1 : scalar });
    }
    return logs;
  }

  async evaluate(pairs: Uint32Array): Promise<GateEvaluation> {
    const { objectives: k, rewardDifferences } = this.data;
    const { activeObjectives } = this.settings;
    const script = this.settings.mode === 'authors-script';
    const scalar = this.arrays.parameters[this.layout.beta]!;
    const scale = script ? scalar : this.settings.logitScale;
    const gateWeights = new Float64Array(pairs.length * k);
    const total = { loss: 0, accuracy: 0, gateEntropy: 0 };
    const batch = this.batches.size;
    const stride = script ? 2 * k : k;
    for (let start = 0; start < pairs.length; start += batch) {
      const count = Math.min(batch, pairs.length - start);
      // The last batch is filled up with its first pair.
      const rows = Uint32Array.from({ length: batch }, (_, i) => pairs[start + (i < count ? i : 0)]!);
      await this.setInput(rows);
      const { network, parameters } = this.arrays;
      network.evaluate(parameters, this.lossValues(), rows);
      const weights = new Float64Array(network.lastLogits.length);
      for (let i = 0; i < count; i++) {
        total.gateEntropy += softmaxRow(weights, network.lastLogits, i * stride, this.settings) / pairs.length;
        let margin = 0;
        for (const j of activeObjectives) {
          const weight = scale * weights[i * stride + j]!;
          gateWeights[(start + i) * k + j] = weight;
          margin += weight * rewardDifferences[rows[i]! * k + j]!;
        }
        // Nothing is dropped, so in the authors' way both weights of a pair are half of logit_scale.
        if (script) margin = this.scriptMargin(rows[i]!, scale);
        total.loss += softplusOfMinus((script ? 1 : scalar) * margin) / pairs.length;
        total.accuracy += (margin > 0 ? 1 : 0) / pairs.length;
      }
    }
    return { ...total, gateWeights };
  }

  async state(): Promise<GateTrainerState> {
    const { parameters, firstMoments, secondMoments } = this.arrays;
    return {
      step: this.doneSteps,
      sizes: [...this.sizes],
      parameters: Float64Array.from(parameters),
      firstMoments: Float64Array.from(firstMoments),
      secondMoments: Float64Array.from(secondMoments),
    };
  }

  async gate() {
    return trainedGate(this.layout, this.arrays.parameters, this.data.objectives, this.settings);
  }

  async gateOf(parameters: Float64Array) {
    return trainedGate(this.layout, parameters, this.data.objectives, this.settings);
  }

  async gradientAt(index: number): Promise<Float64Array> {
    await this.gradientOfStep(index);
    return Float64Array.from(this.arrays.gradients);
  }

  dispose(): void {
    this.kernel.dispose();
  }

  private async gradientOfStep(index: number): Promise<GateBatchStatistics> {
    const { dropout, seed } = this.settings;
    const rows = this.batches.rowsAt(index);
    await this.setInput(rows);
    const { network, parameters, gradients } = this.arrays;
    const keys = dropout > 0 ? (layer: number) => dropoutKey(seed, index, layer) : undefined;
    return network.evaluate(parameters, this.lossValues(), rows, gradients, keys);
  }

  private async setInput(rows: Uint32Array): Promise<void> {
    const d = this.data.rows.featureSize;
    await this.data.rows.gather(rows, this.gathered);
    for (let b = 0; b < rows.length; b++) this.arrays.network.setInput(b, this.gathered.subarray(b * d, (b + 1) * d));
  }

  private lossValues(): Float64Array {
    const { rewardDifferences, rawRewards } = this.data;
    return this.settings.mode === 'authors-script' && rawRewards !== undefined ? rawRewards : rewardDifferences;
  }

  private scriptMargin(pair: number, scale: number): number {
    const k = this.data.objectives;
    let margin = 0;
    for (const j of this.settings.activeObjectives) {
      const chosen = this.data.rawRewards?.[2 * pair * k + j] ?? Number.NaN;
      margin += (scale / 2) * (chosen - (this.data.rawRewards?.[(2 * pair + 1) * k + j] ?? Number.NaN));
    }
    return margin;
  }
}
