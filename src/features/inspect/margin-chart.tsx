/** The margin of a pair as a waterfall: every objective's step toward the winner, from no difference to the whole margin. */
import { ChartFrame } from '@/components/chart-frame.tsx';
import { useExplainObjective } from '@/components/explain-objective.ts';
import { formatSigned } from '@/components/number-format.ts';
import { placeSteps } from '@/components/waterfall-steps.ts';
import { WaterfallChart } from '@/components/waterfall-chart.tsx';
import type { Manifest } from '@/formats/manifest.ts';
import type { ScoredEntry } from './entries.ts';
import type { PairReasons } from './pair-reasons.ts';
import { objectiveSteps } from './score-story.ts';

interface Props {
  readonly manifest: Manifest;
  readonly better: ScoredEntry;
  readonly worse: ScoredEntry;
  /** Of better against worse, in this order. */
  readonly reasons: PairReasons;
}

/** Rows that are read; the rest are one row, and all are in the table. */
const STEPS_SHOWN = 9;

export function MarginChart({ manifest, better, worse, reasons }: Props) {
  const explain = useExplainObjective();
  const steps = objectiveSteps(manifest, reasons.steps);
  const margin = better.scored.score - worse.scored.score;
  const forward = steps.filter((step) => step.value > 0).length;
  const against = steps.filter((step) => step.value < 0).length;
  const [a, b] = [better.letter, worse.letter];
  return (
    <ChartFrame
      title={`Margin ${a} − ${b}`}
      fileName={`margin-${a}-${b}`}
      summary={`The margin of ${formatSigned(margin, 3)} is the exact sum of coefficient times difference in reward: ${forward} objectives speak for ${a}, ${against} for ${b}.`}
      table={() => {
        const sorted = [...steps].sort((x, y) => Math.abs(y.value) - Math.abs(x.value));
        const placed = placeSteps(0, sorted);
        return {
          columns: [
            { label: 'Objective' },
            { label: `Reward ${a}` },
            { label: `Reward ${b}` },
            { label: 'Coefficient' },
            { label: 'Step', meaning: 'Coefficient times difference in reward', format: formatSigned },
            { label: 'Running total', format: formatSigned },
          ],
          rows: placed.map((step) => {
            const index = manifest.objectives.findIndex((objective) => objective.name === step.key);
            return [
              manifest.objectives[index],
              better.scored.rewards[index],
              worse.scored.rewards[index],
              better.scored.coefficients[index],
              step.value,
              step.to,
            ];
          }),
          footer: ['Margin', undefined, undefined, undefined, placed.at(-1)?.to, margin],
        };
      }}
    >
      <WaterfallChart
        start={{ label: 'no difference', value: 0 }}
        steps={steps}
        end={{ label: `margin ${a} − ${b}`, value: margin }}
        shown={STEPS_SHOWN}
        onPick={explain}
      />
    </ChartFrame>
  );
}
