/** Everything that may go wrong in a job, as the one error that crosses the boundary. */
import { DataError } from '@/core/errors.ts';
import { FormatError } from '@/formats/errors.ts';
import { DeviceLostError, DeviceMemoryError } from '@/gpu/training-device.ts';
import { JobError, type JobErrorCode } from '@/jobs/api/job-error.ts';

export function jobErrorFrom(cause: unknown): JobError {
  if (cause instanceof JobError) return cause;
  if (!(cause instanceof Error)) return new JobError({ code: 'internal', message: String(cause) });
  const code = codeOf(cause);
  if (code === 'aborted') return new JobError({ code, message: 'Cancelled.' });
  const detail = cause.stack === undefined ? {} : { detail: cause.stack };
  return new JobError({ code, message: messageOf(code, cause), ...detail });
}

function codeOf(cause: Error): JobErrorCode {
  if (cause instanceof FormatError) return cause.code === 'network' ? 'network' : 'bad-input';
  if (cause instanceof DataError) return cause.where.startsWith('step ') ? 'diverged' : 'bad-input';
  if (cause instanceof DeviceLostError) return 'device-lost';
  if (cause instanceof DeviceMemoryError) return 'out-of-memory';
  if (cause.name === 'AbortError') return 'aborted';
  if (cause.name === 'QuotaExceededError') return 'storage';
  // What engines throw when an array or a wasm memory finds no room.
  if (cause instanceof RangeError && /alloc|memory|invalid (typed )?array (buffer )?length/i.test(cause.message))
    return 'out-of-memory';
  return 'internal';
}

function messageOf(code: JobErrorCode, { message }: Error): string {
  if (code === 'device-lost') return `${message} Go on from the last checkpoint, or train on the processor.`;
  if (code === 'out-of-memory') return `${message} Train with a smaller batch or a smaller gate, or close other pages.`;
  if (code === 'storage') return `There is no room left to store the checkpoint: ${message} Remove old runs.`;
  return message;
}
