/** What the scored responses say together: the ranking or the pair's verdict, and the shapes of rewards and gate. */
import { SegmentedControl } from '@mantine/core';
import { ChartFrame } from '@/components/chart-frame.tsx';
import type { ChartTable } from '@/components/chart-table-data.ts';
import { LazyObjectiveRadar } from './lazy-objective-radar.tsx';
import {
  formatPercent,
  formatSetting,
  formatSignificant,
  formatSigned,
  fullPrecision,
} from '@/components/number-format.ts';
import { GroupLegend, ObjectiveName } from '@/components/objective-marker.tsx';
import { MAX_RADAR_SERIES, seriesStyle, shortObjectiveLabel } from '@/components/objective-language.ts';
import { ResponseLetter } from '@/components/response-letter.tsx';
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { setRewardView, useInspect, type RewardView } from '@/state/inspect-store.ts';
import { comparePair, gateSummary, largestDifference, nativeIndices, viewValues } from './attribution.ts';
import { gateSentence, radarSentence } from './summaries.ts';
import type { InspectionEntry } from './use-inspection.ts';
import classes from './comparison.module.css';

export type ScoredEntry = InspectionEntry & { readonly scored: ScoredResponse };

interface Props {
  readonly manifest: Manifest;
  readonly entries: readonly InspectionEntry[];
}

export function Comparison({ manifest, entries }: Props) {
  const scored = entries.filter((entry): entry is ScoredEntry => entry.scored !== undefined);
  if (scored.length === 0) return undefined;
  return (
    <section className={`card ${classes.comparison}`} aria-label="Comparison">
      <Verdict manifest={manifest} scored={scored} total={entries.length} />
      <div className={classes.charts}>
        <RewardChart manifest={manifest} scored={scored} />
        <GateChart manifest={manifest} scored={scored} />
      </div>
      <GroupLegend groups={[...new Set(manifest.objectives.map((objective) => objective.group))]} />
    </section>
  );
}

interface ScoredProps {
  readonly manifest: Manifest;
  readonly scored: readonly ScoredEntry[];
}

function Verdict({ manifest, scored, total }: ScoredProps & { readonly total: number }) {
  const ranked = [...scored].sort((a, b) => b.scored.score - a.scored.score);
  const [best, second] = ranked;
  if (best === undefined || second === undefined) {
    return (
      <div className={classes.verdict}>
        <h2>{total > 1 ? 'One response so far' : 'Result'}</h2>
        <p className="muted small">Score a second response to compare it with this one.</p>
      </div>
    );
  }
  if (scored.length > 2) return <Ranking ranked={ranked} />;
  const pair = comparePair(manifest, best.scored.score, second.scored.score);
  const tied = pair.margin === 0;
  const why = largestDifference(best.rows, second.rows);
  const objective = why === undefined ? undefined : manifest.objectives[why.index];
  return (
    <div className={classes.verdict}>
      <h2>
        {tied ? 'Both score the same' : `Response ${best.letter} scores higher than response ${second.letter}`}
        {scored.some((entry) => entry.stale) ? <span className={classes.stale}> (before the last edit)</span> : null}
      </h2>
      <dl className={`${classes.figures} numeric`}>
        <div>
          <dt>
            Margin {best.letter} − {second.letter}
          </dt>
          <dd title={fullPrecision(pair.margin)}>{formatSigned(pair.margin)}</dd>
        </div>
        <div>
          <dt>Probability that {best.letter} is preferred</dt>
          <dd title={fullPrecision(pair.probability)}>{formatPercent(pair.probability)}</dd>
        </div>
        {objective === undefined || why === undefined || tied ? null : (
          <div>
            <dt>Largest difference in contribution</dt>
            <dd className={classes.why} title={fullPrecision(why.difference)}>
              <ObjectiveName objective={objective} /> {formatSigned(why.difference)}
            </dd>
          </div>
        )}
      </dl>
      <p className="muted small">
        Bradley-Terry: 1 / (1 + exp(−β · margin)) with{' '}
        {pair.betaPublished
          ? `the β = ${formatSetting(pair.beta)} the model was trained with.`
          : 'β = 1, because this model publishes none.'}
      </p>
    </div>
  );
}

function Ranking({ ranked }: { readonly ranked: readonly ScoredEntry[] }) {
  const best = ranked[0];
  if (best === undefined) return undefined;
  return (
    <div className={classes.verdict}>
      <h2>Ranking</h2>
      <ol className={`${classes.ranking} numeric`}>
        {ranked.map((entry) => (
          <li key={entry.draftId}>
            <ResponseLetter index={entry.index} />
            <span title={fullPrecision(entry.scored.score)}>{formatSignificant(entry.scored.score)}</span>
            {entry === best ? null : (
              <span className="muted small" title={fullPrecision(entry.scored.score - best.scored.score)}>
                {formatSigned(entry.scored.score - best.scored.score)}
              </span>
            )}
            {entry.stale ? <span className={`${classes.stale} small`}>before the last edit</span> : null}
          </li>
        ))}
      </ol>
    </div>
  );
}

const viewLabels: Readonly<Record<RewardView, string>> = { raw: 'Raw', adjusted: 'Adjusted', native: 'Native scale' };

function RewardChart({ manifest, scored }: ScoredProps) {
  const chosen = useInspect((state) => state.rewardView);
  const native = nativeIndices(manifest);
  // Three spokes are the fewest that make a shape.
  const views: RewardView[] = native.length >= 3 ? ['raw', 'adjusted', 'native'] : ['raw', 'adjusted'];
  const view = views.includes(chosen) ? chosen : 'raw';
  const indices = view === 'native' ? native : manifest.objectives.map((_, index) => index);
  const shown = scored.slice(0, MAX_RADAR_SERIES);
  const series = shown.map((entry) => ({
    name: `Response ${entry.letter}`,
    style: seriesStyle(entry.index),
    values: viewValues(manifest, entry.scored, view, indices),
  }));
  const axes = axesOf(manifest, indices);
  const summary = radarSentence(
    viewLabels[view],
    axes.map((axis) => axis.name),
    series,
  );
  return (
    <ChartFrame
      title="Rewards"
      fileName={`rewards-${view}`}
      summary={summary}
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
      note={
        <>
          {scored.length > shown.length ? `Only the first ${MAX_RADAR_SERIES} are drawn; the table has all.` : ''}
          {view === 'native' ? ' Objectives without a published scale are left out.' : ''}
        </>
      }
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

function GateChart({ manifest, scored }: ScoredProps) {
  const first = scored[0];
  if (first === undefined) return undefined;
  const summary = gateSummary(manifest, first.scored);
  const axes = axesOf(
    manifest,
    manifest.objectives.map((_, index) => index),
  );
  const sentence = gateSentence(manifest, summary, first.scored.gateWeights);
  return (
    <ChartFrame
      title="Gate"
      fileName="gate-weights"
      summary={sentence}
      controls={<span className="muted small">one reading of the prompt, shared by all responses</span>}
      table={() => ({
        columns: [{ label: 'Objective' }, { label: 'Gate weight' }],
        rows: manifest.objectives.map((objective, index) => [objective, first.scored.gateWeights[index]]),
        footer: ['Σg', summary.sum],
      })}
      note={
        summary.deadObjectives.length === 0
          ? 'No weight is dead: no verbosity reward is zeroed.'
          : `Dead mass is weight on ${summary.deadObjectives.join(', ')}, whose adjusted reward is always zero.`
      }
    >
      <LazyObjectiveRadar
        axes={axes}
        series={[
          {
            name: 'Gate weight',
            style: { colour: 'var(--accent)', dash: undefined },
            values: [...first.scored.gateWeights],
          },
        ]}
      />
      <dl className={`${classes.gateFacts} numeric small`}>
        <div>
          <dt>Σg</dt>
          <dd title={fullPrecision(summary.sum)}>{formatSignificant(summary.sum)}</dd>
        </div>
        <div>
          <dt>logit_scale</dt>
          <dd title={fullPrecision(summary.logitScale)}>{formatSignificant(summary.logitScale)}</dd>
        </div>
        <div>
          <dt>Dead mass</dt>
          <dd title={fullPrecision(summary.deadMass)}>{formatPercent(summary.deadMass)}</dd>
        </div>
      </dl>
    </ChartFrame>
  );
}

function axesOf(manifest: Manifest, indices: readonly number[]) {
  return indices.flatMap((index) => {
    const objective = manifest.objectives[index];
    return objective === undefined
      ? []
      : [{ name: objective.name, label: shortObjectiveLabel(objective), group: objective.group }];
  });
}
