/** Which trainer runs a request, and on what. */
import { openCpuGateTrainer } from '@/core/cpu-gate-trainer.ts';
import type { GateTrainer, GateTrainerState } from '@/core/gate-trainer-backend.ts';
import type { TrainingBackend, TrainingRequest } from '@/jobs/api/training.ts';
import type { PreparedTraining } from './prepare-training.ts';

export interface OpenTrainer {
  readonly trainer: GateTrainer;
  readonly backend: TrainingBackend;
  /** Adapter or processor, in words. */
  readonly device: string;
  /** Why not the backend that would have been first. */
  readonly reason?: string;
}

/** Opens a trainer at the request's first gate, or at `state`. */
export type TrainerFactory = (
  request: TrainingRequest,
  prepared: PreparedTraining,
  state?: GateTrainerState,
) => Promise<OpenTrainer>;

/** The f64 reference, in this thread. */
export const cpuTrainerFactory: TrainerFactory = async (_request, prepared, state) => ({
  trainer: await openCpuGateTrainer(prepared.data, state ?? prepared.layers, prepared.initialBeta, prepared.settings),
  backend: 'cpu-f64',
  device: 'processor, 64-bit',
});

/** Multiply-adds of one step: forward, gradient of the weights, gradient of the inputs of all layers but the first. */
export function stepWork({ layers, data, settings }: PreparedTraining): number {
  const { batchSize, pairs } = settings.batches;
  const rows = batchSize === 'all' ? (typeof pairs === 'number' ? pairs : pairs.length) : batchSize;
  const weights = layers.reduce((sum, { inputSize, outputSize }) => sum + inputSize * outputSize, 0);
  const first = (layers[0]?.outputSize ?? 0) * data.rows.featureSize;
  return (settings.mode === 'authors-script' ? 2 : 1) * rows * (3 * weights - first);
}

/** Multiply-adds of the whole run. */
export function runWork({ options }: TrainingRequest, prepared: PreparedTraining): number {
  return options.steps * stepWork(prepared);
}
