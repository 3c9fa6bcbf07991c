/**
 * What a trainer of the gate is, whatever it runs on: the same steps on the same pairs from the same state. The f64 trainer
 * (gate-trainer.ts) is the reference; each other implementation is held to it.
 */
import type { BatchPlan } from './gate-batches.ts';
import type { GateBatchStatistics } from './gate-loss.ts';
import type { Gate } from './reward-head.ts';
import type { TrainingMode } from './training-options.ts';

/** The gate's rows, wherever they are kept: memory, files. */
export interface GateRows {
  readonly count: number;
  /** d. */
  readonly featureSize: number;
  /** Copies the given rows, in order, to the front of `target` (f32, at least rows · d long). */
  gather(rows: ArrayLike<number>, target: Float32Array<ArrayBuffer>): Promise<void> | void;
  /** Width of `readStored`: bf16 where all rows are stored so, otherwise f32. */
  readonly stored: 'bf16' | 'f32';
  /** Consecutive rows without widening them: bf16 bits, or f32 [count, d]. */
  readStored(first: number, count: number): Promise<Uint16Array | Float32Array> | Uint16Array | Float32Array;
}

/** All a trainer needs to know of the data. */
export interface GateTrainingData {
  readonly rows: GateRows;
  readonly objectives: number;
  /** r'_chosen − r'_rejected `[n, k]`. */
  readonly rewardDifferences: Float64Array;
  /** Raw rewards `[n, 2, k]`, for the authors' way. */
  readonly rawRewards?: Float64Array;
}

/** A run's settings with nothing left open. */
export interface GateTrainerSettings {
  readonly mode: TrainingMode;
  readonly temperature: number;
  /** Σg; where it is learned (authors' way), its first value. */
  readonly logitScale: number;
  readonly activeObjectives: readonly number[];
  readonly batches: BatchPlan;
  readonly learningRate: number;
  readonly scheduleSteps: number;
  readonly weightDecay: number;
  readonly adamBetas: readonly [number, number];
  readonly adamEpsilon: number;
  readonly dropout: number;
  readonly seed: number;
}

/** What one step did; the statistics are of its batch before the update. */
export interface GateStepLog extends GateBatchStatistics {
  /** Steps done, this one included. */
  readonly step: number;
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

/** The gate on a set of pairs, nothing dropped. */
export interface GateEvaluation extends GateBatchStatistics {
  /** g of each pair's prompt `[n, k]`, as inference computes it: softmax over the objectives, times Σg. */
  readonly gateWeights: Float64Array;
}

export interface GateTrainer {
  /** Steps done. */
  readonly stepsDone: number;
  /**
   * Does the next `count` steps. @returns their logs.
   * @throws DataError when the loss is no longer a finite number; what the state is then, is not said.
   */
  steps(count: number): Promise<GateStepLog[]>;
  evaluate(pairs: Uint32Array): Promise<GateEvaluation>;
  /** A copy of all the run is. */
  state(): Promise<GateTrainerState>;
  /** The gate as it is, in f32, and β. */
  gate(): Promise<{ readonly gate: Gate; readonly beta: number }>;
  /** The gate of some other flat parameters of the same widths. */
  gateOf(parameters: Float64Array): Promise<{ readonly gate: Gate; readonly beta: number }>;
  /** Gradient of the loss of step `index` (0-based) by every parameter, flat: for tests and diagnosis. */
  gradientAt(index: number): Promise<Float64Array>;
  dispose(): void;
}
