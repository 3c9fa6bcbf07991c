/** Which trainer a page's worker uses: WebGPU on a graphics card, otherwise wasm threads (runtime.md: many times a software adapter). */
import { helperSource, type StartHelper } from '@/core/wasm-kernel.ts';
import { openGpuGateTrainer } from '@/gpu/gpu-gate-trainer.ts';
import { openTrainingDevice, type TrainingDevice } from '@/gpu/training-device.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import type { TrainingBackend, TrainingRequest } from '@/jobs/api/training.ts';
import { keptRowBytes } from './gate-rows.ts';
import { openExactTrainer, openFastTrainer, type TrainerFactory } from './trainer-factory.ts';

/** More share one memory bus without getting faster. */
const mostThreads = 8;

/** A wasm helper as a worker. The program is a few lines of text, so that it needs no file of its own. */
export const startWebHelper: StartHelper = (data) =>
  new Promise((resolve, reject) => {
    const program = `${helperSource}\nonmessage = ({ data }) => { postMessage('ready'); serve(data); };`;
    const url = URL.createObjectURL(new Blob([program], { type: 'text/javascript' }));
    const worker = new Worker(url);
    worker.addEventListener('message', () => {
      URL.revokeObjectURL(url);
      resolve(worker);
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      reject(new Error(`A helper thread could not be started: ${event.message}`));
    });
    worker.postMessage(data, []);
  });

interface Choice {
  readonly backend: TrainingBackend;
  readonly device?: TrainingDevice;
  readonly reason?: string;
}

export function webTrainerFactory(): TrainerFactory {
  /** Made for the run that is being opened, so that it is asked for once. */
  let choice: Promise<Choice> | undefined;
  const choose = (request: TrainingRequest): Promise<Choice> => (choice ??= chooseBackend(request));
  return {
    async rowBytes(request) {
      choice = undefined;
      return (await choose(request)).backend === 'webgpu' ? 0 : keptRowBytes;
    },
    async open(request, prepared, state, onEvent) {
      const chosen = await choose(request);
      // A stored run goes on where it ran.
      const { backend, device, reason } =
        request.backend === undefined || request.backend === chosen.backend ? chosen : await chooseBackend(request);
      choice = undefined;
      const why = reason === undefined ? {} : { reason };
      if (backend === 'cpu-f64') return { ...(await openExactTrainer(prepared, state)), ...why };
      if (device !== undefined) {
        onEvent({ kind: 'prepare', stage: 'compile', done: 0, total: 1 });
        const { data, layers, initialBeta, settings } = prepared;
        const trainer = await openGpuGateTrainer(device, data, state ?? layers, initialBeta, settings, {
          onUpload: (done, total) => onEvent({ kind: 'prepare', stage: 'upload', done, total }),
        });
        const release = () => device.device.destroy();
        return { trainer, backend: 'webgpu', device: device.adapter, release, ...why };
      }
      const threads = globalThis.crossOriginIsolated ? Math.min(mostThreads, navigator.hardwareConcurrency) : 1;
      return { ...(await openFastTrainer(prepared, state, { threads, startHelper: startWebHelper })), ...why };
    },
  };
}

/** @throws JobError when WebGPU was asked for by name and cannot be had. */
async function chooseBackend({ backend, options }: TrainingRequest): Promise<Choice> {
  if (backend === 'cpu-f64' || backend === 'wasm-f32') return { backend };
  if (options.mode === 'authors-script') {
    const reason = 'The authors’ way is trained on the processor alone.';
    if (backend === 'webgpu') throw new JobError({ code: 'bad-input', message: reason });
    return { backend: 'wasm-f32', reason };
  }
  const opened = await openTrainingDevice();
  if ('unavailable' in opened) {
    if (backend === 'webgpu') throw new JobError({ code: 'bad-input', message: opened.unavailable });
    return { backend: 'wasm-f32', reason: opened.unavailable };
  }
  if (opened.software && backend !== 'webgpu') {
    opened.device.destroy();
    const reason = `WebGPU here is ${opened.adapter}: the processor trains faster by itself.`;
    return { backend: 'wasm-f32', reason };
  }
  return { backend: 'webgpu', device: opened };
}
