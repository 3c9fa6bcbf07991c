/** Grid, ticks and titles of a plot with two axes, and its reference lines. */
import type { PlotAxis, PlotLayout } from './plot-layout.ts';
import classes from './chart.module.css';

interface Props {
  readonly layout: PlotLayout;
  readonly xAxis: PlotAxis;
  readonly yAxis: PlotAxis;
}

export function PlotAxes({ layout, xAxis, yAxis }: Props) {
  const { left, right, top, bottom, height, xTicks, yTicks } = layout;
  return (
    <g>
      {yTicks.map((tick) => (
        <g key={tick.value}>
          <line
            className={tick.value === 0 ? classes.zero : classes.grid}
            x1={left}
            x2={right}
            y1={tick.at}
            y2={tick.at}
          />
          <text className={classes.tick} textAnchor="end" x={left - 6} y={tick.at} dy="0.35em">
            {tick.text}
          </text>
        </g>
      ))}
      {xTicks.map((tick) => (
        <g key={tick.value}>
          <line className={classes.grid} x1={tick.at} x2={tick.at} y1={bottom} y2={bottom + 4} />
          <text className={classes.tick} textAnchor="middle" x={tick.at} y={bottom + 14}>
            {tick.text}
          </text>
        </g>
      ))}
      <text className={classes.axisTitle} textAnchor="start" x={0} y={11}>
        {yAxis.label}
      </text>
      <text className={classes.axisTitle} textAnchor="end" x={right} y={height - 4}>
        {xAxis.label}
      </text>
      <line className={classes.zero} x1={left} x2={right} y1={bottom} y2={bottom} />
      <line className={classes.grid} x1={left} x2={left} y1={top} y2={bottom} />
    </g>
  );
}

export interface ReferenceLine {
  readonly axis: 'x' | 'y';
  readonly value: number;
  /** Written beside it; short. */
  readonly label: string;
}

/** Lines at given values, such as a mean, a baseline or a crossing. Labels of vertical ones stand above the plot's top edge. */
export function ReferenceLines({
  lines,
  layout,
}: {
  readonly lines: readonly ReferenceLine[];
  readonly layout: PlotLayout;
}) {
  const { left, right, top, bottom } = layout;
  return lines.map(({ axis, value, label }) => {
    const at = axis === 'x' ? layout.x(value) : layout.y(value);
    const inside = axis === 'x' ? at >= left && at <= right : at >= top && at <= bottom;
    if (!inside) return null;
    const nearEnd = axis === 'x' && at > (left + right) / 2;
    return (
      <g key={`${axis}${value}${label}`}>
        <line
          className={classes.reference}
          {...(axis === 'x' ? { x1: at, x2: at, y1: top, y2: bottom } : { x1: left, x2: right, y1: at, y2: at })}
        />
        <text
          className={classes.referenceLabel}
          textAnchor={axis === 'y' || nearEnd ? 'end' : 'start'}
          x={axis === 'y' ? right - 2 : nearEnd ? at - 4 : at + 4}
          y={axis === 'y' ? at - 4 : top + 9}
        >
          {label}
        </text>
      </g>
    );
  });
}
