/** Where the gate looks for this prompt: its weights beside the coefficients they become on the raw rewards, or their shape. */
import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { BarChart } from '@/components/bar-chart.tsx';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { formatPercent, formatSignificant, fullPrecision } from '@/components/number-format.ts';
import { shortObjectiveLabel } from '@/components/objective-language.ts';
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { gateSummary, radarAxes, type GateSummary } from './attribution.ts';
import type { ScoredProps } from './entries.ts';
import { useExplainObjective } from '@/components/explain-objective.ts';
import { LazyObjectiveRadar } from './lazy-objective-radar.tsx';
import { gateSentence } from './summaries.ts';
import classes from './comparison.module.css';

type Shape = 'bars' | 'radar';

export function GateChart({ manifest, scored }: ScoredProps) {
  const [shape, setShape] = useState<Shape>('bars');
  const explain = useExplainObjective();
  const first = scored[0];
  if (first === undefined) return undefined;
  const { gateWeights } = first.scored;
  const summary = gateSummary(manifest, first.scored);
  return (
    <ChartFrame
      title="Gate"
      fileName="gate-weights"
      summary={gateSentence(manifest, summary, gateWeights)}
      controls={
        <SegmentedControl
          size="xs"
          aria-label="Shape of the gate"
          value={shape}
          onChange={(value) => setShape(value)}
          data={[
            { value: 'bars', label: 'Bars' },
            { value: 'radar', label: 'Radar' },
          ]}
        />
      }
      table={() => ({
        columns: [
          { label: 'Objective' },
          { label: 'Gate weight', meaning: 'g, what the gate gives this objective for this prompt' },
          { label: 'Share', meaning: 'g / Σg', format: formatPercent },
          { label: 'Coefficient', meaning: 'c = M g, the weight on the raw reward' },
        ],
        rows: summary.order.map((index) => [
          manifest.objectives[index],
          gateWeights[index],
          (gateWeights[index] ?? Number.NaN) / summary.sum,
          first.scored.coefficients[index],
        ]),
        footer: ['Σ', summary.sum, 1, first.scored.coefficients.reduce((sum, value) => sum + value, 0)],
      })}
      {...(shape === 'bars'
        ? {
            legend: [
              { label: 'Gate weight g', colour: 'var(--ink-2)', box: true as const },
              { label: 'Coefficient c = M g on the raw reward', colour: 'var(--ink-2)', box: 'outline' as const },
            ],
          }
        : {})}
      note={<GateFacts summary={summary} shared={scored.length > 1} />}
    >
      {shape === 'bars' ? (
        <BarChart bars={gateBars(manifest, first.scored, summary.order)} onPick={explain} />
      ) : (
        <LazyObjectiveRadar
          axes={radarAxes(
            manifest,
            manifest.objectives.map((_, index) => index),
          )}
          series={[
            {
              name: 'Gate weight',
              style: { colour: 'var(--accent)', dash: undefined },
              values: [...gateWeights],
            },
          ]}
        />
      )}
    </ChartFrame>
  );
}

function gateBars(manifest: Manifest, scored: ScoredResponse, order: readonly number[]) {
  return order.flatMap((index) => {
    const objective = manifest.objectives[index];
    if (objective === undefined) return [];
    return [
      {
        key: objective.name,
        label: shortObjectiveLabel(objective),
        group: objective.group,
        value: scored.gateWeights[index] ?? Number.NaN,
        ghost: scored.coefficients[index] ?? Number.NaN,
      },
    ];
  });
}

/** What Σg is, and how much of it reaches no score. */
function GateFacts({ summary, shared }: { readonly summary: GateSummary; readonly shared: boolean }) {
  const { sum, logitScale, deadMass, deadObjectives } = summary;
  return (
    <>
      {shared ? 'The gate reads the prompt alone, so all responses share it. ' : ''}
      <span className={`${classes.gateFacts} numeric`}>
        <span title={fullPrecision(sum)}>Σg = {formatSignificant(sum)}</span>,{' '}
        <span title={fullPrecision(logitScale)}>logit_scale = {formatSignificant(logitScale)}</span>,{' '}
        <span title={fullPrecision(deadMass)}>dead mass {formatPercent(deadMass)}</span>.
      </span>{' '}
      {deadObjectives.length === 0
        ? 'No weight is dead: no verbosity reward is zeroed.'
        : `Dead mass is weight on ${deadObjectives.join(', ')}, whose adjusted reward is always zero.`}
    </>
  );
}
