/**
 * Runs an asynchronous task so that only the latest call counts: a new call aborts the one before, whose result and errors are
 * then dropped. For work that follows a control faster than it finishes (typing, sliders).
 */

/** How a call ended: with its value, or overtaken by a later call or `cancel` (then its value, if any, is stale). */
export type LatestOutcome<T> = { readonly outcome: 'done'; readonly value: T } | { readonly outcome: 'superseded' };

export interface LatestWins<Arguments extends readonly unknown[], T> {
  /** Starts the task and supersedes the running call, if any, at once. Rejects only with the error of a call still latest. */
  run(...args: Arguments): Promise<LatestOutcome<T>>;
  /** Supersedes the running call, if any. */
  cancel(): void;
}

/** Wraps `task`, which gets a signal aborted as soon as its call is superseded. A task that ignores it is ignored in turn. */
export function latestWins<Arguments extends readonly unknown[], T>(
  task: (signal: AbortSignal, ...args: Arguments) => Promise<T>,
): LatestWins<Arguments, T> {
  let current: AbortController | undefined;
  const cancel = (): void => {
    const previous = current;
    current = undefined;
    previous?.abort();
  };
  return {
    cancel,
    async run(...args) {
      cancel();
      const controller = new AbortController();
      current = controller;
      const superseded = new Promise<LatestOutcome<T>>((resolve) => {
        controller.signal.addEventListener('abort', () => resolve({ outcome: 'superseded' }), { once: true });
      });
      const done = (async (): Promise<LatestOutcome<T>> => {
        try {
          return { outcome: 'done', value: await task(controller.signal, ...args) };
        } catch (error) {
          if (controller.signal.aborted) return { outcome: 'superseded' };
          throw error;
        } finally {
          if (current === controller) current = undefined;
        }
      })();
      return Promise.race([superseded, done]);
    },
  };
}
