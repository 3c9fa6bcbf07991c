/** The few figures that sum a set up: accuracy with its interval, ties, and what length alone would have reached. */
import {
  formatCount,
  formatPercent,
  formatQuantity,
  formatSetting,
  formatSigned,
  fullPrecision,
} from '@/components/number-format.ts';
import type { Accuracy } from '@/core/pair-accuracy.ts';
import type { EvaluatedSet } from '@/queries/evaluated-set.ts';
import type { Reports } from './use-report.ts';
import { accuracyWords, differs } from './words.ts';
import classes from './evaluate-view.module.css';

interface Props {
  readonly reports: Reports;
  readonly evaluated: EvaluatedSet;
}

export function Overview({ reports: { report, baseline } }: Props) {
  const { overall, length, comparedBy } = report;
  if (comparedBy === 'nothing')
    return (
      <p className="small">
        Nothing is compared here: no response is marked as chosen, and none has a label. The rows below show their
        scores.
      </p>
    );
  return (
    <>
      <dl className={`${classes.figures} numeric`}>
        <Figure name="Accuracy" accuracy={overall} before={baseline.overall} />
        {overall.longest === undefined || overall.shortest === undefined ? null : (
          <>
            <Figure name="Longest wins" accuracy={overall.longest} />
            <Figure name="Shortest wins" accuracy={overall.shortest} />
          </>
        )}
        {length === undefined ? null : (
          <>
            <Figure
              name={`Matched in length (±${formatSetting(100 * length.matchedTolerance)}\u00a0%)`}
              accuracy={length.matched}
              before={baseline.length?.matched}
            />
            <div>
              <dt>Spearman of score and length</dt>
              <dd title={fullPrecision(length.scoreWithLength)}>{formatSigned(length.scoreWithLength, 3)}</dd>
            </div>
          </>
        )}
      </dl>
      <p className="muted small">
        {formatQuantity(overall.comparisons, 'comparison')}
        {comparedBy === 'label' ? ' by label, the better-labelled as chosen' : ''}: {formatCount(overall.wins)} right,{' '}
        {formatCount(overall.losses)} wrong, {formatQuantity(overall.ties, 'tie')} counted as half. Intervals are
        Wilson’s, 95 %
        {length === undefined ? '; lengths are not known for every response' : `; length is in ${length.unit}`}.
      </p>
    </>
  );
}

function Figure({
  name,
  accuracy,
  before,
}: {
  readonly name: string;
  readonly accuracy: Accuracy;
  readonly before?: Accuracy | undefined;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd title={fullPrecision(accuracy.accuracy)}>
        {formatPercent(accuracy.accuracy)} <span className="muted small">{accuracyWords(accuracy)}</span>
        {before !== undefined && differs(before.accuracy, accuracy.accuracy) ? (
          <span className="muted small"> baseline {formatPercent(before.accuracy)}</span>
        ) : null}
      </dd>
    </div>
  );
}
