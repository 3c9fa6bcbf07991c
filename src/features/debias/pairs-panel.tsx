/** The price of the correction on pairs: accuracy against what is left of verbosity, and on pairs of about equal length. */
import { Button, SegmentedControl } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { LineChart } from '@/components/line-chart.tsx';
import { formatPercent, formatQuantity } from '@/components/number-format.ts';
import { seriesStyle } from '@/components/objective-language.ts';
import type { DebiasClaim } from '@/core/debias-claim.ts';
import { debiasFrontier, type FrontierPoint } from '@/core/debias-frontier.ts';
import { lengthBaselines, lengthMatched, type Accuracy } from '@/core/pair-accuracy.ts';
import { useDebiasJobs } from '@/queries/debias-context.ts';
import { claimQuery } from '@/queries/debias-queries.ts';
import { chooseDebias, useDebias } from '@/state/debias-store.ts';
import type { DebiasSubject } from './use-debias.ts';
import { usePairs, type Pairs, type PairsState } from './use-pairs.ts';
import { formatRange, formatRho, formatScale, progressWords } from './words.ts';
import classes from './debias-view.module.css';

export function PairsPanel({ subject }: { readonly subject: DebiasSubject }) {
  const state = usePairs(subject);
  const { pairs } = state;
  if (pairs === undefined) return <NoPairs state={state} />;
  return (
    <>
      <p className="small numeric">
        On <strong>{pairs.name}</strong>: {formatQuantity(pairs.comparisons.chosen.length, 'comparison')}; the penalties
        are those of {subject.reference.name}.
        {pairs.recorded === true ? ' The model’s scores of these pairs were recorded when it was made.' : ''}
      </p>
      {pairs.recorded === true ? <ScorePairs state={state} label="Score them here and now" /> : null}
      <Frontier subject={subject} pairs={pairs} />
      <Matched subject={subject} pairs={pairs} />
    </>
  );
}

function NoPairs({ state }: { readonly state: PairsState }) {
  return (
    <>
      <p className="muted small">
        Accuracy needs pairs of a chosen and a rejected response, and this reference set has none. Score the 48 pairs
        written for this page with the model in use, or open a scored dataset of pairs.
      </p>
      <ScorePairs state={state} label="Score the written pairs" />
    </>
  );
}

function ScorePairs({
  state: { scoring, canScore, problem },
  label,
}: {
  readonly state: PairsState;
  readonly label: string;
}) {
  const client = useQueryClient();
  const progress = useDebias((state) => state.pairsProgress);
  return (
    <>
      <div className={classes.line}>
        <Button
          size="compact-sm"
          variant="default"
          disabled={!canScore || scoring}
          onClick={() => chooseDebias({ pairsWanted: true })}
        >
          {scoring ? 'Scoring…' : canScore ? label : 'Waiting for the model'}
        </Button>
        {scoring ? (
          <>
            <span className="small numeric" role="status" aria-label="Pairs scored">
              {progressWords(progress)}
            </span>
            <Button
              size="compact-sm"
              variant="subtle"
              onClick={() => {
                chooseDebias({ pairsWanted: false });
                void client.cancelQueries({ queryKey: ['debias', 'written-pairs'] });
              }}
            >
              Cancel
            </Button>
          </>
        ) : null}
      </div>
      {problem === undefined ? null : (
        <p role="alert" className={`${classes.problem} small`}>
          {problem}
        </p>
      )}
    </>
  );
}

const residuals = {
  meanResidual: 'mean |ρ| of the objectives with verbosity',
  scoreWithVerbosity: 'ρ of the score with verbosity',
  scoreWithLength: 'ρ of the score with length',
} as const;

function Frontier({ subject, pairs }: { readonly subject: DebiasSubject; readonly pairs: Pairs }) {
  const { penalties } = subject.correction;
  const [residual, setResidual] = useState<keyof typeof residuals>('meanResidual');
  const points = useMemo(
    () => debiasFrontier(pairs.set, pairs.comparisons, penalties),
    [pairs.set, pairs.comparisons, penalties],
  );
  const at = (scale: number) => points.find((point) => point.scale === scale);
  const words = (scale: number) => {
    const point = at(scale);
    return point === undefined
      ? ''
      : `${formatPercent(point.accuracy.accuracy)} (${percentRange(point.accuracy)}) at ρ ${formatRho(point[residual])}`;
  };
  return (
    <ChartFrame
      title="Accuracy against what is left"
      fileName="debias-frontier"
      summary={`Without penalties the chosen response wins in ${words(0)}; with the penalties as found, in ${words(1)}; with 1.5 times them, in ${words(1.5)}.`}
      note="Every dot is one strength, from 0 to 1.5 times λ in steps of 0.05, on the pairs themselves."
      controls={
        <SegmentedControl
          size="xs"
          aria-label="Residual"
          value={residual}
          onChange={(value) => setResidual(value)}
          data={[
            { value: 'meanResidual', label: 'Objectives' },
            { value: 'scoreWithVerbosity', label: 'Score, verbosity' },
            { value: 'scoreWithLength', label: 'Score, length' },
          ]}
        />
      }
      table={() => ({
        columns: [
          { label: 'Strength', format: formatScale },
          { label: 'Accuracy', format: formatPercent },
          { label: 'Low', format: formatPercent },
          { label: 'High', format: formatPercent },
          ...Object.values(residuals).map((label) => ({ label, format: formatRho })),
        ],
        rows: points.map((point) => [
          point.scale,
          point.accuracy.accuracy,
          point.accuracy.interval.low,
          point.accuracy.interval.high,
          point.meanResidual,
          point.scoreWithVerbosity,
          point.scoreWithLength,
        ]),
      })}
    >
      <LineChart
        series={[
          {
            name: 'accuracy',
            style: seriesStyle(0),
            dots: true,
            points: points.map((point: FrontierPoint) => ({ x: point[residual], y: point.accuracy.accuracy })),
          },
        ]}
        xAxis={{ label: residuals[residual], format: (value) => formatRho(value) }}
        yAxis={{ label: 'accuracy', format: formatPercent }}
        references={[0, 1].flatMap((scale) => {
          const point = at(scale);
          return point === undefined ? [] : [{ axis: 'x' as const, value: point[residual], label: `${scale} λ` }];
        })}
      />
    </ChartFrame>
  );
}

function percentRange({ interval }: Accuracy): string {
  return `${formatPercent(interval.low)} to ${formatPercent(interval.high)}`;
}

function Matched({ subject, pairs }: { readonly subject: DebiasSubject; readonly pairs: Pairs }) {
  const { set, comparisons } = pairs;
  const known = set.responseTokens.every((count) => count >= 0);
  const claim = useQuery({
    ...claimQuery(useDebiasJobs(), pairs.key, set, subject.correction.transform),
    enabled: known,
  });
  if (!known) return <p className="muted small">Pairs cannot be matched in length: their tokens are not known.</p>;
  if (claim.error !== null)
    return (
      <p role="alert" className={`${classes.problem} small`}>
        {claim.error.message}
      </p>
    );
  if (claim.data === undefined) return <p className="muted small">Matching pairs in length…</p>;
  const { longest } = lengthBaselines(set.responseTokens, comparisons);
  const matched = lengthMatched(set.responseTokens, comparisons, claim.data.matchedTolerance);
  const { longest: longestMatched } = lengthBaselines(set.responseTokens, comparisons, matched);
  return <MatchedTable claim={claim.data} longest={longest} longestMatched={longestMatched} />;
}

function MatchedTable({
  claim,
  longest,
  longestMatched,
}: {
  readonly claim: DebiasClaim;
  readonly longest: Accuracy;
  readonly longestMatched: Accuracy;
}) {
  const { uncorrected, corrected, matchedTolerance, matchedPairs } = claim;
  const percent = (accuracy: number) => (accuracy >= 0 ? '+' : '−') + formatPercent(Math.abs(accuracy));
  const rows = [
    { name: 'All pairs', sides: [uncorrected.accuracy, corrected.accuracy, longest], difference: claim.accuracy },
    {
      name: `${formatQuantity(matchedPairs, 'pair')} within ${matchedTolerance * 100} % in length`,
      sides: [uncorrected.matched, corrected.matched, longestMatched],
      difference: claim.matchedAccuracy,
    },
  ];
  return (
    <>
      <h3>Is it length or is it quality?</h3>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.scroll} tabIndex={0} role="group" aria-label="Matched pairs: table">
        <table className={`${classes.table} numeric`} aria-label="Accuracy on pairs matched in length">
          <thead>
            <tr>
              <th scope="col">Accuracy</th>
              <th scope="col">no correction</th>
              <th scope="col">this correction</th>
              <th scope="col">difference</th>
              <th scope="col">longer wins</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, sides: [before, after, length], difference }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <AccuracyCell accuracy={before} />
                <AccuracyCell accuracy={after} />
                <td>
                  {percent(difference.value)}
                  <span className={classes.range}>
                    {percent(difference.interval.low)} to {percent(difference.interval.high)}
                  </span>
                </td>
                <AccuracyCell accuracy={length} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="small numeric">
        The score’s ρ with length goes from {formatRho(uncorrected.scoreWithLength)} (
        {formatRange(uncorrected.interval)}) to {formatRho(corrected.scoreWithLength)} (
        {formatRange(corrected.interval)}). Where lengths are about equal, length cannot decide: what a correction loses
        there, it loses in quality.
      </p>
    </>
  );
}

function AccuracyCell({ accuracy }: { readonly accuracy: Accuracy | undefined }) {
  if (accuracy === undefined || accuracy.comparisons === 0) return <td className="muted">–</td>;
  return (
    <td>
      {formatPercent(accuracy.accuracy)}
      <span className={classes.range}>{percentRange(accuracy)}</span>
    </td>
  );
}
