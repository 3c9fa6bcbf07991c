/** Where one score comes from: a sentence, and the exact waterfall from the reference set's means. */
import { ChartFrame } from '@/components/chart-frame.tsx';
import { useExplainObjective } from '@/components/explain-objective.ts';
import { formatSigned } from '@/components/number-format.ts';
import { placeSteps } from '@/components/waterfall-steps.ts';
import { WaterfallChart } from '@/components/waterfall-chart.tsx';
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { scoreSentence, scoreStory } from './score-story.ts';

interface Props {
  readonly manifest: Manifest;
  readonly scored: ScoredResponse;
  readonly letter: string;
}

/** Rows that are read; the rest are one row, and all are in the table. */
const STEPS_SHOWN = 7;

export function ResponseStory({ manifest, scored, letter }: Props) {
  const explain = useExplainObjective();
  const story = scoreStory(manifest, scored);
  const start = story.fromMeans ? 'average rewards' : 'no rewards';
  return (
    <ChartFrame
      title={`Where the score of ${letter} comes from`}
      fileName={`score-${letter}`}
      summary={scoreSentence(story, `Response ${letter}`)}
      note={
        story.fromMeans
          ? 'Average: the means over the model’s reference set, under this prompt’s gate. Steps are coefficient times distance from the mean, and sum to the score exactly.'
          : 'This model publishes no reference means, so steps are coefficient times reward from zero; they sum to the score exactly.'
      }
      table={() => {
        const sorted = [...story.steps].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
        const placed = placeSteps(story.base, sorted);
        return {
          columns: [
            { label: 'Objective' },
            { label: 'Reward' },
            { label: 'Reference mean' },
            { label: 'Coefficient' },
            { label: 'Step', meaning: 'Coefficient times distance from the mean', format: formatSigned },
            { label: 'Running total' },
          ],
          rows: [
            [start, undefined, undefined, undefined, undefined, story.base],
            ...placed.map((step) => {
              const index = manifest.objectives.findIndex((objective) => objective.name === step.key);
              return [
                manifest.objectives[index],
                scored.rewards[index],
                manifest.referenceMeans?.[index],
                scored.coefficients[index],
                step.value,
                step.to,
              ];
            }),
          ],
          footer: ['Score', undefined, undefined, undefined, undefined, story.score],
        };
      }}
    >
      <WaterfallChart
        start={{ label: start, value: story.base }}
        steps={story.steps}
        end={{ label: 'score', value: story.score }}
        shown={STEPS_SHOWN}
        onPick={explain}
      />
    </ChartFrame>
  );
}
