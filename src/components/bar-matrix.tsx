/**
 * Small multiples: one row per item, one narrow column of diverging bars per series, all on one scale, so that columns compare.
 * Values are in the table twin. Sits in a `ChartFrame`.
 */
import { labelRows } from './label-rows.ts';
import { position } from './nice-scale.ts';
import { fullPrecision } from './number-format.ts';
import { groupStyle } from './objective-language.ts';
import { RowLabel } from './row-parts.tsx';
import { useWidth } from './use-width.ts';
import classes from './chart.module.css';

export interface MatrixRow {
  readonly key: string;
  readonly label: string;
  readonly group?: string;
  /** One per column. */
  readonly values: readonly number[];
}

interface Props {
  /** Short: a letter or a word. */
  readonly columns: readonly string[];
  readonly rows: readonly MatrixRow[];
  readonly onPick?: ((key: string) => void) | undefined;
}

const HEADER = 18;
const COLUMN_GAP = 10;

export function BarMatrix({ columns, rows, onPick }: Props) {
  const { ref, width } = useWidth();
  return (
    <div ref={ref} className={classes.chart}>
      {width === 0 ? null : <Matrix columns={columns} rows={rows} onPick={onPick} width={width} />}
    </div>
  );
}

function Matrix({ columns, rows, onPick, width }: Props & { readonly width: number }) {
  const markers = rows.some((row) => row.group !== undefined);
  const layout = labelRows(
    rows.map((row) => row.label),
    [],
    width,
    markers,
  );
  const all = rows.flatMap((row) => row.values).filter((value) => Number.isFinite(value));
  const low = Math.min(0, ...all);
  const high = Math.max(0, ...all);
  const span = high > low ? { low, high } : { low: -1, high: 1 };
  const columnWidth = (layout.right - layout.left) / Math.max(1, columns.length);
  const height = layout.height + HEADER;
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
      {columns.map((column, at) => {
        const left = layout.left + at * columnWidth + COLUMN_GAP / 2;
        const zero = position(0, span.low, span.high, left, left + columnWidth - COLUMN_GAP);
        return (
          <g key={column}>
            <text className={classes.strongLabel} textAnchor="middle" x={left + (columnWidth - COLUMN_GAP) / 2} y={12}>
              {column}
            </text>
            <line className={classes.zero} x1={zero} x2={zero} y1={HEADER} y2={height} />
          </g>
        );
      })}
      <g transform={`translate(0,${HEADER})`}>
        {rows.map((row, index) => {
          const place = layout.rows[index];
          if (place === undefined) return null;
          const colour = row.group === undefined ? 'var(--accent)' : groupStyle(row.group).colour;
          return (
            <g key={row.key}>
              <RowLabel
                row={place}
                group={row.group}
                markers={markers}
                onPick={onPick === undefined ? undefined : () => onPick(row.key)}
              />
              {row.values.map((value, at) => {
                if (!Number.isFinite(value) || value === 0) return null;
                const left = layout.left + at * columnWidth + COLUMN_GAP / 2;
                const x = (v: number) => position(v, span.low, span.high, left, left + columnWidth - COLUMN_GAP);
                const [from, to] = [Math.min(x(0), x(value)), Math.max(x(0), x(value))];
                return (
                  <rect
                    key={columns[at]}
                    x={from}
                    width={Math.max(1, to - from)}
                    y={place.centre - 4.5}
                    height={9}
                    fill={colour}
                  >
                    <title>{`${row.label}, ${columns[at] ?? ''}: ${fullPrecision(value)}`}</title>
                  </rect>
                );
              })}
            </g>
          );
        })}
      </g>
    </svg>
  );
}
