/** How values are distributed: filled bars for the first series, an outline for the second laid over it. Sits in a `ChartFrame`. */
import { histogramBins, type Bins } from './histogram-bins.ts';
import { formatCount } from './number-format.ts';
import { PlotAxes, ReferenceLines, type ReferenceLine } from './plot-axes.tsx';
import { plotLayout, type PlotAxis, type PlotLayout } from './plot-layout.ts';
import { useWidth } from './use-width.ts';
import classes from './chart.module.css';

export interface HistogramSeries {
  readonly name: string;
  /** A CSS colour. */
  readonly colour: string;
  readonly values: ArrayLike<number>;
}

interface Props {
  /** One or two. */
  readonly series: readonly [HistogramSeries] | readonly [HistogramSeries, HistogramSeries];
  readonly xAxis: PlotAxis;
  /** Bins, about. */
  readonly wanted?: number;
  readonly height?: number;
  readonly references?: readonly ReferenceLine[];
}

const countAxis: PlotAxis = { label: 'Count', format: formatCount, zero: true };
const NONE: readonly ReferenceLine[] = [];

export function Histogram({ series, xAxis, wanted = 24, height = 220, references = NONE }: Props) {
  const { ref, width } = useWidth();
  const bins = histogramBins(
    series.map((entry) => entry.values),
    wanted,
  );
  const layout =
    width === 0 ? undefined : plotLayout(bins.edges, [0, ...bins.counts.flat()], xAxis, countAxis, width, height);
  const [filled, outlined] = series;
  return (
    <div ref={ref} className={classes.chart} style={{ minHeight: height }}>
      {layout === undefined ? null : (
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
          <PlotAxes layout={layout} xAxis={xAxis} yAxis={countAxis} />
          <path d={barsPath(bins, 0, layout)} fill={filled.colour} fillOpacity={0.75} />
          {outlined === undefined ? null : (
            <path d={outlinePath(bins, 1, layout)} fill="none" stroke={outlined.colour} strokeWidth={1.5} />
          )}
          <ReferenceLines lines={references} layout={layout} />
        </svg>
      )}
    </div>
  );
}

function barsPath({ edges, counts }: Bins, at: number, layout: PlotLayout): string {
  const x = (value: number) => layout.x(value);
  const y = (value: number) => layout.y(value);
  return (counts[at] ?? [])
    .map((count, bin) => {
      if (count === 0) return '';
      const [from, to] = [x(edges[bin] ?? 0) + 0.5, x(edges[bin + 1] ?? 0) - 0.5];
      return `M${from.toFixed(1)},${y(0).toFixed(1)}V${y(count).toFixed(1)}H${Math.max(from + 0.5, to).toFixed(1)}V${y(0).toFixed(1)}Z`;
    })
    .join('');
}

function outlinePath({ edges, counts }: Bins, at: number, layout: PlotLayout): string {
  const x = (value: number) => layout.x(value);
  const y = (value: number) => layout.y(value);
  const tops = (counts[at] ?? []).map((count, bin) => `V${y(count).toFixed(1)}H${x(edges[bin + 1] ?? 0).toFixed(1)}`);
  return `M${x(edges[0] ?? 0).toFixed(1)},${y(0).toFixed(1)}${tops.join('')}V${y(0).toFixed(1)}`;
}
