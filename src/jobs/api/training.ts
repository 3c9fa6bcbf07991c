/**
 * The boundary of training: probes (stage 1, Eq 3) and the gate (stage 2), as a page sees them. Types only; everything here can
 * be cloned to a worker and back.
 *
 * A run is a stream of events and a handle. Nothing is lost by stopping: `stop` leaves the gate as it is, `checkpoint` stores all
 * a run is, and a run resumed from a checkpoint is, to the bit, the run that never stopped (on the same backend).
 */
import type { DimensionPenalties, PenaltyMethod } from '@/core/debias.ts';
import type { GateHealth } from '@/core/gate-health.ts';
import type { Gate, GateLayer, RewardHead } from '@/core/reward-head.ts';
import type { RidgePathPoint } from '@/core/ridge.ts';
import type { TrainingOptions } from '@/core/training-options.ts';
import type { HeadParts } from '@/formats/head-files.ts';
import type { DataWarning } from '@/formats/preference-pairs.ts';
import type { JobErrorData } from './job-error.ts';

// ------------------------------------------------------------------------------------------------ data

/** Where bytes are. A `Blob` (dropped file, OPFS file) crosses to the worker without being copied. */
export type DataFile =
  | { readonly kind: 'blob'; readonly name: string; readonly blob: Blob }
  | { readonly kind: 'url'; readonly name: string; readonly url: string }
  /** On the command line alone. */
  | { readonly kind: 'path'; readonly name: string; readonly path: string };

/** What feature files hold, read from their headers and a sample of their rows. */
export interface FeatureSummary {
  readonly layout: 'stage-1' | 'stage-2';
  /** Rows (stage 1) or pairs (stage 2), over all shards. */
  readonly rows: number;
  /** d. */
  readonly featureSize: number;
  /** k of stage 1's labels. */
  readonly objectives?: number;
  /** Labelled rows by objective (stage 1). */
  readonly labelled?: readonly number[];
  /** Prompt rows a pair: 1 shared, 2 as the authors write (stage 2). */
  readonly promptRows?: 1 | 2;
  readonly dtype: string;
  readonly bytes: number;
  /** In the order in which their rows are read. */
  readonly shards: readonly { readonly name: string; readonly rows: number }[];
  /** What a person should know before training on this. */
  readonly warnings: readonly DataWarning[];
}

/** The heads a gate is trained under. */
export type TrainingHead =
  | { readonly kind: 'files'; readonly files: readonly DataFile[] }
  | {
      readonly kind: 'parts';
      readonly objectives: number;
      readonly featureSize: number;
      readonly regression: Float32Array;
      readonly transform: Float64Array;
    };

// ------------------------------------------------------------------------------------------------ probes

export interface ProbeRequest {
  readonly features: readonly DataFile[];
  /** Default the authors' nine. */
  readonly alphas?: readonly number[];
  /** `authors`: sklearn's train_test_split(test_size=0.2, random_state=42), row for row; `seeded`: ours. */
  readonly split?:
    | { readonly kind: 'authors' }
    | { readonly kind: 'seeded'; readonly seed: number; readonly share: number };
  /** Rows that Eq 3 is solved on: features of either layout. Default: the rows of `features`. */
  readonly reference?: readonly DataFile[];
  /** The verbosity objective; absent with 19 objectives: 4 (helpsteer-verbosity). `none`: M is the identity. */
  readonly verbosityDimension?: number | 'none';
  readonly penaltyMethod?: PenaltyMethod;
}

export type ProbeProgress =
  | {
      readonly stage: 'read';
      readonly pass: number;
      readonly passes: number;
      readonly doneRows: number;
      readonly totalRows: number;
    }
  | { readonly stage: 'solve'; readonly done: number; readonly total: number }
  | { readonly stage: 'reference'; readonly doneRows: number; readonly totalRows: number }
  | { readonly stage: 'penalties'; readonly done: number; readonly total: number };

export interface ObjectiveProbe {
  readonly alpha: number;
  readonly validationMse: number;
  readonly trainRows: number;
  readonly validationRows: number;
  /** The α path, without the weights of the points not chosen. */
  readonly path: readonly Pick<RidgePathPoint, 'alpha' | 'validationMse'>[];
}

export interface ProbeResult {
  readonly objectives: number;
  readonly featureSize: number;
  /** One per objective; `undefined` where no row carried its label (its row of W is zero). */
  readonly probes: readonly (ObjectiveProbe | undefined)[];
  /** W `[k, d]`. */
  readonly regression: Float32Array;
  /** λ of the verbosity objective; absent where M is the identity. */
  readonly penalties?: DimensionPenalties;
  /** M `[k, k]`. */
  readonly transform: Float64Array;
  readonly warnings: readonly DataWarning[];
}

// ------------------------------------------------------------------------------------------------ gate

export type TrainingBackend = 'webgpu' | 'wasm-f32' | 'cpu-f64';

export interface TrainingRequest {
  /** Names the run's checkpoints; chosen by the page. */
  readonly runId: string;
  readonly features: readonly DataFile[];
  readonly head: TrainingHead;
  readonly options: TrainingOptions;
  /** Objectives the gate may weigh. Default all. */
  readonly activeObjectives?: readonly number[];
  /** First weights (their widths then replace `hidden` and `hiddenLayers`). Default fresh ones from the seed. */
  readonly initialGate?: readonly GateLayer[];
  /** Σg. Default 1. */
  readonly logitScale?: number;
  /** Default: WebGPU on a hardware adapter, otherwise the CPU. */
  readonly backend?: TrainingBackend;
  /** The pairs of every step, to follow another implementation's run; as many steps as the run has. Replaces seeded batches. */
  readonly batchRows?: readonly (readonly number[])[];
  /** Steps between two checkpoints that are stored without asking; 0: none. Default 500. */
  readonly checkpointEvery?: number;
  /** Go on from the run's stored checkpoint. */
  readonly resume?: boolean;
}

/** One step; the statistics are of its batch before the update. */
export interface TrainingStep {
  /** Steps done, this one included. */
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
  /** Mean entropy of the gate, nats. */
  readonly gateEntropy: number;
  readonly learningRate: number;
  /** β of this step's loss. */
  readonly beta: number;
}

/** The held-out pairs under the present gate (the training pairs where nothing is held out). */
export interface TrainingEvaluation {
  readonly step: number;
  readonly on: 'held-out' | 'training';
  readonly pairs: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly gateEntropy: number;
  /** Mean g by objective `[k]`, in units of Σg. */
  readonly meanGate: readonly number[];
  readonly beta: number;
  readonly health: GateHealth;
}

export type TrainingEvent =
  | {
      readonly kind: 'prepare';
      readonly stage: 'read' | 'rewards' | 'upload' | 'compile';
      readonly done: number;
      readonly total: number;
    }
  | { readonly kind: 'warning'; readonly warning: DataWarning }
  | {
      /** Data is in place, the first step is next. */
      readonly kind: 'started';
      readonly backend: TrainingBackend;
      /** Adapter or processor, in words. */
      readonly device: string;
      /** Why not the backend that would have been first, where it is another. */
      readonly reason?: string;
      readonly trainPairs: number;
      readonly heldOutPairs: number;
      /** Steps already done by the checkpoint that was resumed. */
      readonly fromStep: number;
      readonly parameters: number;
      /** Seconds a step is expected to take, timed on a few pairs; on the processor, where steps are long enough to be worth it. */
      readonly secondsPerStep?: number;
    }
  /** From the first step on it says how long the rest will take at the rate so far. */
  | {
      readonly kind: 'step';
      readonly steps: readonly TrainingStep[];
      readonly stepsPerSecond: number;
      readonly secondsLeft: number;
    }
  | { readonly kind: 'eval'; readonly evaluation: TrainingEvaluation }
  | { readonly kind: 'checkpoint'; readonly checkpoint: CheckpointInfo }
  | { readonly kind: 'paused'; readonly step: number }
  | { readonly kind: 'resumed'; readonly step: number }
  | { readonly kind: 'done'; readonly result: TrainedGate }
  | { readonly kind: 'failed'; readonly error: JobErrorData };

/** A gate to be judged as a run's own is: on the pairs that a run with this seed and split holds out. */
export interface GateEvaluationRequest {
  readonly features: readonly DataFile[];
  readonly head: TrainingHead;
  readonly gate: Gate;
  /** Of the loss; accuracy does not depend on it. */
  readonly beta: number;
  readonly seed: number;
  readonly validationSplit: number;
}

/** What a run ends with. */
export interface TrainedGate {
  readonly reason: 'finished' | 'stopped' | 'early-stop';
  /** Steps done by the gate that is given here. */
  readonly step: number;
  readonly head: RewardHead;
  readonly beta: number;
  readonly evaluation?: TrainingEvaluation;
}

/** A stored checkpoint. */
export interface CheckpointInfo {
  readonly runId: string;
  readonly step: number;
  readonly steps: number;
  readonly bytes: number;
  readonly backend: TrainingBackend;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

/** A run under way. After `done` or `failed` nothing more happens, and every call is a no-op. */
export interface TrainingRun {
  readonly runId: string;
  /** Resolves when the step under way has ended and the run stands still. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends the run; `done` follows with the gate as it is. */
  stop(): Promise<void>;
  /** Stores all the run is, between two steps. */
  checkpoint(): Promise<CheckpointInfo>;
  /** The event that ended it. */
  readonly ended: Promise<Extract<TrainingEvent, { kind: 'done' | 'failed' }>>;
}

export interface JobOptions<Progress> {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** Everything the page asks of training. Implemented by the host (in a worker or in the thread) and by the worker's client. */
export interface TrainingJobs {
  /** Headers, a sample of rows, what is odd. @throws JobError */
  describeFeatures(files: readonly DataFile[], options?: JobOptions<never>): Promise<FeatureSummary>;
  /** Heads from safetensors or `.pt`, several files merged. @throws JobError */
  readHeads(files: readonly DataFile[], options?: JobOptions<never>): Promise<HeadParts>;
  /** Stage 1 and Eq 3. @throws JobError */
  probe(request: ProbeRequest, options?: JobOptions<ProbeProgress>): Promise<ProbeResult>;
  /** Another gate, or other heads, on the pairs that judge a run: to compare with it. @throws JobError */
  evaluateGate(request: GateEvaluationRequest, options?: JobOptions<never>): Promise<TrainingEvaluation>;
  /** Starts a run; one at a time. Everything that goes wrong comes as `failed`. */
  train(request: TrainingRequest, onEvent: (event: TrainingEvent) => void): TrainingRun;
  /** Stored checkpoints, newest first. */
  checkpoints(): Promise<readonly CheckpointInfo[]>;
  removeCheckpoint(runId: string): Promise<void>;
  dispose(): Promise<void>;
}
