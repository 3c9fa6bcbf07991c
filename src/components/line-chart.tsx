/**
 * Lines over a number, each with its interval as a band where it has one: accuracy against residual correlation, a trace over
 * tokens, a sweep. Up to a few thousand points; live curves belong on uPlot. Sits in a `ChartFrame`.
 */
import type { SeriesStyle } from './objective-language.ts';
import { PlotAxes, ReferenceLines, type ReferenceLine } from './plot-axes.tsx';
import { extent, plotLayout, type PlotAxis, type PlotLayout } from './plot-layout.ts';
import { useWidth } from './use-width.ts';
import classes from './chart.module.css';

export interface LinePoint {
  readonly x: number;
  /** NaN breaks the line. */
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
}

export interface LineSeries {
  readonly name: string;
  readonly style: SeriesStyle;
  /** By rising x. */
  readonly points: readonly LinePoint[];
  /** A dot at every point, for few points. */
  readonly dots?: boolean;
}

interface Props {
  readonly series: readonly LineSeries[];
  readonly xAxis: PlotAxis;
  readonly yAxis: PlotAxis;
  readonly height?: number;
  readonly references?: readonly ReferenceLine[];
}

const NONE: readonly ReferenceLine[] = [];

export function LineChart({ series, xAxis, yAxis, height = 240, references = NONE }: Props) {
  const { ref, width } = useWidth();
  const points = series.flatMap((entry) => entry.points);
  const layout =
    width === 0
      ? undefined
      : plotLayout(
          extent(points.map((point) => point.x)),
          extent(points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y])),
          xAxis,
          yAxis,
          width,
          height,
        );
  return (
    <div ref={ref} className={classes.chart} style={{ minHeight: height }}>
      {layout === undefined ? null : (
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
          <PlotAxes layout={layout} xAxis={xAxis} yAxis={yAxis} />
          {series.map((entry) => (
            <path key={entry.name} d={bandPath(entry.points, layout)} fill={entry.style.colour} fillOpacity={0.15} />
          ))}
          {series.map((entry) => (
            <g key={entry.name}>
              <path
                d={linePath(entry.points, layout)}
                fill="none"
                stroke={entry.style.colour}
                strokeWidth={1.75}
                {...(entry.style.dash === undefined ? {} : { strokeDasharray: entry.style.dash })}
              />
              {entry.dots === true
                ? entry.points
                    .filter((point) => Number.isFinite(point.y))
                    .map((point) => (
                      <circle
                        key={point.x}
                        cx={layout.x(point.x)}
                        cy={layout.y(point.y)}
                        r={2.5}
                        fill={entry.style.colour}
                      />
                    ))
                : null}
            </g>
          ))}
          <ReferenceLines lines={references} layout={layout} />
        </svg>
      )}
    </div>
  );
}

const pair = (x: number, y: number) => `${x.toFixed(1)},${y.toFixed(1)}`;

/** The points as a path that starts anew after every gap. */
export function linePath(points: readonly LinePoint[], layout: Pick<PlotLayout, 'x' | 'y'>): string {
  let path = '';
  let broken = true;
  for (const { x, y } of points) {
    if (!Number.isFinite(y)) {
      broken = true;
      continue;
    }
    path += `${broken ? 'M' : 'L'}${pair(layout.x(x), layout.y(y))}`;
    broken = false;
  }
  return path;
}

/** There along the upper ends, back along the lower ones; points without an interval are left out. */
function bandPath(points: readonly LinePoint[], layout: PlotLayout): string {
  const upper: string[] = [];
  const lower: string[] = [];
  for (const { x, low, high } of points) {
    if (low === undefined || high === undefined || !Number.isFinite(low) || !Number.isFinite(high)) continue;
    upper.push(pair(layout.x(x), layout.y(high)));
    lower.push(pair(layout.x(x), layout.y(low)));
  }
  return upper.length < 2 ? '' : `M${[...upper, ...lower.reverse()].join('L')}Z`;
}
