/** How the score, or the margin, answers to each gate logit; and what a nudge does, predicted and done. */
import { Button, SegmentedControl } from '@mantine/core';
import { memo, useMemo, useState } from 'react';
import { BarChart } from '@/components/bar-chart.tsx';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { formatSetting, formatSigned, fullPrecision } from '@/components/number-format.ts';
import { shortObjectiveLabel } from '@/components/objective-language.ts';
import { gateSensitivity, scoreChange } from '@/core/gate-sensitivity.ts';
import { setLogitShift } from '@/core/steering-moves.ts';
import { steerFresh } from '@/state/steering-store.ts';
import { directionOf, gatePoint } from './analysis.ts';
import type { SteerSubject } from './use-steer-subject.ts';
import classes from './steer-view.module.css';

type Target = 'first' | 'second' | 'margin';

interface Nudge {
  readonly objective: string;
  readonly target: Target;
  readonly predicted: number;
  readonly before: number;
}

export const SensitivityPanel = memo(function SensitivityPanel({ subject }: { readonly subject: SteerSubject }) {
  const { first, second, objectives, prompt, steering, modelId } = subject;
  const [chosen, setTarget] = useState<Target>('margin');
  const [nudged, setNudged] = useState<Nudge>();
  const target = second === undefined ? 'first' : chosen;
  const point = useMemo(() => gatePoint(subject, directionFor(subject, target)), [subject, target]);
  const slopes = useMemo(() => gateSensitivity(point), [point]);
  const names: Readonly<Record<Target, string>> = {
    first: `score of ${first.letter}`,
    second: `score of ${second?.letter ?? ''}`,
    margin: `margin ${first.letter} − ${second?.letter ?? ''}`,
  };
  const rows = objectives
    .map((objective, index) => ({ objective, index, slope: slopes[index] ?? 0 }))
    .sort((a, b) => Math.abs(b.slope) - Math.abs(a.slope));
  const [top] = rows;
  // A tenth of the temperature: odds change by a tenth, which is small and visible.
  const step = point.temperature / 10;
  const value = valueOf(subject, target);
  const nudge = () => {
    if (top === undefined) return;
    setNudged({
      objective: top.objective.name,
      target,
      predicted: scoreChange(point, top.index, step),
      before: value,
    });
    steerFresh(modelId, (from) => setLogitShift(prompt, from, top.index, (from.logitShifts[top.index] ?? 0) + step));
  };
  const held = top !== undefined && steering.locked.length > 0;
  return (
    <>
      <div className={classes.panelHead}>
        <SegmentedControl
          size="xs"
          aria-label="Sensitivity of"
          value={target}
          onChange={(to) => setTarget(to)}
          data={(second === undefined ? (['first'] as const) : (['margin', 'first', 'second'] as const)).map(
            (each) => ({
              value: each,
              label: names[each],
            }),
          )}
        />
        <Button
          size="compact-sm"
          variant="default"
          disabled={top === undefined || top.slope === 0 || held}
          title={held ? 'While weights are locked, a nudge moves others differently from what is drawn' : undefined}
          onClick={nudge}
        >
          Nudge {top === undefined ? '' : shortObjectiveLabel(top.objective)} by {formatSetting(step)}
        </Button>
      </div>
      <ChartFrame
        title={`Sensitivity of the ${names[target]}`}
        fileName="gate-sensitivity"
        summary={
          top === undefined || top.slope === 0
            ? `No logit moves the ${names[target]}.`
            : `The ${names[target]} answers most to ${top.objective.name}: ${formatSigned(top.slope, 3)} for each unit of its logit.`
        }
        note="The slopes sum to zero: raising all logits alike changes nothing."
        table={() => ({
          columns: [
            { label: 'Objective' },
            { label: '∂/∂logit', format: formatSigned, meaning: 'g (v − p · v) / τ' },
            { label: `Change by +${formatSetting(step)}`, format: formatSigned, meaning: 'Exactly, not by the slope' },
          ],
          rows: rows.map(({ objective, index, slope }) => [objective, slope, scoreChange(point, index, step)]),
        })}
      >
        <BarChart
          format={formatSigned}
          bars={rows.map(({ objective, slope }) => ({
            key: objective.name,
            label: shortObjectiveLabel(objective),
            group: objective.group,
            value: slope,
          }))}
        />
      </ChartFrame>
      <p role="status" aria-label="Nudge" className="small">
        {nudged === undefined || nudged.target !== target ? null : (
          <NudgeResult nudge={nudged} name={names[target]} done={value - nudged.before} />
        )}
      </p>
    </>
  );
});

function NudgeResult({ nudge, name, done }: { readonly nudge: Nudge; readonly name: string; readonly done: number }) {
  return (
    <>
      Nudging {nudge.objective} was predicted to change the {name} by{' '}
      <span title={fullPrecision(nudge.predicted)}>{formatSigned(nudge.predicted)}</span>; it has changed by{' '}
      <span title={fullPrecision(done)}>{formatSigned(done)}</span> since.
    </>
  );
}

function directionFor(subject: SteerSubject, target: Target): Float64Array {
  const { first, second } = subject;
  const ahead = directionOf(subject, target === 'second' && second !== undefined ? second : first);
  if (target !== 'margin' || second === undefined) return ahead;
  const behind = directionOf(subject, second);
  return ahead.map((value, j) => value - (behind[j] ?? 0));
}

function valueOf({ first, second }: SteerSubject, target: Target): number {
  if (second === undefined || target === 'first') return first.steered.score;
  return target === 'second' ? second.steered.score : first.steered.score - second.steered.score;
}
