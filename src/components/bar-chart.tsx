/**
 * Horizontal bars from zero, left or right by sign, one row each, with the value at the end: for anything that has a name and a
 * number. A ghost is the outline of the number it is compared with, such as the baseline beside the steered. Drawn in the order
 * given: whoever shows bars decides how they are sorted. Sits in a `ChartFrame`.
 */
import { labelRows, type LabelRow } from './label-rows.ts';
import { niceScale, position } from './nice-scale.ts';
import { formatSignificant, fullPrecision } from './number-format.ts';
import { groupStyle } from './objective-language.ts';
import { RowLabel, RowValue } from './row-parts.tsx';
import { useWidth } from './use-width.ts';
import classes from './chart.module.css';

export interface Bar {
  readonly key: string;
  readonly label: string;
  /** Of an objective: its marker stands before the label and gives the bar its colour. */
  readonly group?: string;
  /** For bars that are no objective. */
  readonly colour?: string;
  readonly value: number;
  readonly ghost?: number;
  /** Lower and upper end of an interval, drawn as a whisker. */
  readonly interval?: readonly [low: number, high: number];
}

interface Props {
  readonly bars: readonly Bar[];
  readonly format?: (value: number) => string;
  /** Ends of the scale, where several charts are to be compared; otherwise the bars' own. */
  readonly domain?: readonly [low: number, high: number];
  /** Told the key of a label that was clicked. */
  readonly onPick?: ((key: string) => void) | undefined;
}

export function BarChart({ bars, format = formatSignificant, domain, onPick }: Props) {
  const { ref, width } = useWidth();
  return (
    <div ref={ref} className={classes.chart}>
      {width === 0 ? null : <Bars bars={bars} format={format} domain={domain} onPick={onPick} width={width} />}
    </div>
  );
}

function Bars({
  bars,
  format,
  domain,
  onPick,
  width,
}: Required<Pick<Props, 'bars' | 'format'>> & {
  readonly domain: Props['domain'];
  readonly onPick: Props['onPick'];
  readonly width: number;
}) {
  const markers = bars.some((bar) => bar.group !== undefined);
  const texts = bars.map((bar) => format(bar.value));
  const layout = labelRows(
    bars.map((bar) => bar.label),
    texts,
    width,
    markers,
  );
  const { low, high } = barExtent(bars, domain);
  const at = (value: number) => position(value, low, high, layout.left, layout.right);
  return (
    <svg width={width} height={layout.height} viewBox={`0 0 ${width} ${layout.height}`}>
      <line className={classes.zero} x1={at(0)} x2={at(0)} y1={0} y2={layout.height} />
      {bars.map((bar, index) => {
        const row = layout.rows[index];
        if (row === undefined) return null;
        return (
          <g key={bar.key}>
            <title>{barTitle(bar)}</title>
            <RowLabel
              row={row}
              group={bar.group}
              markers={markers}
              onPick={onPick === undefined ? undefined : () => onPick(bar.key)}
            />
            <BarShape bar={bar} row={row} at={at} />
            <RowValue row={row} x={layout.valueRight} text={texts[index] ?? ''} />
          </g>
        );
      })}
    </svg>
  );
}

/** The scale's ends: those given, or what holds every bar, ghost, whisker and zero. */
export function barExtent(
  bars: readonly Bar[],
  domain: readonly [low: number, high: number] | undefined,
): { readonly low: number; readonly high: number } {
  if (domain !== undefined) return { low: Math.min(0, domain[0]), high: Math.max(0, domain[1]) };
  const numbers = bars.flatMap((bar) => [bar.value, bar.ghost ?? 0, ...(bar.interval ?? [])]);
  const finite = numbers.filter((value) => Number.isFinite(value));
  const low = Math.min(0, ...finite);
  const high = Math.max(0, ...finite);
  // Bars may reach the ends of their room exactly; only where there is nothing to draw is a scale made up.
  return high - low > 0 ? { low, high } : niceScale([0]);
}

function barTitle(bar: Bar): string {
  return [
    `${bar.label}: ${fullPrecision(bar.value)}`,
    ...(bar.ghost === undefined ? [] : [`against ${fullPrecision(bar.ghost)}`]),
    ...(bar.interval === undefined ? [] : [`interval ${bar.interval.map(fullPrecision).join(' to ')}`]),
  ].join(', ');
}

/** A bar that is not zero is at least this wide. */
const THINNEST = 1;

function span(from: number, to: number): { readonly x: number; readonly width: number } {
  const width = Math.max(THINNEST, Math.abs(to - from));
  return { x: to < from ? from - width : from, width };
}

function BarShape({ bar, row, at }: { readonly bar: Bar; readonly row: LabelRow; readonly at: (v: number) => number }) {
  const colour = bar.colour ?? (bar.group === undefined ? 'var(--accent)' : groupStyle(bar.group).colour);
  const half = Math.min(7, row.height / 2 - 3);
  return (
    <>
      {Number.isFinite(bar.value) && bar.value !== 0 ? (
        <rect {...span(at(0), at(bar.value))} y={row.centre - half + 1.5} height={2 * half - 3} fill={colour} />
      ) : null}
      {bar.ghost === undefined || !Number.isFinite(bar.ghost) ? null : (
        <rect
          {...span(at(0), at(bar.ghost))}
          className={classes.ghost}
          y={row.centre - half + 0.5}
          height={2 * half - 1}
        />
      )}
      {bar.interval === undefined ? null : (
        <path
          className={classes.interval}
          d={`M${at(bar.interval[0])},${row.centre - 3}v6m0,-3H${at(bar.interval[1])}m0,-3v6`}
          fill="none"
        />
      )}
    </>
  );
}
