/** The table twin of a chart: the same numbers, readable and copyable. Long ones unfold in steps. */
import { useState } from 'react';
import type { ChartCell, ChartColumn, ChartTable as Data } from './chart-table-data.ts';
import { formatCount, formatSignificant, fullPrecision } from './number-format.ts';
import { ObjectiveName } from './objective-marker.tsx';
import classes from './chart-table.module.css';

/** More rows at once would make opening the table slow, and nobody reads them. */
const ROWS_AT_ONCE = 200;

interface Props {
  readonly label: string;
  readonly data: Data;
}

export function ChartTable({ label, data }: Props) {
  const [shown, setShown] = useState(ROWS_AT_ONCE);
  const { columns, rows, footer } = data;
  const hidden = rows.length - shown;
  return (
    // A table wider than its place scrolls by itself, also with the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.scroll} tabIndex={0} role="group" aria-label={`${label}: table`}>
      <table className={`${classes.table} numeric`} aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.label} scope="col" title={column.meaning}>
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, shown).map((row, index) => (
            // Rows have no identity beyond their place.
            // oxlint-disable-next-line react/no-array-index-key
            <Row key={index} row={row} columns={columns} />
          ))}
        </tbody>
        {footer === undefined ? null : (
          <tfoot>
            <Row row={footer} columns={columns} />
          </tfoot>
        )}
      </table>
      {hidden <= 0 ? null : (
        <button type="button" className={classes.more} onClick={() => setShown(shown + ROWS_AT_ONCE)}>
          {formatCount(hidden)} more rows; the CSV has them all. Show {formatCount(Math.min(hidden, ROWS_AT_ONCE))}
        </button>
      )}
    </div>
  );
}

function Row({ row, columns }: { readonly row: readonly ChartCell[]; readonly columns: readonly ChartColumn[] }) {
  return (
    <tr>
      {columns.map((column, index) => {
        const cell = row[index];
        if (index === 0)
          return (
            <th key={column.label} scope="row">
              <CellContent cell={cell} column={column} />
            </th>
          );
        return typeof cell === 'number' ? (
          <td key={column.label} className={classes.number} title={fullPrecision(cell)}>
            <CellContent cell={cell} column={column} />
          </td>
        ) : (
          <td key={column.label}>
            <CellContent cell={cell} column={column} />
          </td>
        );
      })}
    </tr>
  );
}

function CellContent({ cell, column }: { readonly cell: ChartCell; readonly column: ChartColumn }) {
  if (cell === undefined) return <span className="muted">–</span>;
  if (typeof cell === 'number') return <span>{(column.format ?? formatSignificant)(cell)}</span>;
  return typeof cell === 'string' ? <span>{cell}</span> : <ObjectiveName objective={cell} />;
}
