/** What each objective adds to the margin, before and after. */
import { memo } from 'react';
import { BarChart } from '@/components/bar-chart.tsx';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { formatSigned } from '@/components/number-format.ts';
import { shortObjectiveLabel } from '@/components/objective-language.ts';
import { marginShares } from './steered-responses.ts';
import type { SteerSubject, SubjectResponse } from './use-steer-subject.ts';

export const MarginChart = memo(function MarginChart({ subject }: { readonly subject: SteerSubject }) {
  const { first, second, objectives } = subject;
  if (second === undefined) return null;
  const shares = marginShares(first, second);
  const rows = objectives
    .map((objective, index) => {
      const { baseline, steered } = shares[index] ?? { baseline: 0, steered: 0 };
      return { objective, baseline, steered };
    })
    .sort((a, b) => Math.abs(b.steered) - Math.abs(a.steered));
  const sums = shares.reduce(
    (total, share) => ({ baseline: total.baseline + share.baseline, steered: total.steered + share.steered }),
    { baseline: 0, steered: 0 },
  );
  return (
    <ChartFrame
      headingLevel={2}
      title={`Contributions to the margin ${first.letter} − ${second.letter}`}
      fileName="steered-margin"
      summary={summary(rows, first, second)}
      legend={[
        { label: 'steered', colour: 'var(--ink-2)', box: true },
        { label: 'baseline', colour: 'var(--line-strong)', dash: '2 2' },
      ]}
      table={() => ({
        columns: [
          { label: 'Objective' },
          {
            label: 'Baseline',
            format: formatSigned,
            meaning: 'Coefficient times difference of rewards, under the head as it is',
          },
          { label: 'Steered', format: formatSigned, meaning: 'The same as steered' },
          { label: 'Change', format: formatSigned },
        ],
        rows: rows.map(({ objective, baseline, steered }) => [objective, baseline, steered, steered - baseline]),
        footer: ['Margin', sums.baseline, sums.steered, sums.steered - sums.baseline],
      })}
    >
      <BarChart
        format={formatSigned}
        bars={rows.map(({ objective, baseline, steered }) => ({
          key: objective.name,
          label: shortObjectiveLabel(objective),
          group: objective.group,
          value: steered,
          ghost: baseline,
        }))}
      />
    </ChartFrame>
  );
});

interface Row {
  readonly objective: { readonly name: string };
  readonly baseline: number;
  readonly steered: number;
}

function summary(rows: readonly Row[], first: SubjectResponse, second: SubjectResponse): string {
  const best = (sign: 1 | -1) => rows.find(({ steered }) => sign * steered > 0);
  const side = (row: Row | undefined, letter: string) =>
    row === undefined
      ? `nothing speaks for ${letter}`
      : `${row.objective.name} speaks most for ${letter} (${formatSigned(row.steered, 3)})`;
  return `As steered, ${side(best(1), first.letter)}, and ${side(best(-1), second.letter)}.`;
}
