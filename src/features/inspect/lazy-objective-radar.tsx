/** The radar, fetched when it is first shown: its library must not delay the first paint. */
import { lazy, memo, Suspense, type ComponentProps } from 'react';
import type { ObjectiveRadar } from '@/components/objective-radar.tsx';
import { trackWork } from '@/state/pending-work.ts';
import classes from './comparison.module.css';

const Lazy = lazy(async () => {
  const module = await trackWork(import('@/components/objective-radar.tsx'));
  return { default: module.ObjectiveRadar };
});

type Props = ComponentProps<typeof ObjectiveRadar>;

/** Drawn anew only when what it shows changes: typing in an editor must not redraw every chart. */
export const LazyObjectiveRadar = memo(
  function LazyObjectiveRadar(props: Props) {
    return (
      <Suspense fallback={<div className={classes.chartPlaceholder} aria-busy="true" />}>
        <Lazy {...props} />
      </Suspense>
    );
  },
  // A radar is at most a hundred numbers; comparing them is nothing beside drawing them.
  (before, after) => JSON.stringify(before) === JSON.stringify(after),
);
