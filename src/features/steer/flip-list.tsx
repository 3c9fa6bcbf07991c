/** Groups of the set in which another response wins than at baseline, the clearest first; one press steers by that pair. */
import { useMemo } from 'react';
import { formatSigned, fullPrecision } from '@/components/number-format.ts';
import { setPair, setSource } from '@/state/steering-store.ts';
import { rowText, shownRows } from './set-group.ts';
import { flipsByLead } from './set-order.ts';
import type { SetScores } from '@/queries/use-set-scores.ts';
import { RowAction } from '@/components/row-action.tsx';
import { VirtualTable } from '@/components/virtual-table.tsx';
import classes from './set-panel.module.css';

export function FlipList({ loaded }: { readonly loaded: SetScores }) {
  const { set, scores, batch } = loaded;
  // The scores are overwritten in place, so `loaded` is what tells that they have changed.
  const flips = useMemo(() => flipsByLead(loaded.scores), [loaded]);
  return (
    <VirtualTable
      label="Flips"
      grid={classes.flipGrid ?? ''}
      columns={['Group', 'Won before', 'Wins now', 'By', 'Steer']}
      rows={flips.length}
      empty="No group flips under these weights."
      renderCells={(at) => {
        const group = flips[at] ?? 0;
        const before = batch.baseline.winners[group] ?? 0;
        const now = scores.winners[group] ?? 0;
        const lead = scores.leads[now] ?? 0;
        const id = set.ids[group] ?? String(group + 1);
        return [
          id,
          <span key="before" className={classes.text}>
            {rowText(set, before)}
          </span>,
          <span key="now" className={classes.text}>
            {rowText(set, now)}
          </span>,
          <span key="lead" title={fullPrecision(lead)}>
            {formatSigned(lead, 3)}
          </span>,
          <RowAction
            key="steer"
            label={`Steer by group ${id}`}
            onClick={() => {
              const rows = shownRows(set, group);
              setSource({ kind: 'set', group });
              setPair(Math.max(0, rows.indexOf(before)), Math.max(0, rows.indexOf(now)));
            }}
          >
            Open
          </RowAction>,
        ];
      }}
    />
  );
}
