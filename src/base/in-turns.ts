/** Work of which several pieces are done at a time, but not all. */

/**
 * Runs `jobs`, `atOnce` of them at a time, in order. The first that fails ends the others through their signal.
 * @throws what it does, when all have ended; the signal's reason.
 */
export async function inTurns(
  jobs: readonly ((signal: AbortSignal) => Promise<void>)[],
  atOnce: number,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const waiting = jobs.values();
  const run = async (): Promise<void> => {
    try {
      for (const job of waiting) {
        either.throwIfAborted();
        await job(either);
      }
    } catch (error) {
      stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, run));
  either.throwIfAborted();
}
