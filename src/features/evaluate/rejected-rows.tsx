/** Rows of the source that could not be used: each with its number and reason, none swallowed; all of them in a file. */
import { Button } from '@mantine/core';
import { Panel } from '@/components/panel.tsx';
import { saveFile } from '@/components/chart-picture.ts';
import { Excerpt } from '@/components/excerpt.tsx';
import { formatCount, formatQuantity } from '@/components/number-format.ts';
import { VirtualTable } from '@/components/virtual-table.tsx';
import { exportRejectedRows } from '@/queries/export-scored-set.ts';
import { rejectedRowsOf, type LoadedSetSummary } from '@/state/loaded-set.ts';
import { trackWork } from '@/state/pending-work.ts';
import classes from './evaluate-view.module.css';

export function RejectedRows({ summary }: { readonly summary: LoadedSetSummary }) {
  const rows = rejectedRowsOf(summary);
  if (rows.length === 0) return null;
  return (
    <Panel name="Rows not used" className={classes.panel}>
      <div className={classes.head}>
        <h2>{formatQuantity(rows.length, 'row')} could not be used</h2>
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => void trackWork(exportRejectedRows(rows).then((blob) => saveFile('rows-not-used.jsonl', blob)))}
        >
          Save them with reasons
        </Button>
      </div>
      <VirtualTable
        label="Rows that could not be used"
        grid={classes.rejectedGrid ?? ''}
        columns={['Row', 'Field', 'Reason', 'Text']}
        rows={rows.length}
        empty=""
        renderCells={(at) => {
          const row = rows[at];
          return row === undefined
            ? []
            : [
                formatCount(row.row),
                <Excerpt key="field" text={row.field === '' ? 'all of it' : row.field} />,
                <Excerpt key="reason" text={row.reason} />,
                <Excerpt key="text" text={row.text.slice(0, 200)} />,
              ];
        }}
      />
    </Panel>
  );
}
