/** What the scored responses say together, drawn: what makes the margin, and the shapes of rewards and gate. */
import { GroupLegend } from '@/components/objective-marker.tsx';
import type { Manifest } from '@/formats/manifest.ts';
import { scoredEntries } from './entries.ts';
import { GateChart } from './gate-chart.tsx';
import { MarginChart } from './margin-chart.tsx';
import { PinnedDifferences, ScoreRanking } from './ranking.tsx';
import { RewardChart } from './reward-chart.tsx';
import type { InspectionEntry } from './use-inspection.ts';
import { bestPair } from './verdict.tsx';
import classes from './comparison.module.css';

interface Props {
  readonly manifest: Manifest;
  readonly entries: readonly InspectionEntry[];
}

export function ComparisonCharts({ manifest, entries }: Props) {
  const scored = scoredEntries(entries);
  const pair = bestPair(scored);
  return (
    <>
      <div className={classes.charts}>
        {scored.length > 2 ? (
          <>
            <ScoreRanking manifest={manifest} scored={scored} />
            <PinnedDifferences manifest={manifest} scored={scored} />
          </>
        ) : pair === undefined ? null : (
          <MarginChart manifest={manifest} {...pair} />
        )}
        <RewardChart manifest={manifest} scored={scored} />
        <GateChart manifest={manifest} scored={scored} />
      </div>
      <GroupLegend groups={[...new Set(manifest.objectives.map((objective) => objective.group))]} />
    </>
  );
}
