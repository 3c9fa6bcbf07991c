/** Where the gate puts its weight on the pairs that judge it, objective by objective, beside the gate it is compared with. */
import { BarChart } from '@/components/bar-chart.tsx';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { formatSignificant } from '@/components/number-format.ts';
import { distinctObjectiveLabels, type NamedObjective } from '@/components/objective-language.ts';
import type { TrainingEvaluation } from '@/jobs/api/training.ts';

interface Props {
  readonly evaluation: TrainingEvaluation;
  /** Another gate on the same pairs, of as many objectives. */
  readonly baseline?: { readonly name: string; readonly evaluation: TrainingEvaluation } | undefined;
  readonly names: readonly NamedObjective[];
}

const weight = (value: number) => formatSignificant(value, 3);

export function GateBars({ evaluation, baseline, names }: Props) {
  const { meanGate, pairs, on } = evaluation;
  const other = baseline?.evaluation.meanGate;
  const ghosts = other?.length === meanGate.length ? other : undefined;
  const bars = meanGate
    .map((value, j) => ({ value, j, ghost: ghosts?.[j], objective: names[j] }))
    .sort((a, b) => b.value - a.value || a.j - b.j);
  const labels = distinctObjectiveLabels(names);
  const [first, second] = bars;
  const name = (j: number | undefined) => (j === undefined ? '' : (names[j]?.name ?? `objective ${j}`));
  const where = `${pairs} ${on === 'held-out' ? 'held-out' : 'training'} pairs`;
  const summary = `On ${where} the gate leans most on ${name(first?.j)} (${weight(first?.value ?? 0)}), then on ${name(second?.j)} (${weight(second?.value ?? 0)})${ghosts === undefined ? '' : `; outlines are ${baseline?.name}`}.`;
  return (
    <ChartFrame
      title="Mean gate by objective"
      fileName="mean-gate"
      summary={summary}
      legend={
        ghosts === undefined
          ? []
          : [
              { label: 'this gate', colour: 'var(--ink-2)', box: true },
              { label: baseline?.name ?? '', colour: 'var(--ink-2)', box: 'outline' },
            ]
      }
      table={() => ({
        columns: [
          { label: 'Objective' },
          { label: 'Mean weight', meaning: 'Mean of g over the pairs; sums to Σg' },
          ...(ghosts === undefined ? [] : [{ label: baseline?.name ?? 'Baseline' }]),
        ],
        rows: bars.map(({ objective, j, value, ghost }) => [
          objective ?? `objective ${j}`,
          value,
          ...(ghosts === undefined ? [] : [ghost]),
        ]),
      })}
    >
      <BarChart
        bars={bars.map(({ objective, j, value, ghost }) => ({
          key: String(j),
          label: labels[j] ?? `objective ${j}`,
          value,
          ...(objective === undefined ? {} : { group: objective.group }),
          ...(ghost === undefined ? {} : { ghost }),
        }))}
        format={weight}
      />
    </ChartFrame>
  );
}
