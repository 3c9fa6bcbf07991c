/** The shape of the rewards: raw, adjusted, or on the scale the labels had, for up to four responses. */
import { SegmentedControl } from '@mantine/core';
import { ChartFrame } from '@/components/chart-frame.tsx';
import type { ChartTable } from '@/components/chart-table-data.ts';
import { MAX_RADAR_SERIES, seriesStyle } from '@/components/objective-language.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { setRewardView, useInspect, type RewardView } from '@/state/inspect-store.ts';
import { nativeIndices, radarAxes, viewValues } from './attribution.ts';
import type { ScoredEntry, ScoredProps } from './entries.ts';
import { LazyObjectiveRadar } from './lazy-objective-radar.tsx';
import { radarSentence } from './summaries.ts';

const viewLabels: Readonly<Record<RewardView, string>> = { raw: 'Raw', adjusted: 'Adjusted', native: 'Native scale' };

/** Three spokes are the fewest that make a shape. */
const FEWEST_SPOKES = 3;

export function RewardChart({ manifest, scored }: ScoredProps) {
  const chosen = useInspect((state) => state.rewardView);
  const native = nativeIndices(manifest);
  const views: RewardView[] = native.length >= FEWEST_SPOKES ? ['raw', 'adjusted', 'native'] : ['raw', 'adjusted'];
  const view = views.includes(chosen) ? chosen : 'raw';
  const indices = view === 'native' ? native : manifest.objectives.map((_, index) => index);
  const shown = scored.slice(0, MAX_RADAR_SERIES);
  const series = shown.map((entry) => ({
    name: `Response ${entry.letter}`,
    style: seriesStyle(entry.index),
    values: viewValues(manifest, entry.scored, view, indices),
  }));
  const axes = radarAxes(manifest, indices);
  const notes = [
    ...(scored.length > shown.length ? [`Only the first ${MAX_RADAR_SERIES} are drawn; the table has all.`] : []),
    ...(view === 'adjusted' ? ['Adjusted rewards have verbosity taken out (Eq 2).'] : []),
    ...(view === 'native' ? ['Objectives without a published scale are left out.'] : []),
  ];
  return (
    <ChartFrame
      title="Rewards"
      fileName={`rewards-${view}`}
      summary={radarSentence(
        viewLabels[view],
        axes.map((axis) => axis.name),
        series,
      )}
      controls={
        <SegmentedControl
          size="xs"
          aria-label="Scale of the rewards"
          value={view}
          onChange={(value) => setRewardView(value)}
          data={views.map((value) => ({ value, label: viewLabels[value] }))}
        />
      }
      table={() => rewardTable(manifest, scored, view, indices)}
      legend={series.map((entry) => ({ label: entry.name, ...entry.style }))}
      note={notes.join(' ')}
    >
      <LazyObjectiveRadar axes={axes} series={series} />
    </ChartFrame>
  );
}

/** One row per objective, one column per response. */
function rewardTable(
  manifest: Manifest,
  scored: readonly ScoredEntry[],
  view: RewardView,
  indices: readonly number[],
): ChartTable {
  const columns = scored.map((entry) => viewValues(manifest, entry.scored, view, indices));
  return {
    columns: [{ label: 'Objective' }, ...scored.map((entry) => ({ label: `Response ${entry.letter}` }))],
    rows: indices.map((index, at) => [manifest.objectives[index], ...columns.map((values) => values[at])]),
  };
}
