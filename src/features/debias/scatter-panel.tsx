/** One objective against verbosity, response by response, with the line that fits: before the correction and after it. */
import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { formatSetting, formatSignificant } from '@/components/number-format.ts';
import { groupStyle } from '@/components/objective-language.ts';
import { ScatterChart } from '@/components/scatter-chart.tsx';
import { columnOf, fitLine } from '@/core/debias-report.ts';
import { setAdjustedRewards } from '@/core/set-scores.ts';
import { spearman } from '@/core/rank-correlation.ts';
import { useDebiasJobs } from '@/queries/debias-context.ts';
import { correlationsQuery } from '@/queries/debias-queries.ts';
import { chooseDebias, useDebias } from '@/state/debias-store.ts';
import { pickedObjective } from './correlation-panel.tsx';
import type { DebiasSubject } from './use-debias.ts';
import { formatRho } from './words.ts';
import classes from './debias-view.module.css';

export function ScatterPanel({ subject }: { readonly subject: DebiasSubject }) {
  const { objectives, verbosity, reference, correction } = subject;
  const before = useQuery(correlationsQuery(useDebiasJobs(), reference, undefined, false)).data;
  const picked = pickedObjective(
    subject,
    useDebias((state) => state.objective),
    before,
  );
  const [side, setSide] = useState<'before' | 'after'>('before');
  const objective = objectives[picked];
  const { set } = reference;
  const k = objectives.length;
  const adjusted = useMemo(() => setAdjustedRewards(set, correction.transform), [set, correction.transform]);
  const xs = useMemo(() => columnOf(set.rewards, k, verbosity), [set, k, verbosity]);
  const ys = useMemo(
    () => columnOf(side === 'before' ? set.rewards : adjusted, k, picked),
    [set, adjusted, k, picked, side],
  );
  const fit = useMemo(() => fitLine(xs, ys), [xs, ys]);
  const rho = useMemo(() => spearman(ys, xs), [xs, ys]);
  const series = useMemo(
    () =>
      objective === undefined
        ? []
        : [
            {
              name: objective.name,
              colour: groupStyle(objective.group).colour,
              shape: groupStyle(objective.group).shape,
              xs,
              ys,
            },
          ],
    [objective, xs, ys],
  );
  const xName = objectives[verbosity]?.name ?? '';
  const axes = useMemo(
    () => ({
      x: { label: `${xName}, r`, format: formatSetting },
      y: { label: `${objective?.name ?? ''}, ${side === 'before' ? 'r' : 'r′'}`, format: formatSetting },
    }),
    [xName, objective, side],
  );
  const line = useMemo(
    () => [
      { name: 'fit', slope: fit.slope, intercept: fit.intercept, style: { colour: 'var(--ink-1)', dash: undefined } },
    ],
    [fit],
  );
  if (objective === undefined) return null;
  return (
    <ChartFrame
      title="Objective against verbosity"
      fileName={`scatter-${objective.name}-${side}`}
      raster
      summary={`${objective.name} ${side === 'before' ? 'before' : 'after'} the correction: Spearman ${formatRho(rho)}, Pearson ${formatRho(fit.r)}; the fitted line rises by ${formatSignificant(fit.slope, 3)} a unit of verbosity.`}
      legend={[{ label: 'fitted line', colour: 'var(--ink-1)' }]}
      controls={
        <div className={classes.line}>
          <div className={classes.field}>
            <select
              aria-label="Objective of the scatter"
              value={picked}
              onChange={(event) => chooseDebias({ objective: Number(event.currentTarget.value) })}
            >
              {objectives.map(({ name }, index) => (
                <option key={name} value={index}>
                  {name}
                </option>
              ))}
            </select>
          </div>
          <SegmentedControl
            size="xs"
            aria-label="Side"
            value={side}
            onChange={(value) => setSide(value)}
            data={[
              { value: 'before', label: 'Before' },
              { value: 'after', label: 'After' },
            ]}
          />
        </div>
      }
      table={() => ({
        columns: [{ label: 'Response' }, { label: `${xName}, r` }, { label: axes.y.label }],
        rows: Array.from(xs, (x, row) => [String(row + 1), x, ys[row] ?? Number.NaN]),
      })}
    >
      <ScatterChart series={series} xAxis={axes.x} yAxis={axes.y} lines={line} />
    </ChartFrame>
  );
}
