/**
 * Stage 2 on the CPU (armorm.md T3; arXiv 2406.12845 Eq 5): the gate trained by −log σ(β (R_chosen − R_rejected)) on adjusted
 * rewards, β learned, AdamW, cosine decay. The reference for every faster trainer.
 *
 * Arithmetic and state are f64; `gate()` rounds to f32. logit_scale is fixed: with β learned it would only rescale β. Batches
 * and dropout depend on the seed and the step alone (gate-batches.ts, dropout.ts), so a run resumed from a state is the run that
 * never stopped.
 */
import { assert } from '@/base/assert.ts';
import { adamwStep } from './adamw.ts';
import { dropoutKey } from './dropout.ts';
import { DataError } from './errors.ts';
import { cosineRate, GateBatches } from './gate-batches.ts';
import { type GateBatchStatistics, softmaxRow } from './gate-loss.ts';
import type { GateEvaluation, GateStepLog, GateTrainerState } from './gate-trainer-backend.ts';
import { type GateLayout, gateLayout, GateNetwork, packGate, unpackGate } from './gate-network.ts';
import type { Gate, GateLayer } from './reward-head.ts';
import type { TrainingMode } from './training-options.ts';

export type { GateStepLog, GateTrainerState } from './gate-trainer-backend.ts';

/** Preference pairs, as the gate sees them. */
export interface PreferencePairs {
  /** Hidden state the gate reads, one per pair `[n, d]`. */
  readonly gateFeatures: Float32Array;
  readonly featureSize: number;
  /** r'_chosen − r'_rejected `[n, k]`; see `rewardDifferences`. */
  readonly rewardDifferences: Float64Array;
  readonly objectives: number;
  /** Raw rewards `[n, 2, k]`, chosen first: what the authors' way is trained on instead. */
  readonly rawRewards?: Float64Array;
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
  /** Pairs a step, at most the number of training pairs, or `all` in file order. Default 1024, or all pairs where there are fewer. */
  readonly batchSize?: number | 'all';
  /** Pairs to train on. Default all. */
  readonly trainingPairs?: Uint32Array;
  /**
   * `authors-script` trains as the published script does (gate-loss.ts `chosen-rejected`): on `rawRewards`, logit_scale learned from
   * `logitScale` on in place of β, batches drawn with replacement.
   */
  readonly mode?: TrainingMode;
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
  private readonly options: Required<Omit<GateTrainerOptions, 'batchRows' | 'trainingPairs'>> &
    Pick<GateTrainerOptions, 'batchRows'>;
  private readonly batches: GateBatches;
  private readonly network: GateNetwork;
  private readonly sizes: readonly number[];
  private readonly parameters: Float64Array;
  private readonly firstMoments: Float64Array;
  private readonly secondMoments: Float64Array;
  private readonly gradients: Float64Array;
  private doneSteps: number;

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
    const training = options.trainingPairs ?? count;
    const trainingCount = typeof training === 'number' ? training : training.length;
    this.options = {
      mode: 'paper',
      temperature: 10,
      logitScale: 1,
      activeObjectives: Array.from({ length: k }, (_, j) => j),
      initialBeta: 100,
      batchSize: Math.min(1024, trainingCount),
      learningRate: 1e-3,
      scheduleSteps: 10_000,
      weightDecay: 0.01,
      adamBetas: [0.9, 0.999],
      adamEpsilon: 1e-8,
      dropout: 0,
      seed: 0,
      ...options,
    };
    const { mode, batchSize, dropout, temperature, activeObjectives, seed } = this.options;
    const script = mode === 'authors-script';
    assert(
      batchSize === 'all' || script || batchSize <= trainingCount || options.batchRows !== undefined,
      () => `a batch of ${batchSize} from ${trainingCount} pairs`,
    );
    this.batches = new GateBatches({ pairs: training, batchSize, seed, replacement: script });
    assert(dropout >= 0 && dropout < 1, () => `dropout must be in [0, 1), got ${dropout}`);
    assert(temperature > 0, () => `temperature must be positive, got ${temperature}`);
    assert(
      activeObjectives.length > 0 && activeObjectives.every((j) => j >= 0 && j < k),
      'activeObjectives do not fit',
    );
    if (script) {
      assert(pairs.rawRewards?.length === 2 * count * k, 'rawRewards are not [n, 2, k]');
      assertFiniteRows('rawRewards', pairs.rawRewards, 2 * k);
    }
    const scalar = script ? this.options.logitScale : this.options.initialBeta;
    const state = 'sizes' in start ? start : initialTrainerState(start, scalar);
    assert(state.sizes[0] === d && state.sizes.at(-1) === k, () => `a gate ${state.sizes.join('-')} for ${d} → ${k}`);
    const layout = gateLayout(state.sizes);
    assert(state.parameters.length === layout.length, 'the state’s parameters do not fit its widths');
    this.network = this.networkFor(layout, this.batches.size);
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
    const scalar = this.parameters[this.network.layout.beta]!;
    const learningRate = cosineRate(this.options.learningRate, index, this.options.scheduleSteps);
    const statistics = this.gradientOfStep(index);
    if (!Number.isFinite(statistics.loss)) throw divergedError(index, statistics.loss);
    this.update(learningRate);
    this.doneSteps = index + 1;
    const beta = this.options.mode === 'authors-script' ? 1 : scalar;
    return { step: index + 1, ...statistics, learningRate, beta };
  }

  /** Statistics of any pairs under the present gate, nothing dropped. Default: all pairs. */
  evaluate(rows?: ArrayLike<number>): GateEvaluation {
    const { gateFeatures, featureSize, objectives: k } = this.pairs;
    const all = rows ?? Uint32Array.from({ length: gateFeatures.length / featureSize }, (_, i) => i);
    const total = { loss: 0, accuracy: 0, gateEntropy: 0 };
    const gateWeights = new Float64Array(all.length * k);
    const script = this.options.mode === 'authors-script';
    const scale = script ? this.parameters[this.network.layout.beta]! : this.options.logitScale;
    const chunk = 512; // bounds the scratch memory, whatever the number of pairs
    for (let start = 0; start < all.length; start += chunk) {
      const part = Array.from({ length: Math.min(chunk, all.length - start) }, (_, i) => all[start + i]!);
      const network = this.networkFor(this.network.layout, part.length);
      this.setInput(network, part);
      const statistics = network.evaluate(this.parameters, this.lossValues(), part);
      const share = part.length / all.length;
      total.loss += share * statistics.loss;
      total.accuracy += share * statistics.accuracy;
      total.gateEntropy += share * statistics.gateEntropy;
      // In the authors' way the two gate rows of a pair are equal here, because nothing is dropped.
      const stride = script ? 2 * k : k;
      const weights = new Float64Array(network.lastLogits.length);
      for (let i = 0; i < part.length; i++) {
        softmaxRow(weights, network.lastLogits, i * stride, this.options);
        for (let j = 0; j < k; j++) gateWeights[(start + i) * k + j] = scale * weights[i * stride + j]!;
      }
    }
    return { ...total, gateWeights };
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

  /** The gate as it is now, in f32, ready for a `RewardHead`, and β (1 in the authors' way, which learns logit_scale instead); of other flat `parameters` where given. */
  gate(parameters = this.parameters): { readonly gate: Gate; readonly beta: number } {
    return trainedGate(this.network.layout, parameters, this.pairs.objectives, this.options);
  }

  private networkFor(layout: GateLayout, pairs: number): GateNetwork {
    const { mode, temperature, logitScale, activeObjectives, dropout } = this.options;
    const softmaxOver = mode === 'authors-script' ? 'chosen-rejected' : 'objectives';
    return GateNetwork.exact(layout, pairs, { temperature, logitScale, activeObjectives, dropout, softmaxOver });
  }

  private setInput(network: GateNetwork, rows: ArrayLike<number>): void {
    const { gateFeatures, featureSize: d } = this.pairs;
    for (let b = 0; b < rows.length; b++) network.setInput(b, gateFeatures.subarray(rows[b]! * d, (rows[b]! + 1) * d));
  }

  private lossValues(): Float64Array {
    const { rewardDifferences, rawRewards } = this.pairs;
    return this.options.mode === 'authors-script' && rawRewards !== undefined ? rawRewards : rewardDifferences;
  }

  private gradientOfStep(index: number): GateBatchStatistics {
    const { dropout, seed } = this.options;
    const rows = this.options.batchRows?.(index) ?? this.batches.rowsAt(index);
    const keys = dropout > 0 ? (layer: number) => dropoutKey(seed, index, layer) : undefined;
    this.setInput(this.network, rows);
    return this.network.evaluate(this.parameters, this.lossValues(), rows, this.gradients, keys);
  }

  private update(learningRate: number): void {
    const { parameters, firstMoments, secondMoments, gradients, doneSteps: index, options } = this;
    adamwStep({ parameters, firstMoments, secondMoments, gradients }, { ...options, learningRate, index });
  }
}

/** What a run that left the finite numbers ends with. */
export function divergedError(index: number, loss: number): DataError {
  return new DataError(`step ${index + 1}`, `the loss is ${loss}: the run diverged, try a lower learning rate`);
}

/** The gate in a trainer's flat parameters, rounded to f32, and β. */
export function trainedGate(
  layout: GateLayout,
  parameters: Float64Array | Float32Array,
  objectives: number,
  options: {
    readonly mode: TrainingMode;
    readonly temperature: number;
    readonly logitScale: number;
    readonly activeObjectives: readonly number[];
  },
): { readonly gate: Gate; readonly beta: number } {
  const script = options.mode === 'authors-script';
  const scalar = parameters[layout.beta]!;
  const { temperature, activeObjectives } = options;
  const gate = {
    layers: unpackGate(layout, parameters),
    temperature,
    logitScale: script ? scalar : options.logitScale,
    ...(activeObjectives.length === objectives ? {} : { activeObjectives }),
  };
  return { gate, beta: script ? 1 : scalar };
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

/** @throws DataError naming the first pair of `values` [n, size] that is not finite. */
export function assertFiniteRows(what: string, values: Float32Array | Float64Array, size: number): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i])) throw new DataError(`${what}, pair ${Math.floor(i / size)}`, `holds ${values[i]}`);
}
