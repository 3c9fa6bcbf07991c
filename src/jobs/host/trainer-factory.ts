/** Which trainer runs a request, and on what. */
import { openCpuGateTrainer } from '@/core/cpu-gate-trainer.ts';
import type { GateTrainer, GateTrainerState } from '@/core/gate-trainer-backend.ts';
import { openWasmGateTrainer, type WasmTrainerOptions } from '@/core/wasm-gate-trainer.ts';
import type { TrainingBackend, TrainingEvent, TrainingRequest } from '@/jobs/api/training.ts';
import type { PreparedTraining } from './prepare-training.ts';

export interface OpenTrainer {
  readonly trainer: GateTrainer;
  readonly backend: TrainingBackend;
  /** Adapter or processor, in words. */
  readonly device: string;
  /** Why not the backend that would have been first. */
  readonly reason?: string;
  /** Frees what the trainer runs on, when the run has ended. */
  readonly release?: () => void;
}

export interface TrainerFactory {
  /** Bytes of gate rows that may be kept in memory; rows beyond stay in their files. Asked before anything is read. */
  rowBytes(request: TrainingRequest): Promise<number>;
  /** Opens a trainer at the request's first gate, or at `state`. */
  open(
    request: TrainingRequest,
    prepared: PreparedTraining,
    state: GateTrainerState | undefined,
    onEvent: (event: TrainingEvent) => void,
  ): Promise<OpenTrainer>;
}

/** The f64 reference, in this thread. */
export async function openExactTrainer(prepared: PreparedTraining, state?: GateTrainerState): Promise<OpenTrainer> {
  const { data, layers, initialBeta, settings } = prepared;
  const trainer = await openCpuGateTrainer(data, state ?? layers, initialBeta, settings);
  return { trainer, backend: 'cpu-f64', device: 'processor, 64-bit' };
}

/** f32 in wasm. */
export async function openFastTrainer(
  prepared: PreparedTraining,
  state: GateTrainerState | undefined,
  options: WasmTrainerOptions,
): Promise<OpenTrainer> {
  const { data, layers, initialBeta, settings } = prepared;
  const trainer = await openWasmGateTrainer(data, state ?? layers, initialBeta, settings, options);
  return { trainer, backend: 'wasm-f32', device: trainer.description };
}

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
