/**
 * Points on a canvas: ten thousand in a few milliseconds, which elements could not. Axes are SVG above it, so their labels stay
 * sharp and readable by machines. Sits in a `ChartFrame` with `raster`.
 */
import { useComputedColorScheme } from '@mantine/core';
import { useLayoutEffect, useMemo, useRef, useState, type PointerEvent } from 'react';
import type { SeriesStyle } from './objective-language.ts';
import { PlotAxes, ReferenceLines, type ReferenceLine } from './plot-axes.tsx';
import { extent, plotLayout, type PlotAxis, type PlotLayout } from './plot-layout.ts';
import { drawPoints, nearestPoint, type ScatterSeries } from './scatter-points.ts';
import { useWidth } from './use-width.ts';
import classes from './chart.module.css';

interface Props {
  readonly series: readonly ScatterSeries[];
  readonly xAxis: PlotAxis;
  readonly yAxis: PlotAxis;
  readonly height?: number;
  readonly references?: readonly ReferenceLine[];
  readonly lines?: readonly ScatterLine[];
  /** What to say of the point under the pointer. */
  readonly describe?: (series: number, index: number) => string;
  /** Told which point was clicked. The table gives the same to the keyboard. */
  readonly onPick?: (series: number, index: number) => void;
}

/** A straight line y = intercept + slope · x through the plot, such as a fit. */
export interface ScatterLine {
  readonly name: string;
  readonly slope: number;
  readonly intercept: number;
  readonly style: SeriesStyle;
}

interface Found {
  readonly series: number;
  readonly index: number;
}

const NONE: readonly ReferenceLine[] = [];
const NO_LINES: readonly ScatterLine[] = [];

export function ScatterChart({
  series,
  xAxis,
  yAxis,
  height = 280,
  references = NONE,
  lines = NO_LINES,
  describe,
  onPick,
}: Props) {
  const { ref, width } = useWidth();
  const [found, setFound] = useState<Found>();
  // The colours are variables: another scheme has to be drawn anew.
  const scheme = useComputedColorScheme();
  // Kept while the pointer moves, so that the points are not drawn again for every move.
  const layout = useMemo(
    () =>
      width === 0
        ? undefined
        : plotLayout(
            extent(series.flatMap((entry) => extent(Array.from(entry.xs)))),
            extent(series.flatMap((entry) => extent(Array.from(entry.ys)))),
            xAxis,
            yAxis,
            width,
            height,
          ),
    [series, xAxis, yAxis, width, height],
  );
  const under = (event: PointerEvent<HTMLElement>): Found | undefined => {
    if (layout === undefined) return undefined;
    const box = event.currentTarget.getBoundingClientRect();
    return nearestPoint(series, layout, event.clientX - box.left, event.clientY - box.top);
  };
  return (
    <div
      ref={ref}
      className={`${classes.chart} ${classes.layers}`}
      style={{ height }}
      onPointerMove={(event) => setFound(under(event))}
      onPointerLeave={() => setFound(undefined)}
      onPointerDown={(event) => {
        const point = under(event);
        if (point !== undefined) onPick?.(point.series, point.index);
      }}
    >
      {layout === undefined ? null : (
        <>
          <Points key={scheme} series={series} layout={layout} />
          <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
            <PlotAxes layout={layout} xAxis={xAxis} yAxis={yAxis} />
            {lines.map((line) => (
              <FittedLine key={line.name} line={line} layout={layout} series={series} />
            ))}
            <ReferenceLines lines={references} layout={layout} />
          </svg>
          {found === undefined || describe === undefined ? null : (
            <PointTip found={found} series={series} layout={layout} text={describe(found.series, found.index)} />
          )}
        </>
      )}
    </div>
  );
}

/** The part of a line over the points that lies inside the plot. */
function FittedLine({
  line: { slope, intercept, style },
  layout,
  series,
}: {
  readonly line: ScatterLine;
  readonly layout: PlotLayout;
  readonly series: readonly ScatterSeries[];
}) {
  const [low, high] = extent(series.flatMap((entry) => extent(Array.from(entry.xs))));
  if (low === undefined || high === undefined || !Number.isFinite(slope) || !Number.isFinite(intercept)) return null;
  const ends = [low, high].map((value) => ({ x: layout.x(value), y: layout.y(intercept + slope * value) }));
  const [from, to] = ends;
  if (from === undefined || to === undefined) return null;
  const { top, bottom } = layout;
  // Cut where it would leave the plot above or below.
  const cut = (point: typeof from, other: typeof from) => {
    const y = Math.min(bottom, Math.max(top, point.y));
    return y === point.y ? point : { x: point.x + ((other.x - point.x) * (y - point.y)) / (other.y - point.y), y };
  };
  if (Math.max(from.y, to.y) < top || Math.min(from.y, to.y) > bottom) return null;
  const [start, end] = [cut(from, to), cut(to, from)];
  return (
    <line
      x1={start.x}
      y1={start.y}
      x2={end.x}
      y2={end.y}
      stroke={style.colour}
      strokeWidth={2}
      {...(style.dash === undefined ? {} : { strokeDasharray: style.dash })}
    />
  );
}

function Points({ series, layout }: { readonly series: readonly ScatterSeries[]; readonly layout: PlotLayout }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = layout;
  useLayoutEffect(() => {
    if (canvas.current !== null) drawPoints(canvas.current, series, layout);
  }, [series, layout]);
  return <canvas ref={canvas} style={{ width, height }} />;
}

function PointTip({
  found,
  series,
  layout,
  text,
}: {
  readonly found: Found;
  readonly series: readonly ScatterSeries[];
  readonly layout: PlotLayout;
  readonly text: string;
}) {
  const entry = series[found.series];
  const x = layout.x(entry?.xs[found.index] ?? 0);
  const y = layout.y(entry?.ys[found.index] ?? 0);
  const left = x > layout.width / 2;
  return (
    <div
      className={classes.tip}
      style={{ top: y + 8, ...(left ? { right: layout.width - x + 8 } : { left: x + 8 }) }}
      data-export="none"
    >
      {text}
    </div>
  );
}
