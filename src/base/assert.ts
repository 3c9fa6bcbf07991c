/**
 * Developer errors: a broken promise between two pieces of this code, never bad user input (that is a typed error of the
 * layer that read it).
 */

/** Thrown by `assert`; seeing one means a bug in the caller. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/**
 * Throws an `AssertionError` unless `condition` holds. A message that is costly to build is passed as a function.
 */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionError(typeof message === 'string' ? message : message());
}

/** `value`, proven present: for indexing that a loop's bounds already guarantee. Throws an `AssertionError` otherwise. */
export function defined<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new AssertionError(`${what} is missing`);
  return value;
}
