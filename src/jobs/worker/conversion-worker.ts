/** The entry of a worker that converts one checkpoint: it brings ONNX Runtime and the tokenizer, which other jobs do not need. */
import { convertInPage } from '@/jobs/conversion/web-conversion.ts';
import { servePackageTask } from './package-server.ts';

servePackageTask(async (call, signal) => {
  if (call.task !== 'convert') throw new Error(`this worker does not ${call.task}`);
  return convertInPage(call.request, signal);
}, self);
