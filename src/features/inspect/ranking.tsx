/** More than two responses: their scores in order, and what sets each apart from a pinned one, side by side on one scale. */
import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { BarChart } from '@/components/bar-chart.tsx';
import { BarMatrix } from '@/components/bar-matrix.tsx';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { useExplainObjective } from '@/components/explain-objective.ts';
import { formatSigned } from '@/components/number-format.ts';
import { seriesStyle, shortObjectiveLabel } from '@/components/objective-language.ts';
import { marginSteps } from '@/core/attribution.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { ranked, type ScoredEntry, type ScoredProps } from './entries.ts';

export function ScoreRanking({ scored }: ScoredProps) {
  const order = ranked(scored);
  const [best, last] = [order[0], order.at(-1)];
  if (best === undefined || last === undefined) return undefined;
  const spread = best.scored.score - last.scored.score;
  return (
    <ChartFrame
      title="Scores"
      fileName="scores"
      summary={`${best.letter} scores highest, ${formatSigned(spread, 3)} above ${last.letter}, which scores lowest of ${order.length}.`}
      table={() => ({
        columns: [
          { label: 'Response' },
          { label: 'Rank', format: String },
          { label: 'Score' },
          { label: 'Behind the first', format: formatSigned },
        ],
        rows: order.map((entry, index) => [
          `Response ${entry.letter}`,
          index + 1,
          entry.scored.score,
          entry.scored.score - best.scored.score,
        ]),
      })}
    >
      <BarChart
        bars={order.map((entry) => ({
          key: entry.letter,
          label: `Response ${entry.letter}`,
          colour: seriesStyle(entry.index).colour,
          value: entry.scored.score,
        }))}
      />
    </ChartFrame>
  );
}

/** Every other response's contributions minus the pinned one's. */
export function PinnedDifferences({ manifest, scored }: ScoredProps) {
  const [chosen, setChosen] = useState<number>();
  const explain = useExplainObjective();
  const pinned = scored.find((entry) => entry.draftId === chosen) ?? ranked(scored)[0];
  if (pinned === undefined) return undefined;
  const others = scored.filter((entry) => entry !== pinned);
  const columns = others.map((entry) => differences(entry, pinned));
  const rows = manifest.objectives.map((objective, index) => ({
    key: objective.name,
    label: shortObjectiveLabel(objective),
    group: objective.group,
    values: columns.map((steps) => steps[index] ?? Number.NaN),
  }));
  return (
    <ChartFrame
      title={`Differences to response ${pinned.letter}`}
      fileName={`differences-to-${pinned.letter}`}
      summary={differenceSentence(manifest, pinned, others, columns)}
      controls={
        <SegmentedControl
          size="xs"
          aria-label="Pinned response"
          value={pinned.letter}
          onChange={(letter) => setChosen(scored.find((entry) => entry.letter === letter)?.draftId)}
          data={scored.map((entry) => entry.letter)}
        />
      }
      note="Bars are coefficient times difference in reward, all on one scale; each column sums to the difference in score."
      table={() => ({
        columns: [
          { label: 'Objective' },
          ...others.map((entry) => ({ label: `${entry.letter} − ${pinned.letter}`, format: formatSigned })),
        ],
        rows: manifest.objectives.map((objective, index) => [objective, ...columns.map((steps) => steps[index])]),
        footer: ['Score', ...others.map((entry) => entry.scored.score - pinned.scored.score)],
      })}
    >
      <BarMatrix columns={others.map((entry) => entry.letter)} rows={rows} onPick={explain} />
    </ChartFrame>
  );
}

function differences(entry: ScoredEntry, pinned: ScoredEntry): Float64Array {
  return marginSteps(pinned.scored.coefficients, entry.scored.rewards, pinned.scored.rewards);
}

/** The largest bar of all. */
function differenceSentence(
  manifest: Manifest,
  pinned: ScoredEntry,
  others: readonly ScoredEntry[],
  columns: readonly Float64Array[],
): string {
  let best = { column: 0, index: 0, step: 0 };
  columns.forEach((steps, column) =>
    steps.forEach((step, index) => {
      if (Math.abs(step) > Math.abs(best.step)) best = { column, index, step };
    }),
  );
  const other = others[best.column];
  const name = manifest.objectives[best.index]?.name;
  if (other === undefined || name === undefined || best.step === 0)
    return `No response differs from response ${pinned.letter}.`;
  return `The largest difference to response ${pinned.letter} is that of response ${other.letter} on ${name}, ${formatSigned(best.step, 3)} of its score.`;
}
