/**
 * `GateTrainer` in f32 on the processor: the network of gate-network.ts on WebAssembly SIMD and threads. Four times the f64
 * reference's speed a thread; for machines without a usable graphics card and for large runs on the command line. Both modes.
 */
import type { GateTrainerSettings, GateTrainerState, GateTrainingData } from './gate-trainer-backend.ts';
import {
  allocateTrainer,
  KernelGateTrainer,
  type TrainerArrays,
  trainerRun,
  type TrainerRun,
} from './kernel-gate-trainer.ts';
import type { GateLayer } from './reward-head.ts';
import { countBytes, type StartHelper, WasmKernel } from './wasm-kernel.ts';

export interface WasmTrainerOptions {
  /** Default 1. */
  readonly threads?: number;
  readonly startHelper?: StartHelper;
}

/**
 * @param start fresh layers, or a state to go on from (then `initialBeta` is not used).
 * @throws AssertionError on a wrong shape, or a run beyond wasm's 4 GiB; DataError where a pair's rewards are not finite.
 */
export async function openWasmGateTrainer(
  data: GateTrainingData,
  start: readonly GateLayer[] | GateTrainerState,
  initialBeta: number,
  settings: GateTrainerSettings,
  options: WasmTrainerOptions = {},
): Promise<WasmGateTrainer> {
  const run = trainerRun(data, start, initialBeta, settings);
  const bytes = countBytes((kernel) => allocateTrainer(kernel, run));
  const kernel = await WasmKernel.create(bytes, options.threads ?? 1, options.startHelper);
  return new WasmGateTrainer(kernel, allocateTrainer(kernel, run), run);
}

export class WasmGateTrainer extends KernelGateTrainer<Float32Array> {
  private readonly kernel: WasmKernel;

  constructor(kernel: WasmKernel, arrays: TrainerArrays<Float32Array>, run: TrainerRun) {
    super(arrays, run);
    this.kernel = kernel;
  }

  /** In words, for a person. */
  get description(): string {
    const { threads, fused } = this.kernel;
    return `processor, ${threads} thread${threads === 1 ? '' : 's'}, 32-bit wasm${fused ? ' with fused multiply-adds' : ''}`;
  }

  override dispose(): void {
    this.kernel.dispose();
  }
}
