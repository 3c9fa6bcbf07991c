/** How right each objective would be were it the score by itself, beside the score and what length alone would reach. */
import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { BarChart, type Bar } from '@/components/bar-chart.tsx';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { formatPercent } from '@/components/number-format.ts';
import { shortObjectiveLabel } from '@/components/objective-language.ts';
import type { NamedAccuracy } from '@/core/pair-accuracy.ts';
import type { EvaluatedSet } from '@/queries/evaluated-set.ts';
import type { Reports } from './use-report.ts';
import { listWords } from './words.ts';

interface Props {
  readonly reports: Reports;
  readonly objectives: EvaluatedSet['objectives'];
}

const SHARE: readonly [number, number] = [0, 1];

export function ObjectivesChart({ reports: { report }, objectives }: Props) {
  const [view, setView] = useState<'raw' | 'adjusted'>('raw');
  const { overall, adjustedObjectives } = report;
  const adjusted = view === 'adjusted' && adjustedObjectives !== undefined;
  const own = adjusted ? adjustedObjectives : report.objectives;
  const groups = new Map(objectives.map(({ name, group }) => [name, group]));
  const entries: readonly (NamedAccuracy & { readonly kind: 'score' | 'length' | 'objective' })[] = [
    { ...overall, name: 'the score', kind: 'score' as const },
    ...(overall.longest === undefined ? [] : [{ ...overall.longest, name: 'longest wins', kind: 'length' as const }]),
    ...(overall.shortest === undefined
      ? []
      : [{ ...overall.shortest, name: 'shortest wins', kind: 'length' as const }]),
    ...own.map((entry) => ({ ...entry, kind: 'objective' as const })),
  ].toSorted((a, b) => b.accuracy - a.accuracy);
  const better = own.filter(({ accuracy }) => accuracy > overall.accuracy);
  const bars = entries.map(({ name, kind, accuracy, interval }): Bar => {
    const group = groups.get(name);
    return {
      key: `${kind} ${name}`,
      label: kind === 'objective' && group !== undefined ? shortObjectiveLabel({ name, group }) : name,
      value: accuracy,
      interval: [interval.low, interval.high],
      ...(kind === 'objective' && group !== undefined ? { group } : {}),
      ...(kind === 'score' ? { colour: 'var(--accent)' } : kind === 'length' ? { colour: 'var(--line-strong)' } : {}),
    };
  });
  return (
    <ChartFrame
      title="Each objective by itself"
      fileName="accuracy-by-objective"
      headingLevel={2}
      summary={`The score is right in ${formatPercent(overall.accuracy)} of the comparisons. ${
        better.length === 0
          ? 'No single objective is right more often'
          : `More often right by themselves: ${listWords(better.map(({ name }) => name))}`
      }${overall.longest === undefined ? '.' : `; preferring the longer is right in ${formatPercent(overall.longest.accuracy)}.`}`}
      note="Whiskers are Wilson’s 95 % intervals."
      controls={
        adjustedObjectives === undefined ? null : (
          <SegmentedControl
            size="xs"
            aria-label="Rewards"
            value={view}
            onChange={(value) => setView(value === 'adjusted' ? 'adjusted' : 'raw')}
            data={[
              { value: 'raw', label: 'Raw' },
              { value: 'adjusted', label: 'Adjusted' },
            ]}
          />
        )
      }
      table={() => ({
        columns: [
          { label: 'Prefer by' },
          { label: 'Accuracy', format: formatPercent },
          { label: 'From', format: formatPercent },
          { label: 'To', format: formatPercent },
          { label: 'Right', format: String },
          { label: 'Wrong', format: String },
          { label: 'Ties', format: String },
        ],
        rows: entries.map(({ name, accuracy, interval, wins, losses, ties }) => [
          name,
          accuracy,
          interval.low,
          interval.high,
          wins,
          losses,
          ties,
        ]),
      })}
    >
      <BarChart bars={bars} format={formatPercent} domain={SHARE} />
    </ChartFrame>
  );
}
