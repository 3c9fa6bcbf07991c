/** `window.armoscope.whenIdle()`: resolves when no work is running, so that tests wait for a fact instead of a time. */
import type { QueryClient } from '@tanstack/react-query';
import { onPendingWork, pendingWork } from '@/state/pending-work.ts';

/** Idleness must hold this long: work that ends often starts more in the next render (a loaded model scores the example). */
const SETTLE_MS = 100;

export interface IdleSignal {
  readonly isIdle: () => boolean;
  readonly whenIdle: () => Promise<void>;
}

/** Watches the query client and the counted work. */
export function idleSignal(client: QueryClient): IdleSignal {
  const isIdle = () => pendingWork() === 0 && client.isFetching() === 0 && client.isMutating() === 0;
  const waiting = new Set<() => void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const reconsider = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.size === 0 || !isIdle()) return;
    timer = setTimeout(() => {
      if (!isIdle()) return;
      for (const resolve of waiting) resolve();
      waiting.clear();
    }, SETTLE_MS);
  };
  client.getQueryCache().subscribe(reconsider);
  client.getMutationCache().subscribe(reconsider);
  onPendingWork(reconsider);
  return {
    isIdle,
    whenIdle: () =>
      new Promise((resolve) => {
        waiting.add(resolve);
        reconsider();
      }),
  };
}

declare global {
  interface Window {
    armoscope?: IdleSignal;
  }
}
