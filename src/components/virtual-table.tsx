/** A table of any length that draws only the rows in sight. Roles are written out, because its rows are no table to the browser. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, type ReactNode } from 'react';
import classes from './virtual-table.module.css';

/** A heading; one that sorts says how the rows stand and what pressing it does. */
export interface VirtualColumn {
  readonly name: string;
  readonly order?: 'ascending' | 'descending' | 'none';
  readonly onSort?: () => void;
}

interface Props {
  readonly label: string;
  readonly columns: readonly (string | VirtualColumn)[];
  readonly rows: number;
  /** Cells of row `at`; the first is its header. */
  readonly renderCells: (at: number) => readonly ReactNode[];
  /** Class of a row, with its grid's columns. */
  readonly grid: string;
  readonly empty: string;
}

const ROW_PIXELS = 30;

export function VirtualTable({ label, columns, rows, renderCells, grid, empty }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  // The virtualizer keeps its own state; nothing here is memoised over it.
  // oxlint-disable-next-line react/incompatible-library
  const virtual = useVirtualizer({
    count: rows,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PIXELS,
    overscan: 6,
  });
  return (
    <div role="table" aria-label={label} aria-rowcount={rows + 1} className={`${classes.table} numeric`}>
      <div role="rowgroup">
        <div role="row" aria-rowindex={1} className={`${classes.cells} ${grid} ${classes.headRow}`}>
          {columns.map((column) =>
            typeof column === 'string' ? (
              <span role="columnheader" key={column}>
                {column}
              </span>
            ) : (
              <span role="columnheader" key={column.name} aria-sort={column.order ?? 'none'}>
                <button type="button" className={classes.sort} onClick={column.onSort}>
                  {column.name}
                  <span aria-hidden="true">
                    {column.order === 'ascending' ? ' ▲' : column.order === 'descending' ? ' ▼' : ''}
                  </span>
                </button>
              </span>
            ),
          )}
        </div>
      </div>
      <div ref={frame} role="rowgroup" className={classes.scroll} tabIndex={0}>
        {rows === 0 ? (
          <div role="row">
            <span role="cell" className="muted">
              {empty}
            </span>
          </div>
        ) : (
          <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
            {virtual.getVirtualItems().map(({ index, start, size }) => (
              <div
                role="row"
                aria-rowindex={index + 2}
                key={index}
                className={`${classes.cells} ${grid} ${classes.row}`}
                style={{ transform: `translateY(${start}px)`, height: size }}
              >
                {renderCells(index).map((cell, column) => (
                  // Columns stay in their places.
                  // oxlint-disable-next-line react/no-array-index-key
                  <span role={column === 0 ? 'rowheader' : 'cell'} key={column}>
                    {cell}
                  </span>
                ))}
              </div>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}
