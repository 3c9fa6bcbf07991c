/** The reference's f64 arithmetic (gate-network.ts, adamw.ts) behind the interface of every trainer. */
import type { GateTrainer, GateTrainerSettings, GateTrainerState, GateTrainingData } from './gate-trainer-backend.ts';
import { allocateTrainer, KernelGateTrainer, trainerRun } from './kernel-gate-trainer.ts';
import type { GateLayer } from './reward-head.ts';
import { exactKernel } from './row-products.ts';

/** Steps in f64, in this thread; rows stay where they are kept. @throws as `trainerRun`. */
export async function openCpuGateTrainer(
  data: GateTrainingData,
  start: readonly GateLayer[] | GateTrainerState,
  initialBeta: number,
  settings: GateTrainerSettings,
): Promise<GateTrainer> {
  const run = trainerRun(data, start, initialBeta, settings);
  return new KernelGateTrainer(allocateTrainer(exactKernel, run), run);
}
