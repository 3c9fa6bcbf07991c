/** Parts of charts whose rows have labels: the label with its marker, and the value. */
import { CHARACTER_WIDTH, FONT_SIZE, LINE_HEIGHT, MARKER_ROOM, type LabelRow } from './label-rows.ts';
import { groupStyle, markerPath } from './objective-language.ts';
import classes from './chart.module.css';

interface LabelProps {
  readonly row: LabelRow;
  readonly group?: string | undefined;
  /** Room is kept for a marker even where this row has none. */
  readonly markers: boolean;
  readonly strong?: boolean;
  /** Tells more about the row's item; with the keyboard the same is reached from the table. */
  readonly onPick?: (() => void) | undefined;
}

export function RowLabel({ row, group, markers, strong = false, onPick }: LabelProps) {
  const style = group === undefined ? undefined : groupStyle(group);
  const x = markers && style !== undefined ? MARKER_ROOM : 0;
  const longest = Math.max(...row.lines.map((line) => line.length));
  return (
    <g onClick={onPick} className={onPick === undefined ? undefined : classes.pick}>
      {onPick === undefined ? null : (
        <rect
          data-export="none"
          x={0}
          y={row.top}
          width={x + longest * CHARACTER_WIDTH * FONT_SIZE}
          height={row.height}
          fill="transparent"
        />
      )}
      {style === undefined ? null : (
        <path
          d={markerPath(style.shape, 8)}
          fill={style.colour}
          fillRule="evenodd"
          transform={`translate(5,${row.centre})`}
        />
      )}
      <text
        className={strong ? classes.strongLabel : classes.label}
        textAnchor="start"
        x={x}
        y={row.centre - ((row.lines.length - 1) * LINE_HEIGHT) / 2}
      >
        {row.lines.map((line, at) => (
          <tspan key={line} x={x} dy={at === 0 ? '0.35em' : LINE_HEIGHT}>
            {line}
          </tspan>
        ))}
      </text>
    </g>
  );
}

export function RowValue({
  row,
  x,
  text,
  strong = false,
}: {
  readonly row: LabelRow;
  readonly x: number;
  readonly text: string;
  readonly strong?: boolean;
}) {
  return (
    <text className={strong ? classes.strongValue : classes.value} textAnchor="end" x={x} y={row.centre} dy="0.35em">
      {text}
    </text>
  );
}
