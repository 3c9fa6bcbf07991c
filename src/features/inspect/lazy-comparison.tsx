/** The comparison, fetched when the first result is there: its charts, menus and style sheets must not delay the first paint. */
import { lazy, Suspense, type ComponentProps } from 'react';
import { trackWork } from '@/state/pending-work.ts';
import type { Comparison } from './comparison.tsx';

const Lazy = lazy(async () => {
  const module = await trackWork(import('./comparison.tsx'));
  return { default: module.Comparison };
});

export function LazyComparison(props: ComponentProps<typeof Comparison>) {
  if (props.entries.every((entry) => entry.scored === undefined)) return undefined;
  return (
    <Suspense fallback={<section className="card" aria-label="Comparison" aria-busy="true" />}>
      <Lazy {...props} />
    </Suspense>
  );
}
