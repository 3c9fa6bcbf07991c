/** Of all gates there are, how many let each response win; and the proof for one that never does. */
import { memo, useMemo } from 'react';
import { BarChart } from '@/components/bar-chart.tsx';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { formatCount, formatPercent, formatSignificant, formatSigned } from '@/components/number-format.ts';
import { seriesStyle } from '@/components/objective-language.ts';
import { winRegion, type WinShare } from '@/core/win-region.ts';
import { freeDirections, freeGate } from './analysis.ts';
import type { SteerSubject, SubjectResponse } from './use-steer-subject.ts';

/** Any number gives a fair sample; a fixed one gives everybody the same. */
const SEED = 20_261_124;

export const RegionPanel = memo(function RegionPanel({ subject }: { readonly subject: SteerSubject }) {
  const { responses, objectives } = subject;
  // The region asks about all gates, so it changes only with what the gate weighs, what may move and what holds.
  const directions = freeDirections(subject);
  const key = directions.map((direction) => direction.join(',')).join(';');
  // oxlint-disable-next-line react/exhaustive-deps
  const region = useMemo(() => (directions.length === 0 ? undefined : winRegion(directions, { seed: SEED })), [key]);
  if (region === undefined || responses.length < 2)
    return (
      <p className="muted small">
        {responses.length < 2
          ? 'Score a second response to compare regions.'
          : 'Every weight is locked or muted: there is one gate only.'}
      </p>
    );
  const rows = responses.flatMap((response, index) => {
    const share = region.responses[index];
    return share === undefined ? [] : [{ response, share }];
  });
  const { free } = freeGate(subject);
  const never = rows.filter(({ share }) => share.neverWins);
  return (
    <ChartFrame
      title="Share of all gates under which each response wins"
      fileName="win-region"
      summary={summary(rows)}
      note={
        <>
          {region.samples === 0
            ? 'Exact: the volume of the gate simplex on each side.'
            : `Estimated from ${formatCount(region.samples)} gates drawn evenly from the simplex (seed ${region.seed}), with 95 % intervals.`}
          {free.length < objectives.length
            ? ` Only gates that keep what is locked, muted or masked count (${free.length} of ${objectives.length} objectives are free).`
            : ''}
          {never.map(({ response, share }) => ` ${proof(response, share, responses)}`)}
        </>
      }
      table={() => ({
        columns: [
          { label: 'Response' },
          { label: 'Share', format: formatPercent },
          { label: 'Low', format: formatPercent, meaning: '95 % interval; the share itself where it is exact' },
          { label: 'High', format: formatPercent },
          {
            label: 'Best worst margin',
            format: formatSigned,
            meaning: 'The largest margin over every other that some gate gives it; below zero it never wins',
          },
        ],
        rows: rows.map(({ response, share }) => [
          `Response ${response.letter}`,
          share.share,
          share.low,
          share.high,
          share.worstMargin?.upper ?? Number.NaN,
        ]),
      })}
    >
      <BarChart
        format={formatPercent}
        domain={[0, 1]}
        bars={rows.map(({ response, share }) => ({
          key: response.letter,
          label: `Response ${response.letter}${share.neverWins ? ', never' : ''}`,
          colour: seriesStyle(response.index).colour,
          value: share.share,
          ...(share.exact ? {} : { interval: [share.low, share.high] as const }),
        }))}
      />
    </ChartFrame>
  );
});

interface Row {
  readonly response: SubjectResponse;
  readonly share: WinShare;
}

function summary(rows: readonly Row[]): string {
  const parts = [...rows]
    .sort((a, b) => b.share.share - a.share.share)
    .map(({ response: { letter }, share }) =>
      share.neverWins
        ? `${letter} never wins`
        : `${letter} wins under ${share.exact ? '' : 'about '}${formatPercent(share.share)}`,
    );
  return `Of all gates, ${parts.join(', ')}.`;
}

function proof({ letter }: SubjectResponse, { worstMargin }: WinShare, responses: readonly SubjectResponse[]): string {
  if (worstMargin === undefined) return '';
  const mixed = responses
    .flatMap((other, index) => {
      const weight = worstMargin.mixture[index] ?? 0;
      return weight > 1e-9 ? [{ letter: other.letter, weight }] : [];
    })
    .sort((a, b) => b.weight - a.weight);
  const ahead = formatSignificant(-worstMargin.upper);
  return mixed.length === 1
    ? `${letter} never wins: ${mixed[0]?.letter ?? ''} is ahead of it by ${ahead} or more on every free objective.`
    : `${letter} never wins: mixed as ${mixed.map((each) => `${formatPercent(each.weight)} ${each.letter}`).join(' + ')}, the others are ahead of it by ${ahead} or more on every free objective.`;
}
