/** Every response of the set by its steered score, with its place before. */
import { useMemo } from 'react';
import { formatCount, formatSignificant, formatSigned, fullPrecision } from '@/components/number-format.ts';
import { rowText } from './set-group.ts';
import { orderByScore, placesOf } from './set-order.ts';
import type { SetScores } from '@/queries/use-set-scores.ts';
import { VirtualTable } from '@/components/virtual-table.tsx';
import classes from './set-panel.module.css';

export function ScoreList({ loaded }: { readonly loaded: SetScores }) {
  const { set, scores, batch } = loaded;
  const before = useMemo(
    () => placesOf(orderByScore(batch.baseline.scores, new Uint32Array(set.rows)), new Uint32Array(set.rows)),
    [batch, set],
  );
  const space = useMemo(() => new Uint32Array(set.rows), [set]);
  // The scores are overwritten in place, so `loaded` is what tells that they have changed.
  const order = useMemo(() => orderByScore(loaded.scores.scores, space), [loaded, space]);
  return (
    <VirtualTable
      label="All responses by steered score"
      grid={classes.scoreGrid ?? ''}
      columns={['Place', 'Response', 'Score', 'Baseline', 'Change']}
      rows={set.rows}
      empty="The set is empty."
      renderCells={(at) => {
        const row = order[at] ?? 0;
        const was = before[row] ?? 0;
        const [now, base] = [scores.scores[row] ?? 0, batch.baseline.scores[row] ?? 0];
        return [
          <>
            {formatCount(at + 1)}
            {was === at + 1 ? null : (
              <span key="was" className={at + 1 < was ? classes.up : classes.down}>
                {' '}
                {at + 1 < was ? '▲' : '▼'} {formatCount(was)}
              </span>
            )}
          </>,
          <span key="text" className={classes.text}>
            {set.ids[set.groupOf[row] ?? 0]}: {rowText(set, row)}
          </span>,
          <span key="now" title={fullPrecision(now)}>
            {formatSignificant(now)}
          </span>,
          <span key="base" title={fullPrecision(base)}>
            {formatSignificant(base)}
          </span>,
          <span key="change" title={fullPrecision(now - base)}>
            {formatSigned(now - base, 3)}
          </span>,
        ];
      }}
    />
  );
}
