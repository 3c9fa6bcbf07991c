/**
 * Fetches what the page may still need once nothing else runs, so that opening a view waits for nothing, and so that the page
 * keeps working when its server is gone.
 */
import { loadExamples } from '@/state/examples.ts';
import { dialogPrefetches } from './shell-dialogs.tsx';
import { views } from './views.ts';

/** One after another: nobody is waiting, and the connection may be the person's own. */
export async function prefetchAll(): Promise<void> {
  for (const prefetch of [...dialogPrefetches, ...views.flatMap((view) => view.prefetch ?? []), loadExamples]) {
    try {
      await prefetch();
    } catch {
      // Whoever opens it is told, and may try again.
      return;
    }
  }
}
