/** Every objective's correlation with verbosity and with length, before and after the correction, with intervals. */
import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { BarChart } from '@/components/bar-chart.tsx';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { fullPrecision } from '@/components/number-format.ts';
import { shortObjectiveLabel } from '@/components/objective-language.ts';
import { ObjectiveName } from '@/components/objective-marker.tsx';
import type { Estimate } from '@/core/bootstrap.ts';
import type { ObjectiveCorrelations } from '@/core/debias-report.ts';
import { useDebiasJobs } from '@/queries/debias-context.ts';
import { correlationsQuery } from '@/queries/debias-queries.ts';
import { chooseDebias, useDebias } from '@/state/debias-store.ts';
import type { DebiasSubject } from './use-debias.ts';
import { formatRange, formatRho } from './words.ts';
import classes from './debias-view.module.css';

/** Before and after, with intervals as soon as they are there. */
function useCorrelations({ reference, correction }: DebiasSubject) {
  const jobs = useDebiasJobs();
  const quick = useQuery(correlationsQuery(jobs, reference, undefined, false));
  const quickAfter = useQuery(correlationsQuery(jobs, reference, correction.transform, false));
  const full = useQuery({ ...correlationsQuery(jobs, reference, undefined, true), enabled: quick.isSuccess });
  const fullAfter = useQuery({
    ...correlationsQuery(jobs, reference, correction.transform, true),
    enabled: quickAfter.isSuccess,
  });
  // Numbers kept from the correction before are good enough to keep the place, not to be read with intervals.
  const withIntervals = fullAfter.data !== undefined && !fullAfter.isPlaceholderData;
  return {
    before: (full.isPlaceholderData ? undefined : full.data) ?? quick.data,
    after: withIntervals ? fullAfter.data : quickAfter.data,
    pending: full.isFetching || fullAfter.isFetching,
    problem: quick.error ?? quickAfter.error,
  };
}

export function CorrelationPanel({ subject }: { readonly subject: DebiasSubject }) {
  const { before, after, pending, problem } = useCorrelations(subject);
  const { statistic, objective: chosen } = useDebias();
  const { objectives, verbosity } = subject;
  if (problem !== null)
    return (
      <p role="alert" className={`${classes.problem} small`}>
        {problem.message}
      </p>
    );
  if (before === undefined || after === undefined) return <p className="muted small">Computing correlations…</p>;
  const picked = pickedObjective(subject, chosen, before);
  return (
    <>
      <div className={classes.between}>
        <SegmentedControl
          size="xs"
          aria-label="Correlation"
          value={statistic}
          onChange={(value) => chooseDebias({ statistic: value })}
          data={[
            { value: 'spearman', label: 'Spearman' },
            { value: 'pearson', label: 'Pearson' },
          ]}
        />
        <span className="muted small" role="status" aria-label="Intervals">
          {pending ? 'Computing intervals…' : '95 % intervals by bootstrap over prompts'}
        </span>
      </div>
      {/* A table wider than its place scrolls by itself, also with the keyboard. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.scroll} tabIndex={0} role="group" aria-label="Correlations: table">
        <table className={`${classes.table} numeric`} aria-label="Correlations with verbosity and length">
          <thead>
            <tr>
              <th scope="col">Objective</th>
              <th scope="col">Verbosity, before</th>
              <th scope="col">after</th>
              <th scope="col">Length, before</th>
              <th scope="col">after</th>
            </tr>
          </thead>
          <tbody>
            {objectives.map((objective, index) => (
              <tr key={objective.name}>
                <th scope="row">
                  <label className={classes.pick}>
                    <input
                      type="radio"
                      name="debias-objective"
                      checked={index === picked}
                      aria-label={`Show ${objective.name} in the scatter`}
                      onChange={() => chooseDebias({ objective: index })}
                    />
                    <ObjectiveName objective={objective} />
                  </label>
                </th>
                <Cell estimate={before[index]?.withVerbosity[statistic]} />
                {index === verbosity ? (
                  <td title="Corrected by its own penalty 1, the verbosity objective is constant: it has no say.">
                    none
                  </td>
                ) : (
                  <Cell estimate={after[index]?.withVerbosity[statistic]} />
                )}
                <Cell estimate={before[index]?.withLength?.[statistic]} />
                <Cell estimate={after[index]?.withLength?.[statistic]} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <CorrelationChart subject={subject} before={before} after={after} statistic={statistic} />
    </>
  );
}

/** The chosen objective, or the one that follows verbosity most. */
export function pickedObjective(
  { objectives, verbosity }: Pick<DebiasSubject, 'objectives' | 'verbosity'>,
  chosen: number | undefined,
  before: readonly ObjectiveCorrelations[] | undefined,
): number {
  if (chosen !== undefined && chosen < objectives.length) return chosen;
  const strength = (j: number) => Math.abs(before?.[j]?.withVerbosity.spearman.value ?? 0);
  const others = [...objectives.keys()].filter((j) => j !== verbosity);
  return others.reduce((best, j) => (strength(j) > strength(best) ? j : best), others[0] ?? 0);
}

function Cell({ estimate }: { readonly estimate: Estimate | undefined }) {
  if (estimate === undefined) return <td className="muted">–</td>;
  const range = formatRange(estimate.interval);
  return (
    <td title={fullPrecision(estimate.value)}>
      {formatRho(estimate.value)}
      {range === '' ? null : <span className={classes.range}>{range}</span>}
    </td>
  );
}

function CorrelationChart({
  subject: { objectives, verbosity },
  before,
  after,
  statistic,
}: {
  readonly subject: DebiasSubject;
  readonly before: readonly ObjectiveCorrelations[];
  readonly after: readonly ObjectiveCorrelations[];
  readonly statistic: 'spearman' | 'pearson';
}) {
  const name = statistic === 'spearman' ? 'Spearman' : 'Pearson';
  const shown = [...objectives.keys()].filter((j) => j !== verbosity);
  const valueOf = (of: readonly ObjectiveCorrelations[], j: number) =>
    of[j]?.withVerbosity[statistic].value ?? Number.NaN;
  const largest = (of: readonly ObjectiveCorrelations[]) =>
    Math.max(...shown.map((j) => Math.abs(valueOf(of, j))).filter((value) => !Number.isNaN(value)));
  return (
    <ChartFrame
      title={`${name} correlation with verbosity`}
      fileName={`correlation-with-verbosity-${statistic}`}
      summary={`Before the correction the largest is ${formatRho(largest(before))} in magnitude, after it ${formatRho(largest(after))}.`}
      legend={[
        { label: 'after', colour: 'var(--ink-1)', box: true },
        { label: 'before', colour: 'var(--ink-1)', box: 'outline' },
      ]}
      table={() => ({
        columns: [
          { label: 'Objective' },
          ...['verbosity', 'length'].flatMap((side) =>
            ['Spearman', 'Pearson'].flatMap((kind) =>
              ['before', 'after'].flatMap((when) =>
                ['', ', low', ', high'].map((end) => ({
                  label: `${kind} with ${side}, ${when}${end}`,
                  format: formatRho,
                })),
              ),
            ),
          ),
        ],
        rows: objectives.map((objective, j) => [
          objective,
          ...(['withVerbosity', 'withLength'] as const).flatMap((side) =>
            (['spearman', 'pearson'] as const).flatMap((kind) =>
              [before, after].flatMap((of) => {
                const estimate = of[j]?.[side]?.[kind];
                return [estimate?.value, estimate?.interval?.low, estimate?.interval?.high].map((x) => x ?? Number.NaN);
              }),
            ),
          ),
        ]),
      })}
    >
      <BarChart
        format={formatRho}
        bars={shown.flatMap((j) => {
          const objective = objectives[j];
          const value = valueOf(after, j);
          if (objective === undefined || Number.isNaN(value)) return [];
          const interval = after[j]?.withVerbosity[statistic].interval;
          return [
            {
              key: objective.name,
              label: shortObjectiveLabel(objective),
              group: objective.group,
              value,
              ghost: valueOf(before, j),
              ...(interval === undefined ? {} : { interval: [interval.low, interval.high] as const }),
            },
          ];
        })}
      />
    </ChartFrame>
  );
}
