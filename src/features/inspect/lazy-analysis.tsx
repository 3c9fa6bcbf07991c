/**
 * What the responses say together. The verdict comes with the first script; the charts are fetched when the first result is there, as
 * they, their menus and style sheets must not delay the first paint.
 */
import { lazy, Suspense, type ComponentProps } from 'react';
import { WhenNear } from '@/components/when-near.tsx';
import { useModel } from '@/queries/model-queries.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { ComparisonCharts } from './comparison-charts.tsx';
import { scoredEntries } from './entries.ts';
import type { ResponseStory } from './response-story.tsx';
import { Verdict } from './verdict.tsx';
import comparison from './comparison.module.css';
import classes from './response-panel.module.css';

const LazyCharts = lazy(async () => {
  const module = await trackWork(import('./comparison-charts.tsx'));
  return { default: module.ComparisonCharts };
});

const LazyStory = lazy(async () => {
  const module = await trackWork(import('./response-story.tsx'));
  return { default: module.ResponseStory };
});

export function Comparison({ manifest, entries }: ComponentProps<typeof ComparisonCharts>) {
  const settled = useModel().status !== 'loading';
  const scored = scoredEntries(entries);
  if (scored.length === 0) return undefined;
  return (
    <section className={`card ${comparison.comparison}`} aria-label="Comparison">
      <Verdict manifest={manifest} scored={scored} total={entries.length} />
      <WhenNear now={settled} placeholder={classes.comparisonPlaceholder}>
        <Suspense fallback={<div className={classes.comparisonPlaceholder} aria-busy="true" />}>
          <LazyCharts manifest={manifest} entries={entries} />
        </Suspense>
      </WhenNear>
    </section>
  );
}

export function LazyResponseStory(props: ComponentProps<typeof ResponseStory>) {
  return (
    <Suspense fallback={<div className={classes.storyPlaceholder} aria-busy="true" />}>
      <LazyStory {...props} />
    </Suspense>
  );
}
