/**
 * `GateTrainer` on the processor, on any kernel of products: f64 in this thread (the reference's arithmetic) or f32 in WebAssembly.
 *
 * No copy of the rows is made: a step gathers its own from wherever they are kept, and at most `mostPairs` at once, so that a batch of
 * all pairs takes the memory of a part of it.
 */
import { assert } from '@/base/assert.ts';
import { adamwStep } from './adamw.ts';
import { dropoutKey } from './dropout.ts';
import { cosineRate, GateBatches } from './gate-batches.ts';
import { type GateBatchStatistics, type GateLossOptions, softmaxRow, softplusOfMinus } from './gate-loss.ts';
import { type GateLayout, gateLayout, GateNetwork } from './gate-network.ts';
import { assertFiniteRows, divergedError, initialTrainerState, trainedGate } from './gate-trainer.ts';
import type {
  GateEvaluation,
  GateStepLog,
  GateTrainer,
  GateTrainerSettings,
  GateTrainerState,
  GateTrainingData,
} from './gate-trainer-backend.ts';
import type { GateLayer } from './reward-head.ts';
import type { FloatArray, RowKernel } from './row-products.ts';

/** Pairs whose rows and activations are held at once: 64 MB of rows 4,096 wide in f64. A batch up to this is one part. */
export const mostPairs = 2048;

/** What a run holds on its kernel. */
export interface TrainerArrays<F extends FloatArray> {
  readonly network: GateNetwork<F>;
  readonly parameters: F;
  readonly firstMoments: F;
  readonly secondMoments: F;
  readonly gradients: F;
}

export interface TrainerRun {
  readonly data: GateTrainingData;
  readonly settings: GateTrainerSettings;
  readonly layout: GateLayout;
  readonly batches: GateBatches;
  readonly state: GateTrainerState;
}

/**
 * A request checked, before anything is allocated.
 * @param start fresh layers, or a state to go on from (then `initialBeta` is not used).
 * @throws AssertionError on a wrong shape or setting; DataError naming the pair whose rewards are not finite.
 */
export function trainerRun(
  data: GateTrainingData,
  start: readonly GateLayer[] | GateTrainerState,
  initialBeta: number,
  settings: GateTrainerSettings,
): TrainerRun {
  const { rows, objectives: k, rewardDifferences, rawRewards } = data;
  const { mode, dropout, temperature, activeObjectives } = settings;
  const state =
    'sizes' in start
      ? start
      : initialTrainerState(start, mode === 'authors-script' ? settings.logitScale : initialBeta);
  assert(state.sizes[0] === rows.featureSize && state.sizes.at(-1) === k, 'the gate does not fit the data');
  assert(rewardDifferences.length === rows.count * k, 'rewardDifferences are not [n, k]');
  assertFiniteRows('rewardDifferences', rewardDifferences, k);
  if (mode === 'authors-script') {
    assert(rawRewards?.length === 2 * rows.count * k, 'rawRewards are not [n, 2, k]');
    assertFiniteRows('rawRewards', rawRewards, 2 * k);
  }
  assert(dropout >= 0 && dropout < 1, () => `dropout must be in [0, 1), got ${dropout}`);
  assert(temperature > 0, () => `temperature must be positive, got ${temperature}`);
  assert(activeObjectives.length > 0 && activeObjectives.every((j) => j >= 0 && j < k), 'activeObjectives do not fit');
  const layout = gateLayout(state.sizes);
  assert(state.parameters.length === layout.length, 'the state’s parameters do not fit its widths');
  return { data, settings, layout, batches: new GateBatches(settings.batches), state };
}

/** All that `run` needs of its kernel's memory, zero. */
export function allocateTrainer<F extends FloatArray>(kernel: RowKernel<F>, run: TrainerRun): TrainerArrays<F> {
  const { layout, batches, settings } = run;
  const flat = () => kernel.allocate(layout.length);
  return {
    network: GateNetwork.on(kernel, layout, Math.min(batches.size, mostPairs), lossOptions(settings)),
    parameters: flat(),
    firstMoments: flat(),
    secondMoments: flat(),
    gradients: flat(),
  };
}

function lossOptions(settings: GateTrainerSettings): GateLossOptions {
  const { mode, temperature, logitScale, activeObjectives, dropout } = settings;
  const softmaxOver = mode === 'authors-script' ? 'chosen-rejected' : 'objectives';
  return { temperature, logitScale, activeObjectives, dropout, softmaxOver };
}

export class KernelGateTrainer<F extends FloatArray> implements GateTrainer {
  private readonly arrays: TrainerArrays<F>;
  private readonly run: TrainerRun;
  /** `[part, d]`: rows on their way from where they are kept. */
  private readonly gathered: Float32Array<ArrayBuffer>;
  private doneSteps: number;

  constructor(arrays: TrainerArrays<F>, run: TrainerRun) {
    this.arrays = arrays;
    this.run = run;
    this.doneSteps = run.state.step;
    this.gathered = new Float32Array(arrays.network.pairs * run.data.rows.featureSize);
    arrays.parameters.set(run.state.parameters);
    arrays.firstMoments.set(run.state.firstMoments);
    arrays.secondMoments.set(run.state.secondMoments);
  }

  get stepsDone(): number {
    return this.doneSteps;
  }

  async steps(count: number): Promise<GateStepLog[]> {
    const logs: GateStepLog[] = [];
    const { settings, layout } = this.run;
    for (let i = 0; i < count; i++) {
      const index = this.doneSteps;
      const scalar = this.arrays.parameters[layout.beta]!;
      const learningRate = cosineRate(settings.learningRate, index, settings.scheduleSteps);
      const statistics = await this.gradientOfStep(index);
      if (!Number.isFinite(statistics.loss)) throw divergedError(index, statistics.loss);
      adamwStep(this.arrays, { ...settings, learningRate, index });
      this.doneSteps = index + 1;
      logs.push({
        step: index + 1,
        ...statistics,
        learningRate,
        beta: settings.mode === 'authors-script' ? 1 : scalar,
      });
    }
    return logs;
  }

  async evaluate(pairs: Uint32Array): Promise<GateEvaluation> {
    const { data, settings, layout } = this.run;
    const { objectives: k, rewardDifferences } = data;
    const script = settings.mode === 'authors-script';
    const { network, parameters } = this.arrays;
    const scalar = parameters[layout.beta]!;
    const scale = script ? scalar : settings.logitScale;
    const gateWeights = new Float64Array(pairs.length * k);
    const total = { loss: 0, accuracy: 0, gateEntropy: 0 };
    const stride = script ? 2 * k : k;
    for (const { first, rows } of partsOf(pairs, network.pairs)) {
      await this.setInput(rows);
      network.evaluate(parameters, this.lossValues(), rows);
      const weights = new Float64Array(network.lastLogits.length);
      for (const [i, row] of rows.entries()) {
        total.gateEntropy += softmaxRow(weights, network.lastLogits, i * stride, settings) / pairs.length;
        let margin = 0;
        for (const j of settings.activeObjectives) {
          const weight = scale * weights[i * stride + j]!;
          gateWeights[(first + i) * k + j] = weight;
          margin += weight * rewardDifferences[row * k + j]!;
        }
        // Nothing is dropped, so in the authors' way both weights of a pair are half of logit_scale.
        if (script) margin = this.scriptMargin(row, scale);
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
      sizes: [...this.run.state.sizes],
      parameters: Float64Array.from(parameters),
      firstMoments: Float64Array.from(firstMoments),
      secondMoments: Float64Array.from(secondMoments),
    };
  }

  async gate() {
    return trainedGate(this.run.layout, this.arrays.parameters, this.run.data.objectives, this.run.settings);
  }

  async gateOf(parameters: Float64Array) {
    return trainedGate(this.run.layout, parameters, this.run.data.objectives, this.run.settings);
  }

  async gradientAt(index: number): Promise<Float64Array> {
    await this.gradientOfStep(index);
    return Float64Array.from(this.arrays.gradients);
  }

  dispose(): void {}

  private async gradientOfStep(index: number): Promise<GateBatchStatistics> {
    const { dropout, seed } = this.run.settings;
    const batch = this.run.batches.rowsAt(index);
    const { network, parameters, gradients } = this.arrays;
    const keys = dropout > 0 ? (layer: number) => dropoutKey(seed, index, layer) : undefined;
    const total = { loss: 0, accuracy: 0, gateEntropy: 0 };
    for (const { first, rows } of partsOf(batch, network.pairs)) {
      await this.setInput(rows);
      const part = { first, of: batch.length };
      const share = network.evaluate(parameters, this.lossValues(), rows, gradients, keys, part);
      total.loss += share.loss;
      total.accuracy += share.accuracy;
      total.gateEntropy += share.gateEntropy;
    }
    return total;
  }

  private async setInput(rows: Uint32Array): Promise<void> {
    const d = this.run.data.rows.featureSize;
    await this.run.data.rows.gather(rows, this.gathered);
    for (let b = 0; b < rows.length; b++) this.arrays.network.setInput(b, this.gathered.subarray(b * d, (b + 1) * d));
  }

  private lossValues(): Float64Array {
    const { rewardDifferences, rawRewards } = this.run.data;
    return this.run.settings.mode === 'authors-script' && rawRewards !== undefined ? rawRewards : rewardDifferences;
  }

  private scriptMargin(pair: number, scale: number): number {
    const { objectives: k, rawRewards } = this.run.data;
    let margin = 0;
    for (const j of this.run.settings.activeObjectives) {
      const chosen = rawRewards?.[2 * pair * k + j] ?? Number.NaN;
      margin += (scale / 2) * (chosen - (rawRewards?.[(2 * pair + 1) * k + j] ?? Number.NaN));
    }
    return margin;
  }
}

/** Consecutive parts of at most `size` pairs. */
function* partsOf(pairs: Uint32Array, size: number): Generator<{ readonly first: number; readonly rows: Uint32Array }> {
  for (let first = 0; first < pairs.length; first += size) yield { first, rows: pairs.subarray(first, first + size) };
}
