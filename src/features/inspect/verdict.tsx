/** The answer first: who scores higher and why, in one true sentence, with the margin, its probability, and the model's own noise. */
import {
  formatSignificant,
  formatPercent,
  formatSetting,
  formatSigned,
  fullPrecision,
} from '@/components/number-format.ts';
import type { Manifest } from '@/formats/manifest.ts';
import { marginNoise } from '@/formats/score-noise.ts';
import { comparePair } from './attribution.ts';
import { ranked, type ScoredEntry, type ScoredProps } from './entries.ts';
import { pairReasons, type PairReasons } from './pair-reasons.ts';
import { pairSentence } from './pair-sentence.ts';
import classes from './comparison.module.css';

export interface BestPair {
  readonly better: ScoredEntry;
  readonly worse: ScoredEntry;
  readonly reasons: PairReasons;
}

/** The two highest, with why the first is first. */
export function bestPair(scored: readonly ScoredEntry[]): BestPair | undefined {
  const [better, worse] = ranked(scored);
  if (better === undefined || worse === undefined) return undefined;
  return { better, worse, reasons: pairReasons(better.scored, worse.scored) };
}

export function Verdict({ manifest, scored, total }: ScoredProps & { readonly total: number }) {
  const pair = bestPair(scored);
  if (pair === undefined) {
    return (
      <div className={classes.verdict}>
        <h2>{total > 1 ? 'One response so far' : 'Result'}</h2>
        <p className="muted small">Score a second response to compare it with this one.</p>
      </div>
    );
  }
  return (
    <div className={classes.verdict}>
      <h2>
        {headline(manifest, pair, scored.length)}
        {scored.some((entry) => entry.stale) ? <span className={classes.stale}> (before the last edit)</span> : null}
      </h2>
      <PairWords manifest={manifest} pair={pair} />
      <PairFigures manifest={manifest} pair={pair} />
    </div>
  );
}

function headline(manifest: Manifest, { better, worse, reasons }: BestPair, count: number): string {
  if (count > 2) return 'Ranking';
  const margin = better.scored.score - worse.scored.score;
  if (margin === 0 || reasons.winner === undefined) return 'Both score the same';
  if (margin <= (marginNoise(manifest)?.tooClose ?? 0))
    return `Too close to call between response ${better.letter} and response ${worse.letter}`;
  return `Response ${better.letter} scores higher than response ${worse.letter}`;
}

function PairWords({ manifest, pair }: { readonly manifest: Manifest; readonly pair: BestPair }) {
  const { better, worse, reasons } = pair;
  const words = pairSentence(
    reasons,
    {
      first: `Response ${better.letter}`,
      second: `response ${worse.letter}`,
      objectives: manifest.objectives.map((objective) => objective.name),
    },
    marginNoise(manifest)?.tooClose,
  );
  return (
    <div className={classes.words} role="group" aria-label="Why">
      <p className={classes.why}>{words.why}</p>
      <p className="muted small">
        {words.correction} {words.gate}
      </p>
    </div>
  );
}

function PairFigures({ manifest, pair }: { readonly manifest: Manifest; readonly pair: BestPair }) {
  const { better, worse } = pair;
  const compared = comparePair(manifest, better.scored.score, worse.scored.score);
  const noise = marginNoise(manifest);
  return (
    <>
      <dl className={`${classes.figures} numeric`}>
        <div>
          <dt>
            Margin {better.letter} − {worse.letter}
          </dt>
          <dd title={fullPrecision(compared.margin)}>{formatSigned(compared.margin)}</dd>
        </div>
        <div>
          <dt>Probability that {better.letter} is preferred</dt>
          <dd title={fullPrecision(compared.probability)}>{formatPercent(compared.probability)}</dd>
        </div>
        <div>
          <dt>The model’s own noise</dt>
          {noise === undefined ? (
            <dd className={classes.aside}>not measured</dd>
          ) : (
            <dd title={fullPrecision(noise.tooClose)}>
              ±{formatSignificant(noise.tooClose, 2)}{' '}
              <span className={classes.aside}>
                {compared.margin <= noise.tooClose ? 'too close to call' : 'smaller than the margin'}
              </span>
            </dd>
          )}
        </div>
      </dl>
      <details className={`${classes.method} small`}>
        <summary>How these are computed</summary>
        <p>
          Probability: Bradley-Terry, 1 / (1 + exp(−β · margin)) with{' '}
          {compared.betaPublished
            ? `the β = ${formatSetting(compared.beta)} the model was trained with.`
            : 'β = 1, because this model publishes none.'}
        </p>
        <p>
          {noise === undefined
            ? 'Noise: this package does not say what rounding its weights does to a margin, so nothing is called too close.'
            : `Noise: twice the standard deviation that rounding the weights adds to a margin. ${noise.method}`}
        </p>
        <p>Reasons: coefficient times difference in raw reward, one step per objective; the steps sum to the margin.</p>
      </details>
    </>
  );
}
