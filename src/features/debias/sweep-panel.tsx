/** The length sweep: the open response cut at its sentences and padded with its own restatement, and what its score makes of it. */
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { LineChart } from '@/components/line-chart.tsx';
import { formatCount, formatQuantity, formatSignificant, formatSigned } from '@/components/number-format.ts';
import { seriesStyle, type SeriesStyle } from '@/components/objective-language.ts';
import { fitLine } from '@/core/debias-report.ts';
import { restatementMark, sweepSlopes } from '@/core/length-sweep.ts';
import type { ActiveHead } from '@/queries/active-head.ts';
import { sweepQuery, type ScoredVariant } from '@/queries/debias-scoring.ts';
import { useEngine } from '@/queries/engine-context.ts';
import { useModel } from '@/queries/model-queries.ts';
import { useOpenResponses } from '@/queries/open-responses.ts';
import { chooseDebias, useDebias } from '@/state/debias-store.ts';
import { progressWords } from './words.ts';
import classes from './debias-view.module.css';

interface Props {
  readonly active: ActiveHead;
  readonly verbosity: number;
}

export function SweepPanel({ active, verbosity }: Props) {
  const engine = useEngine();
  const client = useQueryClient();
  const model = useModel();
  const { messages, responses } = useOpenResponses();
  const letter = useDebias((state) => state.sweep);
  const progress = useDebias((state) => state.sweepProgress);
  const asked = responses.find((response) => response.letter === letter);
  const ready = model.status === 'ready' ? model : undefined;
  const sweep = useQuery({
    ...sweepQuery(engine, ready, messages, asked?.text ?? ''),
    enabled: ready !== undefined && asked !== undefined,
  });
  return (
    <>
      <p className="muted small">
        A response of Inspect is cut after its sentences and padded with its own sentences, marked “
        {restatementMark.trim()}”, and each version is scored. Nothing new is said by the padding.
      </p>
      <div className={classes.line}>
        {responses.map((response) => (
          <Button
            key={response.letter}
            size="compact-sm"
            variant={response.letter === asked?.letter ? 'light' : 'default'}
            disabled={ready === undefined || sweep.isFetching}
            onClick={() => chooseDebias({ sweep: response.letter })}
          >
            Sweep response {response.letter}
          </Button>
        ))}
        {sweep.isFetching ? (
          <>
            <span className="small numeric" role="status" aria-label="Sweep progress">
              {progressWords(progress)}
            </span>
            <Button
              size="compact-sm"
              variant="subtle"
              onClick={() => {
                chooseDebias({ sweep: undefined });
                void client.cancelQueries({ queryKey: ['debias', 'sweep'] });
              }}
            >
              Cancel
            </Button>
          </>
        ) : null}
        {ready === undefined ? <span className="muted small">The model is not ready yet.</span> : null}
      </div>
      {sweep.error === null ? null : (
        <p role="alert" className={`${classes.problem} small`}>
          {sweep.error.message}
        </p>
      )}
      {responses.length === 0 ? <p className="muted small">No response is open in Inspect.</p> : null}
      {sweep.data === undefined || asked === undefined ? null : (
        <SweepChart active={active} verbosity={verbosity} variants={sweep.data} letter={asked.letter} />
      )}
    </>
  );
}

function SweepChart({
  active,
  verbosity,
  variants,
  letter,
}: Props & { readonly variants: readonly ScoredVariant[]; readonly letter: string }) {
  const points = variants.flatMap((variant) => {
    const evaluated = active.unsteered(variant.scored);
    return evaluated === undefined ? [] : [{ variant, evaluated, responseTokens: variant.scored.tokens.response }];
  });
  const first = points[0]?.evaluated;
  if (first === undefined || points.length < 2)
    return <p className="muted small">One sentence alone has no lengths to compare. Choose a longer response.</p>;
  const { gateWeights, coefficients } = first;
  const slopes = sweepSlopes(
    points.map(({ evaluated, responseTokens }) => ({ rewards: evaluated.rewards, responseTokens })),
    gateWeights,
    coefficients,
    verbosity,
  );
  const lengths = Float64Array.from(points, ({ responseTokens }) => responseTokens);
  const ends = [Math.min(...lengths), Math.max(...lengths)];
  const fitted = (scores: Float64Array, name: string, style: SeriesStyle) => {
    const { slope, intercept } = fitLine(lengths, scores);
    return { name, style, points: ends.map((x) => ({ x, y: intercept + slope * x })) };
  };
  const dots = (scores: Float64Array, name: string, style: SeriesStyle) => ({
    name,
    style: { ...style, dash: '0 1000' },
    dots: true,
    points: Array.from(scores, (y, index) => ({ x: lengths[index] ?? Number.NaN, y })),
  });
  const [none, corrected] = [seriesStyle(1), seriesStyle(0)];
  const explained = ((coefficients[verbosity] ?? 0) - (gateWeights[verbosity] ?? 0)) * slopes.verbosity;
  const hundred = (slope: number) => formatSigned(100 * slope, 3);
  return (
    <>
      <ChartFrame
        title={`Response ${letter} in ${points.length} lengths`}
        fileName={`length-sweep-${letter.toLowerCase()}`}
        summary={`A hundred tokens more change the score by ${hundred(slopes.uncorrected)} without correction (M = I), and by ${hundred(slopes.corrected)} under the head in use.`}
        note={`The two slopes differ by ${hundred(slopes.corrected - slopes.uncorrected)}; (c − g) of verbosity times the slope of its reward gives ${hundred(explained)}.`}
        legend={[
          { label: 'no correction', colour: none.colour, dash: none.dash },
          { label: 'head in use', colour: corrected.colour },
        ]}
        table={() => ({
          columns: [
            { label: 'Version' },
            { label: 'Tokens', format: formatCount },
            { label: 'Score, M = I' },
            { label: 'Score, head in use' },
            { label: 'Verbosity reward' },
          ],
          rows: points.map(({ variant, evaluated, responseTokens }, index) => [
            versionWords(variant),
            responseTokens,
            slopes.uncorrectedScores[index] ?? Number.NaN,
            slopes.correctedScores[index] ?? Number.NaN,
            evaluated.rewards[verbosity] ?? Number.NaN,
          ]),
        })}
      >
        <LineChart
          series={[
            fitted(slopes.uncorrectedScores, 'no correction, line', none),
            fitted(slopes.correctedScores, 'head in use, line', corrected),
            dots(slopes.uncorrectedScores, 'no correction', none),
            dots(slopes.correctedScores, 'head in use', corrected),
          ]}
          xAxis={{ label: 'tokens of the response', format: formatCount }}
          yAxis={{ label: 'score', format: (value) => formatSignificant(value, 3) }}
        />
      </ChartFrame>
      <details className="small">
        <summary>The {points.length} versions</summary>
        <ol className={classes.variants}>
          {points.map(({ variant, responseTokens }) => (
            <li key={`${variant.sentences}+${variant.restated}`}>
              <strong>{versionWords(variant)}</strong>, {formatQuantity(responseTokens, 'token')}: {variant.text}
            </li>
          ))}
        </ol>
      </details>
    </>
  );
}

function versionWords({ sentences, restated }: ScoredVariant): string {
  if (restated > 0) return `whole, ${formatQuantity(restated, 'sentence')} restated`;
  return `first ${formatQuantity(sentences, 'sentence')}`;
}
