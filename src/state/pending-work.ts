/**
 * Counts work that the query cache does not know of (lazy code, files being read, a click that becomes a query), so that
 * `window.armoscope.whenIdle()` can say when nothing is running.
 */
let pending = 0;
const listeners = new Set<() => void>();

function change(by: 1 | -1): void {
  pending += by;
  for (const listener of listeners) listener();
}

export function pendingWork(): number {
  return pending;
}

/** Calls `listener` after every change of the count; returns the way to stop. */
export function onPendingWork(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Marks work as running until the returned function is called; calling it again does nothing. */
export function beginWork(): () => void {
  change(1);
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    change(-1);
  };
}

/** `promise` itself, counted as running until it settles. */
export async function trackWork<T>(promise: Promise<T>): Promise<T> {
  const end = beginWork();
  try {
    return await promise;
  } finally {
    end();
  }
}
