/** The charts, fetched when the first result is there: they, their menus and style sheets must not delay the first paint. */
import { lazy, Suspense, type ComponentProps } from 'react';
import { WhenNear } from '@/components/when-near.tsx';
import { useModel } from '@/queries/model-queries.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { Comparison } from './comparison.tsx';
import type { ResponseStory } from './response-story.tsx';
import classes from './response-panel.module.css';

const Lazy = lazy(async () => {
  const module = await trackWork(import('./comparison.tsx'));
  return { default: module.Comparison };
});

const LazyStory = lazy(async () => {
  const module = await trackWork(import('./response-story.tsx'));
  return { default: module.ResponseStory };
});

export function LazyComparison(props: ComponentProps<typeof Comparison>) {
  const settled = useModel().status !== 'loading';
  if (props.entries.every((entry) => entry.scored === undefined)) return undefined;
  return (
    <WhenNear now={settled} placeholder={classes.comparisonPlaceholder}>
      <Suspense fallback={<div className={classes.comparisonPlaceholder} aria-busy="true" />}>
        <Lazy {...props} />
      </Suspense>
    </WhenNear>
  );
}

export function LazyResponseStory(props: ComponentProps<typeof ResponseStory>) {
  return (
    <Suspense fallback={<div className={classes.storyPlaceholder} aria-busy="true" />}>
      <LazyStory {...props} />
    </Suspense>
  );
}
