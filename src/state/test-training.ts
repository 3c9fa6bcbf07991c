/** Training jobs without a worker, for tests of the state: a run that does what it is told, step by step. */
import type { RewardHead } from '@/core/reward-head.ts';
import { trainingDefaults } from '@/core/training-options.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import type {
  CheckpointInfo,
  TrainingEvaluation,
  TrainingEvent,
  TrainingJobs,
  TrainingRequest,
  TrainingStep,
} from '@/jobs/api/training.ts';
import type { StoredTrainingRun, TrainingStorage } from './training-storage.ts';
import type { RunPlan } from './training-store.ts';

export const testHead: RewardHead = {
  objectives: 2,
  featureSize: 3,
  regression: Float32Array.of(1, 0, 0, 0, 1, 0),
  transform: Float64Array.of(1, 0, 0, 1),
  gate: {
    layers: [{ weight: new Float32Array(6).fill(0.5), bias: new Float32Array(2), inputSize: 3, outputSize: 2 }],
    temperature: 10,
    logitScale: 1,
  },
};

export const testStep = (step: number): TrainingStep => ({
  step,
  loss: 1 / step,
  accuracy: 0.5,
  gateEntropy: 0.6,
  beta: 100,
  learningRate: 1e-3,
});

export const testEvaluation = (step: number, accuracy = 0.6): TrainingEvaluation => ({
  step,
  on: 'held-out',
  pairs: 50,
  loss: 0.5,
  accuracy,
  gateEntropy: 0.6,
  meanGate: [0.7, 0.3],
  beta: 100,
  health: {
    meanGate: [0.7, 0.3],
    meanEntropy: 0.6,
    entropyOfMean: 0.6,
    variation: 0.1,
    deadMass: 0,
    top: { objective: 0, share: 0.7 },
    warnings: [],
  },
});

export const testPlan = (steps = 100): RunPlan => ({
  description: {
    options: { ...trainingDefaults('paper'), steps },
    device: 'cpu',
    data: { names: ['pairs.safetensors'], bytes: 10, sample: false },
    headOrigin: 'model',
    headWords: 'the heads of a test',
    firstWeights: 'fresh weights, seed 0',
    objectives: 2,
    featureSize: 3,
    modelId: 'test@1',
  },
  files: [{ kind: 'blob', name: 'pairs.safetensors', blob: new Blob(['0123456789']) }],
  parts: {
    linear: { regression: testHead.regression, transform: testHead.transform },
    activeObjectives: undefined,
    initialGate: undefined,
    logitScale: undefined,
    original: undefined,
  },
});

export interface ScriptedJobs extends TrainingJobs {
  readonly requests: TrainingRequest[];
  readonly stored: Map<string, CheckpointInfo>;
  /** Says something happened to the run under way. */
  emit(event: TrainingEvent): void;
  /** The last step that was emitted. */
  step: number;
}

/** Nothing happens by itself but what a call asks for. */
export function scriptedJobs(stored = new Map<string, CheckpointInfo>()): ScriptedJobs {
  let send: ((event: TrainingEvent) => void) | undefined;
  let begun = false;
  const refuse = () => Promise.reject(new JobError({ code: 'internal', message: 'not scripted' }));
  const jobs: ScriptedJobs = {
    requests: [],
    stored,
    step: 0,
    emit(event) {
      if (event.kind === 'started') begun = true;
      if (event.kind === 'step') jobs.step = event.steps.at(-1)?.step ?? jobs.step;
      send?.(event);
    },
    describeFeatures: refuse,
    readHeads: refuse,
    probe: refuse,
    evaluateGate: async () => testEvaluation(0),
    train(request, onEvent) {
      jobs.requests.push(request);
      begun = false;
      const ended = new Promise<Extract<TrainingEvent, { kind: 'done' | 'failed' }>>((resolve) => {
        send = (event) => {
          onEvent(event);
          if (event.kind !== 'done' && event.kind !== 'failed') return;
          send = undefined;
          resolve(event);
        };
      });
      const { runId, options } = request;
      return {
        runId,
        ended,
        pause: async () => jobs.emit({ kind: 'paused', step: jobs.step }),
        resume: async () => jobs.emit({ kind: 'resumed', step: jobs.step }),
        // Before the first step there is nothing to give.
        stop: async () =>
          jobs.emit(
            begun
              ? testDone(jobs.step, 'stopped')
              : { kind: 'failed', error: { code: 'aborted', message: 'Cancelled.' } },
          ),
        async checkpoint() {
          const info = {
            runId,
            step: jobs.step,
            steps: options.steps,
            bytes: 9,
            backend: 'wasm-f32',
            savedAt: 1,
          } as const;
          stored.set(runId, info);
          jobs.emit({ kind: 'checkpoint', checkpoint: info });
          return info;
        },
      };
    },
    checkpoints: async () => [...stored.values()],
    removeCheckpoint: async (runId) => void stored.delete(runId),
    dispose: async () => undefined,
  };
  return jobs;
}

export const testStarted = (fromStep = 0): TrainingEvent => ({
  kind: 'started',
  backend: 'wasm-f32',
  device: 'processor, 2 threads',
  trainPairs: 40,
  heldOutPairs: 10,
  fromStep,
  parameters: 8,
});

export const testDone = (
  step: number,
  reason: 'finished' | 'stopped' | 'early-stop' = 'finished',
): Extract<TrainingEvent, { kind: 'done' }> => ({
  kind: 'done',
  result: { reason, step, head: testHead, beta: 101, evaluation: testEvaluation(step) },
});

/** In memory; entries are cloned as IndexedDB does. */
export function memoryTrainingStorage(entries = new Map<string, StoredTrainingRun>()): TrainingStorage {
  return {
    list: async () => [...entries.values()].sort((a, b) => a.record.createdAtMs - b.record.createdAtMs),
    put: async (run) => void entries.set(run.record.runId, structuredClone(run)),
    remove: async (runId) => void entries.delete(runId),
  };
}
