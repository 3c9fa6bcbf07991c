/** The radar, fetched when it is first shown: its library must not delay the first paint. */
import { lazy, Suspense, type ComponentProps } from 'react';
import type { ObjectiveRadar } from '@/components/objective-radar.tsx';
import { trackWork } from '@/state/pending-work.ts';
import classes from './comparison.module.css';

const Lazy = lazy(async () => {
  const module = await trackWork(import('@/components/objective-radar.tsx'));
  return { default: module.ObjectiveRadar };
});

export function LazyObjectiveRadar(props: ComponentProps<typeof ObjectiveRadar>) {
  return (
    <Suspense fallback={<div className={classes.chartPlaceholder} aria-busy="true" />}>
      <Lazy {...props} />
    </Suspense>
  );
}
