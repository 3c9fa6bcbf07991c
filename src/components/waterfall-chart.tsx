/**
 * A waterfall: from a starting total over signed steps to the final one, a row each, largest first. Arrows point the way a step
 * goes, so that direction needs no colour. Exact by construction: the last arrow ends at the end's value. Sits in a `ChartFrame`.
 */
import { labelRows, type LabelRow } from './label-rows.ts';
import { position } from './nice-scale.ts';
import { formatSigned, formatSignificant, fullPrecision } from './number-format.ts';
import { groupStyle } from './objective-language.ts';
import { RowLabel, RowValue } from './row-parts.tsx';
import { useWidth } from './use-width.ts';
import { foldSteps, OTHERS_KEY, placeSteps, type PlacedStep, type WaterfallStep } from './waterfall-steps.ts';
import classes from './chart.module.css';

export interface WaterfallTotal {
  readonly label: string;
  readonly value: number;
}

interface Props {
  readonly start: WaterfallTotal;
  readonly steps: readonly WaterfallStep[];
  readonly end: WaterfallTotal;
  /** Steps drawn by themselves; the rest are one row. */
  readonly shown?: number;
  /** Told the key of a step's label that was clicked. */
  readonly onPick?: ((key: string) => void) | undefined;
}

export function WaterfallChart(props: Props) {
  const { ref, width } = useWidth();
  return (
    <div ref={ref} className={classes.chart}>
      {width === 0 ? null : <Waterfall {...props} width={width} />}
    </div>
  );
}

function Waterfall({ start, steps, end, shown = Number.POSITIVE_INFINITY, onPick, width }: Props & { width: number }) {
  const placed = placeSteps(start.value, foldSteps(steps, shown));
  const texts = [
    formatSignificant(start.value),
    ...placed.map((step) => formatSigned(step.value)),
    formatSignificant(end.value),
  ];
  const layout = labelRows([start.label, ...placed.map((step) => step.label), end.label], texts, width, true);
  const { low, high } = waterfallExtent(start.value, placed, end.value);
  const at = (value: number) => position(value, low, high, layout.left + 4, layout.right - 4);
  const [first, last] = [layout.rows[0], layout.rows.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  return (
    <svg width={width} height={layout.height} viewBox={`0 0 ${width} ${layout.height}`}>
      {low <= 0 && high >= 0 ? <line className={classes.zero} x1={at(0)} x2={at(0)} y1={0} y2={layout.height} /> : null}
      {[start, ...placed.map((step) => ({ value: step.to }))].map(({ value }, index) => {
        const [above, below] = [layout.rows[index], layout.rows[index + 1]];
        if (above === undefined || below === undefined) return null;
        return (
          <line
            // Rows stay in their places.
            // oxlint-disable-next-line react/no-array-index-key
            key={index}
            className={classes.connector}
            x1={at(value)}
            x2={at(value)}
            y1={above.centre}
            y2={below.centre}
          />
        );
      })}
      <Total row={first} total={start} x={at(start.value)} valueRight={layout.valueRight} />
      {placed.map((step, index) => {
        const row = layout.rows[index + 1];
        if (row === undefined) return null;
        return (
          <g key={step.key}>
            <title>{`${step.label}: ${fullPrecision(step.value)}, from ${fullPrecision(step.from)} to ${fullPrecision(step.to)}`}</title>
            <RowLabel
              row={row}
              group={step.group}
              markers
              onPick={onPick === undefined || step.key === OTHERS_KEY ? undefined : () => onPick(step.key)}
            />
            <Arrow step={step} row={row} at={at} />
            <RowValue row={row} x={layout.valueRight} text={texts[index + 1] ?? ''} />
          </g>
        );
      })}
      <Total row={last} total={end} x={at(end.value)} valueRight={layout.valueRight} />
    </svg>
  );
}

/** Of the span of the totals: how near zero must be for the scale to reach it. */
const ZERO_WITHIN = 0.35;

/** The scale: every running total, and zero where it is not far from them. */
export function waterfallExtent(
  start: number,
  placed: readonly PlacedStep[],
  end: number,
): { readonly low: number; readonly high: number } {
  const totals = [start, end, ...placed.map((step) => step.to)].filter((value) => Number.isFinite(value));
  let low = Math.min(...totals);
  let high = Math.max(...totals);
  const reach = (high - low) * ZERO_WITHIN;
  if (low > 0 && low <= reach) low = 0;
  if (high < 0 && high >= -reach) high = 0;
  return high > low ? { low, high } : { low: low - 1, high: high + 1 };
}

function Total({
  row,
  total,
  x,
  valueRight,
}: {
  readonly row: LabelRow;
  readonly total: WaterfallTotal;
  readonly x: number;
  readonly valueRight: number;
}) {
  return (
    <g>
      <title>{`${total.label}: ${fullPrecision(total.value)}`}</title>
      <RowLabel row={row} markers strong />
      <line x1={x} x2={x} y1={row.centre - 6.5} y2={row.centre + 6.5} stroke="var(--ink-1)" strokeWidth={3} />
      <RowValue row={row} x={valueRight} text={formatSignificant(total.value)} strong />
    </g>
  );
}

/** From the head's base to its tip, and the shortest arrow that still has a shaft. */
const HEAD = 5;

function Arrow({
  step,
  row,
  at,
}: {
  readonly step: PlacedStep;
  readonly row: LabelRow;
  readonly at: (v: number) => number;
}) {
  if (!Number.isFinite(step.value) || step.value === 0) return null;
  const sign = step.value > 0 ? 1 : -1;
  const from = at(step.from);
  // A step too small to be seen is still drawn one pixel long.
  const to = sign > 0 ? Math.max(at(step.to), from + 1) : Math.min(at(step.to), from - 1);
  const head = to - sign * Math.min(HEAD, Math.abs(to - from));
  const [top, bottom] = [row.centre - 5, row.centre + 5];
  const colour = step.group === undefined ? 'var(--line-strong)' : groupStyle(step.group).colour;
  return <path d={`M${from},${top}H${head}L${to},${row.centre}L${head},${bottom}H${from}Z`} fill={colour} />;
}
