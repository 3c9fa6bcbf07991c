/**
 * Stage 2 on the CPU (armorm.md T3; arXiv 2406.12845 Eq 5): the gate trained by −log σ(β (R_chosen − R_rejected)) on adjusted
 * rewards, β learned, AdamW, cosine decay. The reference for every faster trainer.
 *
 * Arithmetic and state are f64; `gate()` rounds to f32. logit_scale is fixed: with β learned it would only rescale β. Batches
 * and dropout depend on the seed and the step alone, so a run resumed from a state is the run that never stopped.
 */
import { assert } from '@/base/assert.ts';
import { SeededRandom } from '@/base/random.ts';
import { DataError } from './errors.ts';
import { gateLayout, GateNetwork, packGate, unpackGate } from './gate-network.ts';
import type { Gate, GateLayer } from './reward-head.ts';

/** Preference pairs, as the gate sees them. */
export interface PreferencePairs {
  /** Hidden state the gate reads, one per pair `[n, d]`. */
  readonly gateFeatures: Float32Array;
  readonly featureSize: number;
  /** r'_chosen − r'_rejected `[n, k]`; see `rewardDifferences`. */
  readonly rewardDifferences: Float64Array;
  readonly objectives: number;
}

export interface GateTrainerOptions {
  /** τ. Default 10. */
  readonly temperature?: number;
  /** Σg. Default 1. */
  readonly logitScale?: number;
  /** Objectives the gate may weigh. Default all. */
  readonly activeObjectives?: readonly number[];
  /** β before the first step. Default 100. */
  readonly initialBeta?: number;
  /** Pairs a step; at most the number of pairs. Default 1024, or all pairs where there are fewer. */
  readonly batchSize?: number;
  /** Default 1e-3. */
  readonly learningRate?: number;
  /** Steps over which the rate falls to zero along half a cosine. Default 10,000. */
  readonly scheduleSteps?: number;
  /** Decoupled, on weights and biases; never on β. Default 0.01, PyTorch's. */
  readonly weightDecay?: number;
  /** Decay rates of the two moments. Default [0.9, 0.999]. */
  readonly adamBetas?: readonly [number, number];
  /** Default 1e-8. */
  readonly adamEpsilon?: number;
  /** Probability that a hidden unit is dropped. Default 0. */
  readonly dropout?: number;
  /** Seed of batches and dropout. Default 0. */
  readonly seed?: number;
  /** Pair indices of a step (0-based), instead of seeded batches: as many as `batchSize`. */
  readonly batchRows?: (step: number) => ArrayLike<number>;
}

/** What one step did; the statistics are of its batch before the update. */
export interface GateStepLog {
  /** Steps done, this one included. */
  readonly step: number;
  /** Mean −log σ(β · margin), nats. */
  readonly loss: number;
  /** Share of the batch with margin > 0. */
  readonly accuracy: number;
  /** Mean entropy of the softmax, nats. */
  readonly gateEntropy: number;
  readonly learningRate: number;
  /** β used by this step's loss. */
  readonly beta: number;
}

/** Everything a run is, besides its data and options: plain data, for checkpoints. */
export interface GateTrainerState {
  /** Steps done. */
  readonly step: number;
  /** Layer widths `[d, hidden…, k]`. */
  readonly sizes: readonly number[];
  /** Flat parameters, β last (gate-network.ts), and AdamW's moments of each. */
  readonly parameters: Float64Array;
  readonly firstMoments: Float64Array;
  readonly secondMoments: Float64Array;
}

/**
 * (r_chosen − r_rejected) M for `n` pairs: all the loss needs of the responses.
 * @param chosen, rejected features `[n, d]` f32; `regression` W `[k, d]`; `transform` M `[k, k]`.
 * @returns new f64 `[n, k]`.
 * @throws AssertionError on a wrong shape.
 */
export function rewardDifferences(
  head: {
    readonly objectives: number;
    readonly featureSize: number;
    readonly regression: Float32Array;
    readonly transform: Float64Array;
  },
  chosen: Float32Array,
  rejected: Float32Array,
): Float64Array {
  const { objectives: k, featureSize: d, regression, transform } = head;
  assert(chosen.length === rejected.length && chosen.length % d === 0, 'chosen and rejected are not [n, d]');
  assert(regression.length === k * d && transform.length === k * k, 'regression or transform has a wrong shape');
  const pairs = chosen.length / d;
  const differences = new Float64Array(pairs * k);
  const raw = new Float64Array(k);
  for (let pair = 0; pair < pairs; pair++) {
    for (let i = 0; i < k; i++) {
      let sum = 0;
      for (let t = 0; t < d; t++) sum += regression[i * d + t]! * (chosen[pair * d + t]! - rejected[pair * d + t]!);
      raw[i] = sum;
    }
    for (let i = 0; i < k; i++)
      for (let j = 0; j < k; j++)
        differences[pair * k + j] = differences[pair * k + j]! + raw[i]! * transform[i * k + j]!;
  }
  return differences;
}

/** The state before the first step. @throws AssertionError when the layers do not follow one another. */
export function initialTrainerState(layers: readonly GateLayer[], initialBeta = 100): GateTrainerState {
  const { sizes, parameters } = packGate(layers, initialBeta);
  const zeros = () => new Float64Array(parameters.length);
  return { step: 0, sizes, parameters, firstMoments: zeros(), secondMoments: zeros() };
}

/** Trains a gate step by step. Never mutates the pairs or the state it was made from. */
export class CpuGateTrainer {
  private readonly pairs: PreferencePairs;
  private readonly options: Required<Omit<GateTrainerOptions, 'batchRows'>> & Pick<GateTrainerOptions, 'batchRows'>;
  private readonly network: GateNetwork;
  private readonly sizes: readonly number[];
  private readonly parameters: Float64Array;
  private readonly firstMoments: Float64Array;
  private readonly secondMoments: Float64Array;
  private readonly gradients: Float64Array;
  private doneSteps: number;
  private epoch: { index: number; order: Uint32Array } | undefined;

  /**
   * @param start fresh layers, or a state to go on from (then `initialBeta` is not used).
   * @throws DataError naming the pair whose feature or difference is not finite; AssertionError on a wrong shape or option.
   */
  constructor(
    pairs: PreferencePairs,
    start: readonly GateLayer[] | GateTrainerState,
    options: GateTrainerOptions = {},
  ) {
    const { featureSize: d, objectives: k } = pairs;
    const count = pairs.gateFeatures.length / d;
    assert(Number.isInteger(count) && count > 0, 'gateFeatures are not [n, d] with n ≥ 1');
    assert(pairs.rewardDifferences.length === count * k, 'rewardDifferences are not [n, k]');
    assertFiniteRows('gateFeatures', pairs.gateFeatures, d);
    assertFiniteRows('rewardDifferences', pairs.rewardDifferences, k);
    this.pairs = pairs;
    this.options = {
      temperature: 10,
      logitScale: 1,
      activeObjectives: Array.from({ length: k }, (_, j) => j),
      initialBeta: 100,
      batchSize: Math.min(1024, count),
      learningRate: 1e-3,
      scheduleSteps: 10_000,
      weightDecay: 0.01,
      adamBetas: [0.9, 0.999],
      adamEpsilon: 1e-8,
      dropout: 0,
      seed: 0,
      ...options,
    };
    const { batchSize, dropout, temperature, activeObjectives } = this.options;
    assert(
      Number.isInteger(batchSize) && batchSize > 0,
      () => `batchSize must be a positive integer, got ${batchSize}`,
    );
    assert(batchSize <= count || options.batchRows !== undefined, () => `a batch of ${batchSize} from ${count} pairs`);
    assert(dropout >= 0 && dropout < 1, () => `dropout must be in [0, 1), got ${dropout}`);
    assert(temperature > 0, () => `temperature must be positive, got ${temperature}`);
    assert(
      activeObjectives.length > 0 && activeObjectives.every((j) => j >= 0 && j < k),
      'activeObjectives do not fit',
    );
    const state = 'sizes' in start ? start : initialTrainerState(start, this.options.initialBeta);
    assert(state.sizes[0] === d && state.sizes.at(-1) === k, () => `a gate ${state.sizes.join('-')} for ${d} → ${k}`);
    const layout = gateLayout(state.sizes);
    assert(state.parameters.length === layout.length, 'the state’s parameters do not fit its widths');
    this.network = new GateNetwork(layout, batchSize, this.options);
    this.sizes = [...state.sizes];
    this.doneSteps = state.step;
    this.parameters = Float64Array.from(state.parameters);
    this.firstMoments = Float64Array.from(state.firstMoments);
    this.secondMoments = Float64Array.from(state.secondMoments);
    this.gradients = new Float64Array(layout.length);
  }

  /** Steps done. */
  get stepsDone(): number {
    return this.doneSteps;
  }

  /**
   * One step of AdamW on the next batch.
   * @throws DataError when the loss is no longer a finite number; the state is then that before the step.
   */
  step(): GateStepLog {
    const index = this.doneSteps;
    const beta = this.parameters[this.network.layout.beta]!;
    const learningRate = this.learningRateAt(index);
    const statistics = this.gradientOfStep(index);
    if (!Number.isFinite(statistics.loss))
      throw new DataError(
        `step ${index + 1}`,
        `the loss is ${statistics.loss}: the run diverged, try a lower learning rate`,
      );
    this.update(learningRate);
    this.doneSteps = index + 1;
    return { step: index + 1, ...statistics, learningRate, beta };
  }

  /** Statistics of any pairs under the present gate, nothing dropped. Default: all pairs. */
  evaluate(rows?: ArrayLike<number>): {
    readonly loss: number;
    readonly accuracy: number;
    readonly gateEntropy: number;
  } {
    const all =
      rows ?? Uint32Array.from({ length: this.pairs.gateFeatures.length / this.pairs.featureSize }, (_, i) => i);
    const total = { loss: 0, accuracy: 0, gateEntropy: 0 };
    const chunk = 512; // bounds the scratch memory, whatever the number of pairs
    for (let start = 0; start < all.length; start += chunk) {
      const part = Array.from({ length: Math.min(chunk, all.length - start) }, (_, i) => all[start + i]!);
      const network = new GateNetwork(this.network.layout, part.length, this.options);
      const { gateFeatures, rewardDifferences } = this.pairs;
      const statistics = network.evaluate(this.parameters, gateFeatures, rewardDifferences, part);
      const share = part.length / all.length;
      total.loss += share * statistics.loss;
      total.accuracy += share * statistics.accuracy;
      total.gateEntropy += share * statistics.gateEntropy;
    }
    return total;
  }

  /** Gradient of the loss of step `index` (0-based) by every parameter, flat (a copy): for tests and diagnosis. */
  gradientAt(index: number): Float64Array {
    this.gradientOfStep(index);
    return Float64Array.from(this.gradients);
  }

  /** A copy of the state. */
  state(): GateTrainerState {
    return {
      step: this.doneSteps,
      sizes: [...this.sizes],
      parameters: Float64Array.from(this.parameters),
      firstMoments: Float64Array.from(this.firstMoments),
      secondMoments: Float64Array.from(this.secondMoments),
    };
  }

  /** The gate as it is now, in f32, ready for a `RewardHead`, and β. */
  gate(): { readonly gate: Gate; readonly beta: number } {
    const { temperature, logitScale, activeObjectives } = this.options;
    const everything = activeObjectives.length === this.pairs.objectives;
    const layers = unpackGate(this.network.layout, this.parameters);
    const gate = { layers, temperature, logitScale, ...(everything ? {} : { activeObjectives }) };
    return { gate, beta: this.parameters[this.network.layout.beta]! };
  }

  private gradientOfStep(index: number): { loss: number; accuracy: number; gateEntropy: number } {
    const { gateFeatures, rewardDifferences } = this.pairs;
    const rows = this.options.batchRows?.(index) ?? this.seededBatch(index);
    const random = this.options.dropout > 0 ? new SeededRandom(seedOf(this.options.seed, 2 * index + 1)) : undefined;
    return this.network.evaluate(this.parameters, gateFeatures, rewardDifferences, rows, this.gradients, random);
  }

  /** lr_t = lr (1 + cos(π t / T)) / 2, and zero after T steps. */
  private learningRateAt(index: number): number {
    const { learningRate, scheduleSteps } = this.options;
    return (learningRate * (1 + Math.cos((Math.PI * Math.min(index, scheduleSteps)) / scheduleSteps))) / 2;
  }

  /** AdamW (Loshchilov and Hutter 2019, as in PyTorch): decay first, then the bias-corrected step. */
  private update(learningRate: number): void {
    const { adamBetas, adamEpsilon, weightDecay } = this.options;
    const [decay1, decay2] = adamBetas;
    const stepSize = learningRate / (1 - decay1 ** (this.doneSteps + 1));
    const correction2 = Math.sqrt(1 - decay2 ** (this.doneSteps + 1));
    const { parameters, firstMoments, secondMoments, gradients } = this;
    const kept = 1 - learningRate * weightDecay;
    const { beta } = this.network.layout;
    for (let i = 0; i < parameters.length; i++) {
      const gradient = gradients[i]!;
      const first = decay1 * firstMoments[i]! + (1 - decay1) * gradient;
      const second = decay2 * secondMoments[i]! + (1 - decay2) * gradient * gradient;
      firstMoments[i] = first;
      secondMoments[i] = second;
      const value = i === beta ? parameters[i]! : kept * parameters[i]!;
      parameters[i] = value - (stepSize * first) / (Math.sqrt(second) / correction2 + adamEpsilon);
    }
  }

  /** Batch `index` of a stream that goes through all pairs in a new random order again and again. */
  private seededBatch(index: number): Uint32Array {
    const { batchSize, seed } = this.options;
    const count = this.pairs.gateFeatures.length / this.pairs.featureSize;
    return Uint32Array.from({ length: batchSize }, (_, b) => {
      const position = index * batchSize + b;
      const epoch = Math.floor(position / count);
      if (this.epoch?.index !== epoch)
        this.epoch = { index: epoch, order: new SeededRandom(seedOf(seed, 2 * epoch)).permutation(count) };
      return this.epoch.order[position % count]!;
    });
  }
}

/**
 * Runs `trainer` to `steps` steps done. `pause` is awaited after each step, so that the caller's event loop can run.
 * @throws what `signal` was aborted with, between two steps; the trainer's state is then complete and can go on.
 */
export async function runGateTraining(
  trainer: CpuGateTrainer,
  steps: number,
  options: {
    readonly signal?: AbortSignal;
    readonly onStep?: (log: GateStepLog) => void;
    readonly pause?: () => Promise<void>;
  } = {},
): Promise<void> {
  while (trainer.stepsDone < steps) {
    options.signal?.throwIfAborted();
    options.onStep?.(trainer.step());
    await options.pause?.();
  }
}

/** An independent seed for each use of the run's seed. */
function seedOf(seed: number, use: number): number {
  return (seed % 2 ** 21) * 2 ** 32 + (use % 2 ** 32);
}

function assertFiniteRows(what: string, values: Float32Array | Float64Array, size: number): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i])) throw new DataError(`${what}, pair ${Math.floor(i / size)}`, `holds ${values[i]}`);
}
