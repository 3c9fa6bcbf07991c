/** Without correction, under the head in use and under this correction: what follows verbosity and length, and how right it is. */
import { useMemo } from 'react';
import { formatPercent, formatQuantity, fullPrecision } from '@/components/number-format.ts';
import { residualOf } from '@/core/debias-correction.ts';
import { columnOf } from '@/core/debias-report.ts';
import { transformFromPenalties } from '@/core/debias.ts';
import { pairAccuracy } from '@/core/pair-accuracy.ts';
import { spearman } from '@/core/rank-correlation.ts';
import { scoresUnderTransform, setAdjustedRewards } from '@/core/set-scores.ts';
import type { Reference } from '@/queries/debias-reference.ts';
import type { DebiasSubject } from './use-debias.ts';
import { formatRho } from './words.ts';
import classes from './debias-view.module.css';

export interface Effect {
  readonly mean: number;
  readonly scoreWithVerbosity: number;
  readonly scoreWithLength: number;
  readonly accuracy: number;
}

/** One way of scoring the reference set. Scores are NaN where there is no gate, accuracy where there are no pairs. */
export function effectOf({ set, scored, comparisons }: Reference, transform: Float64Array): Effect {
  const k = set.objectives.length;
  const { mean } = residualOf(set, setAdjustedRewards(set, transform));
  if (scored === undefined)
    return { mean, scoreWithVerbosity: Number.NaN, scoreWithLength: Number.NaN, accuracy: Number.NaN };
  const scores = scoresUnderTransform(scored, transform);
  return {
    mean,
    scoreWithVerbosity: spearman(scores, columnOf(set.rewards, k, set.verbosity)),
    scoreWithLength:
      set.responseTokens === undefined ? Number.NaN : spearman(scores, Float64Array.from(set.responseTokens)),
    accuracy: pairAccuracy(scores, comparisons).accuracy,
  };
}

export function EffectPanel({ subject }: { readonly subject: DebiasSubject }) {
  const { reference, correction, active, objectives } = subject;
  const inUse = active.head.transform;
  const none = useMemo(
    () => effectOf(reference, transformFromPenalties(objectives.length, [])),
    [reference, objectives.length],
  );
  const head = useMemo(() => effectOf(reference, inUse), [reference, inUse]);
  const corrected = useMemo(() => effectOf(reference, correction.transform), [reference, correction.transform]);
  const rows = [
    { name: 'Mean |ρ| of the objectives with verbosity', key: 'mean' as const, format: formatRho },
    { name: 'ρ of the score with verbosity', key: 'scoreWithVerbosity' as const, format: formatRho },
    { name: 'ρ of the score with length', key: 'scoreWithLength' as const, format: formatRho },
    { name: 'Accuracy on its pairs', key: 'accuracy' as const, format: formatPercent },
  ];
  return (
    <>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.scroll} tabIndex={0} role="group" aria-label="Effect: table">
        <table className={`${classes.table} numeric`} aria-label="Effect of the correction">
          <thead>
            <tr>
              <th scope="col">On the reference set</th>
              <th scope="col">none</th>
              <th scope="col">head in use</th>
              <th scope="col">this correction</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, key, format }) => (
              <tr key={key}>
                <th scope="row">{name}</th>
                {[none, head, corrected].map((effect, index) => (
                  // Three columns in a fixed order.
                  // oxlint-disable-next-line react/no-array-index-key
                  <td key={index} title={fullPrecision(effect[key])}>
                    {format(effect[key])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="muted small">
        ρ is Spearman’s, with the raw verbosity reward and with the response’s tokens.{' '}
        {reference.scored === undefined
          ? 'This set has no gate, so there is no score.'
          : reference.comparisons.chosen.length === 0
            ? 'This set has no pairs of chosen and rejected responses, so there is no accuracy.'
            : `${formatQuantity(reference.comparisons.chosen.length, 'comparison')}; a tie counts half.`}
      </p>
    </>
  );
}
