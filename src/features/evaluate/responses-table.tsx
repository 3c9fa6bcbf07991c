/** Every response by its score, for sets in which nothing is compared. */
import { useMemo, useState } from 'react';
import { Excerpt } from '@/components/excerpt.tsx';
import { formatCount, formatSignificant, fullPrecision } from '@/components/number-format.ts';
import { VirtualTable } from '@/components/virtual-table.tsx';
import { orderRows, type Direction } from '@/core/row-order.ts';
import type { EvaluatedSet } from '@/queries/evaluated-set.ts';
import { rowText } from './row-texts.ts';
import classes from './evaluate-view.module.css';

export function ResponsesTable({ evaluated: { set, scores } }: { readonly evaluated: EvaluatedSet }) {
  const [direction, setDirection] = useState<Direction>('descending');
  const baseline = scores?.batch.baseline.scores ?? set.scores;
  // Scores are overwritten in place: `scores` itself is what tells that they have changed.
  const order = useMemo(
    () =>
      orderRows(
        Uint32Array.from({ length: set.rows }, (_, row) => row),
        scores?.scores.scores ?? set.scores,
        direction,
      ),
    [set, scores, direction],
  );
  return (
    <>
      <h2>Responses</h2>
      <VirtualTable
        label="Responses"
        grid={classes.responseGrid ?? ''}
        columns={[
          'Row',
          'Response',
          {
            name: 'Score',
            order: direction,
            onSort: () => setDirection(direction === 'descending' ? 'ascending' : 'descending'),
          },
          'Baseline',
          'Tokens',
        ]}
        rows={set.rows}
        empty="The set is empty."
        renderCells={(at) => {
          const row = order[at] ?? 0;
          const now = (scores?.scores.scores ?? baseline)[row] ?? 0;
          const before = baseline[row] ?? 0;
          const tokens = set.responseTokens[row] ?? -1;
          return [
            <Excerpt key="id" text={set.ids[set.groupOf[row] ?? 0] ?? ''} />,
            <Excerpt key="text" text={rowText(set, row)} />,
            <span key="now" title={fullPrecision(now)}>
              {formatSignificant(now)}
            </span>,
            <span key="before" title={fullPrecision(before)}>
              {formatSignificant(before)}
            </span>,
            tokens < 0 ? '–' : formatCount(tokens),
          ];
        }}
      />
    </>
  );
}
