/** Everything that can go wrong below the engine, as the one error that crosses its boundary. */
import { EngineError } from '@/engine/api/errors.ts';
import { FormatError } from '@/formats/errors.ts';

/** ONNX Runtime, browsers and the wasm allocator each have their own words for it. */
const outOfMemory = /out of memory|bad_alloc|failed to allocate|allocation failed|not enough memory|OutOfMemory/i;

export function toEngineError(cause: unknown): EngineError {
  if (cause instanceof EngineError) return cause;
  if (cause instanceof FormatError) {
    return new EngineError({
      code: cause.code === 'network' ? 'network' : 'bad-package',
      message: cause.message,
      detail: `${cause.code} in ${cause.where}`,
    });
  }
  if (cause instanceof Error && outOfMemory.test(cause.message)) {
    return new EngineError({
      code: 'out-of-memory',
      message:
        'The device has not enough memory for this model. Close other pages, or choose a smaller model or the wasm provider.',
      detail: cause.message,
    });
  }
  return EngineError.from(cause);
}

export function isAbort(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    (cause.name === 'AbortError' || (cause instanceof EngineError && cause.code === 'aborted'))
  );
}
