/** Which trainer the command line uses: f64 while that takes minutes at most, f32 on wasm threads for larger runs. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { helperSource, type StartHelper } from '@/core/wasm-kernel.ts';
import { keptRowBytes } from '@/jobs/host/gate-rows.ts';
import { openExactTrainer, openFastTrainer, runWork, type TrainerFactory } from '@/jobs/host/trainer-factory.ts';

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
    worker.once('error', reject);
    worker.once('online', () => {
      // From here on it waits for products, which must not keep the process from ending; until here it must not end.
      worker.unref();
      resolve({ terminate: () => void worker.terminate() });
    });
  });

export function nodeTrainerFactory({ precision, threads }: NodeTrainerOptions): TrainerFactory {
  return {
    rowBytes: async () => keptRowBytes,
    async open(request, prepared, state) {
      // A stored run goes on in the precision it has.
      const backend =
        request.backend ?? (precision === 'f64' ? 'cpu-f64' : precision === 'f32' ? 'wasm-f32' : undefined);
      const exact = backend === 'cpu-f64' || (backend === undefined && runWork(request, prepared) <= largestExactRun);
      if (exact) return openExactTrainer(prepared, state);
      return openFastTrainer(prepared, state, {
        threads: threads ?? availableParallelism(),
        startHelper: startNodeHelper,
      });
    },
  };
}
