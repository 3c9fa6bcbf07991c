/** The gate's shape, as the model has it and as steered. The radar's library is fetched when it is first shown. */
import { lazy, memo, Suspense } from 'react';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { formatPercent, formatSigned } from '@/components/number-format.ts';
import { shortObjectiveLabel, type NamedObjective } from '@/components/objective-language.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { SteerSubject } from './use-steer-subject.ts';
import classes from './gate-radar.module.css';

const ObjectiveRadar = lazy(async () => {
  const module = await trackWork(import('@/components/objective-radar.tsx'));
  return { default: module.ObjectiveRadar };
});

const baselineStyle = { colour: 'var(--line-strong)', dash: '3 3' };
const steeredStyle = { colour: 'var(--accent)', dash: undefined };

export const GateRadar = memo(function GateRadar({
  subject: { objectives, first },
}: {
  readonly subject: SteerSubject;
}) {
  return <Radar objectives={objectives} baseline={first.baseline.gateWeights} steered={first.steered.gateWeights} />;
});

interface Props {
  readonly objectives: readonly NamedObjective[];
  readonly baseline: Float64Array;
  readonly steered: Float64Array;
}

const Radar = memo(function Radar({ objectives, baseline, steered }: Props) {
  const sum = steered.reduce((total, weight) => total + weight, 0);
  const top = [...steered.keys()].sort((a, b) => (steered[b] ?? 0) - (steered[a] ?? 0)).slice(0, 3);
  const summary = `As steered, the gate weighs ${top
    .map((index) => `${objectives[index]?.name ?? ''} (${formatPercent((steered[index] ?? 0) / sum)})`)
    .join(', ')} most on this prompt.`;
  return (
    <ChartFrame
      headingLevel={2}
      title="The gate on this prompt"
      fileName="steered-gate"
      summary={summary}
      legend={[
        { label: 'steered', ...steeredStyle },
        { label: 'baseline', ...baselineStyle },
      ]}
      table={() => ({
        columns: [
          { label: 'Objective' },
          { label: 'Baseline' },
          { label: 'Steered' },
          { label: 'Change', format: formatSigned },
        ],
        rows: objectives.map((objective, index) => {
          const [before, after] = [baseline[index] ?? 0, steered[index] ?? 0];
          return [objective, before, after, after - before];
        }),
      })}
    >
      <Suspense fallback={<div className={classes.placeholder} aria-busy="true" />}>
        <ObjectiveRadar
          axes={objectives.map((objective) => ({
            name: objective.name,
            label: shortObjectiveLabel(objective),
            group: objective.group,
          }))}
          series={[
            { name: 'Baseline', style: baselineStyle, values: [...baseline] },
            { name: 'Steered', style: steeredStyle, values: [...steered] },
          ]}
        />
      </Suspense>
    </ChartFrame>
  );
});
