/** A training run as it is described, and what each of its events changes of that: pure, serialisable, no arrays of weights. */
import type { TrainingOptions } from '@/core/training-options.ts';
import type { DataWarning } from '@/formats/preference-pairs.ts';
import type { JobErrorData } from '@/jobs/api/job-error.ts';
import type {
  CheckpointInfo,
  TrainedGate,
  TrainingBackend,
  TrainingEvaluation,
  TrainingEvent,
  TrainingStep,
} from '@/jobs/api/training.ts';

/** What the person asked to train on. A software GPU is used only where `webgpu` is asked for by name. */
export type TrainingDeviceChoice = 'automatic' | 'webgpu' | 'cpu';

/** Whose regression and transform the gate was trained under. */
export type HeadOrigin = 'model' | 'files' | 'probes';

export type TrainingPhase =
  | 'preparing'
  | 'running'
  /** Standing still, nothing lost. */
  | 'paused'
  /** Asked to stop; the step under way ends first. */
  | 'stopping'
  | 'done'
  | 'failed'
  /** The page was closed while it ran; it goes on from its checkpoint. */
  | 'interrupted';

export interface TrainingRunRecord {
  readonly runId: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly options: TrainingOptions;
  readonly device: TrainingDeviceChoice;
  readonly data: { readonly names: readonly string[]; readonly bytes: number; readonly sample: boolean };
  readonly headOrigin: HeadOrigin;
  /** Regression and transform, in words. */
  readonly headWords: string;
  /** The gate it began from, in words. */
  readonly firstWeights: string;
  readonly objectives: number;
  readonly featureSize: number;
  /** Package id of the model that was loaded and fits; the result can be used with it. */
  readonly modelId: string | undefined;
  readonly phase: TrainingPhase;
  readonly preparing: Extract<TrainingEvent, { kind: 'prepare' }> | undefined;
  readonly started: RunStart | undefined;
  /** The last step done. */
  readonly latest: TrainingStep | undefined;
  readonly stepsPerSecond: number;
  readonly secondsLeft: number;
  readonly evaluation: TrainingEvaluation | undefined;
  readonly checkpoint: CheckpointInfo | undefined;
  readonly warnings: readonly DataWarning[];
  readonly result: RunResult | undefined;
  readonly error: JobErrorData | undefined;
  /** The same pairs under other gates. */
  readonly comparison: RunComparison | undefined;
  /** Steps and evaluations in the run's curves, which lie beside the store: a chart is drawn anew when they change. */
  readonly curveSteps: number;
  readonly curveEvaluations: number;
}

export interface RunStart {
  readonly backend: TrainingBackend;
  readonly device: string;
  readonly reason: string | undefined;
  readonly trainPairs: number;
  readonly heldOutPairs: number;
  readonly fromStep: number;
  readonly parameters: number;
}

export interface RunResult {
  readonly reason: TrainedGate['reason'];
  readonly step: number;
  readonly beta: number;
}

/** Gates judged on the pairs that judge the run. */
export interface RunComparison {
  /** The trained gate. */
  readonly trained: TrainingEvaluation;
  /** Every objective the same weight, under the run's own regression and transform. */
  readonly even: TrainingEvaluation;
  /** The loaded model's whole head as it is. */
  readonly original: TrainingEvaluation | undefined;
}

/** What is known when a run is asked for. */
export type RunDescription = Pick<
  TrainingRunRecord,
  | 'runId'
  | 'name'
  | 'createdAtMs'
  | 'options'
  | 'device'
  | 'data'
  | 'headOrigin'
  | 'headWords'
  | 'firstWeights'
  | 'objectives'
  | 'featureSize'
  | 'modelId'
>;

export function newRun(description: RunDescription): TrainingRunRecord {
  return {
    ...description,
    phase: 'preparing',
    preparing: undefined,
    started: undefined,
    latest: undefined,
    stepsPerSecond: 0,
    secondsLeft: Number.NaN,
    evaluation: undefined,
    checkpoint: undefined,
    warnings: [],
    result: undefined,
    error: undefined,
    comparison: undefined,
    curveSteps: 0,
    curveEvaluations: 0,
  };
}

/** Runs that have neither ended nor been cut off. */
export function isActive({ phase }: Pick<TrainingRunRecord, 'phase'>): boolean {
  return phase === 'preparing' || phase === 'running' || phase === 'paused' || phase === 'stopping';
}

/** Whether it can go on from a checkpoint. */
export function canGoOn(run: TrainingRunRecord): boolean {
  return !isActive(run) && run.checkpoint !== undefined && run.result?.reason !== 'finished';
}

/** Steps done by the gate as it is. */
export function stepsDone(run: TrainingRunRecord): number {
  return run.result?.step ?? run.latest?.step ?? run.started?.fromStep ?? run.checkpoint?.step ?? 0;
}

/** The run after an event. Events that come after the end change nothing. */
export function reduceRun(run: TrainingRunRecord, event: TrainingEvent): TrainingRunRecord {
  if (!isActive(run)) return run;
  switch (event.kind) {
    case 'prepare':
      return { ...run, preparing: event };
    case 'warning':
      return run.warnings.some(({ message }) => message === event.warning.message)
        ? run
        : { ...run, warnings: [...run.warnings, event.warning] };
    case 'started': {
      const { backend, device, reason, trainPairs, heldOutPairs, fromStep, parameters, secondsPerStep } = event;
      const started = { backend, device, reason, trainPairs, heldOutPairs, fromStep, parameters };
      // Until a step has been done, what was estimated.
      const expected =
        secondsPerStep === undefined
          ? {}
          : { stepsPerSecond: 1 / secondsPerStep, secondsLeft: secondsPerStep * (run.options.steps - fromStep) };
      const phase = run.phase === 'preparing' ? 'running' : run.phase;
      return { ...run, ...expected, started, preparing: undefined, phase };
    }
    case 'step': {
      const { steps, stepsPerSecond, secondsLeft } = event;
      return { ...run, latest: steps.at(-1) ?? run.latest, stepsPerSecond, secondsLeft };
    }
    case 'eval':
      return { ...run, evaluation: event.evaluation };
    case 'checkpoint':
      return { ...run, checkpoint: event.checkpoint };
    case 'paused':
      return run.phase === 'stopping' ? run : { ...run, phase: 'paused' };
    case 'resumed':
      return run.phase === 'stopping' ? run : { ...run, phase: 'running' };
    case 'done': {
      const { reason, step, beta, evaluation } = event.result;
      const result = { reason, step, beta };
      return { ...run, phase: 'done', result, evaluation: evaluation ?? run.evaluation, preparing: undefined };
    }
    default:
      return { ...run, phase: 'failed', error: event.error, preparing: undefined };
  }
}

/** A run read back after the page was closed: what was going on then goes on from its checkpoint, or is over. */
export function afterReload(run: TrainingRunRecord): TrainingRunRecord {
  return isActive(run) ? { ...run, phase: 'interrupted', preparing: undefined } : run;
}

/**
 * Steps between two stored checkpoints: twenty in a run, so that a closed tab loses little of a short one, and at most 500 steps
 * apart, so that it loses little of a long one.
 */
export function checkpointEvery(steps: number): number {
  return Math.min(500, Math.max(5, Math.round(steps / 20)));
}
