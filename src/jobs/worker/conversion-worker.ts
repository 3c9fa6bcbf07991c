/** The entry of a worker that converts one checkpoint: it brings ONNX Runtime and the tokenizer, which other jobs do not need. */
import { convertInPage } from '@/jobs/conversion/web-conversion.ts';
import { servePackageTask } from './package-server.ts';

const createRoundingWorker = (): Worker =>
  new Worker(new URL('./rounding-worker.ts', import.meta.url), { type: 'module' });

servePackageTask(async (call, signal) => {
  if (call.task !== 'convert') throw new Error(`this worker does not ${call.task}`);
  return convertInPage(call.request, createRoundingWorker, signal);
}, self);
