/** Which trainer the command line uses: f64 while that takes minutes at most, f32 on wasm threads for larger runs. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { openWasmGateTrainer } from '@/core/wasm-gate-trainer.ts';
import { helperSource, type StartHelper } from '@/core/wasm-kernel.ts';
import { cpuTrainerFactory, runWork, type TrainerFactory } from '@/jobs/host/trainer-factory.ts';

export interface NodeTrainerOptions {
  readonly precision: 'auto' | 'f64' | 'f32';
  readonly threads?: number;
}

/** Multiply-adds of a whole run up to which f64 is used: about five minutes of one core. */
const largestExactRun = 5e11;

/** A wasm helper as a thread of this process; it keeps nothing alive. */
export const startNodeHelper: StartHelper = (workerData) =>
  new Promise((resolve, reject) => {
    const program = `${helperSource}\nserve(require('node:worker_threads').workerData);`;
    const worker = new Worker(program, { eval: true, workerData, execArgv: [] });
    worker.unref();
    worker.once('error', reject);
    worker.once('online', () => resolve({ terminate: () => void worker.terminate() }));
  });

export function nodeTrainerFactory({ precision, threads }: NodeTrainerOptions): TrainerFactory {
  return async (request, prepared, state) => {
    const exact = precision === 'f64' || (precision === 'auto' && runWork(request, prepared) <= largestExactRun);
    if (exact) return cpuTrainerFactory(request, prepared, state);
    const { data, layers, initialBeta, settings } = prepared;
    const trainer = await openWasmGateTrainer(data, state ?? layers, initialBeta, settings, {
      threads: threads ?? availableParallelism(),
      startHelper: startNodeHelper,
    });
    return { trainer, backend: 'wasm-f32', device: trainer.description };
  };
}
