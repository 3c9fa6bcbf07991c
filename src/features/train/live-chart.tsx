/** Curves that grow while one watches, on a canvas: drawing thousands of points anew takes a few milliseconds. Sits in a `ChartFrame`. */
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatCount } from '@/components/number-format.ts';
import { useWidth } from '@/components/use-width.ts';
import { aligned, readableRange, thinned, type Curve } from '@/state/training-curves.ts';
import classes from './live-chart.module.css';

export interface LiveSeries {
  readonly label: string;
  /** A CSS variable, such as `--accent`. */
  readonly colour: string;
  readonly dash?: readonly number[];
  readonly width: number;
  readonly curve: Curve;
}

interface Props {
  readonly series: readonly LiveSeries[];
  readonly format: (value: number) => string;
  readonly height?: number;
  /** Ends of the scale; otherwise the curves' own. */
  readonly range?: readonly [low: number, high: number];
}

/** Two for each pixel of a wide chart. */
const mostPoints = 1600;
const font = '10.5px system-ui, sans-serif';

export function LiveChart({ series, format, height = 200, range }: Props) {
  const { ref, width } = useWidth();
  const scheme = useComputedColorScheme();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [tip, setTip] = useState<string>();
  const data = useMemo(() => {
    const { x, ys } = aligned(series.map(({ curve }) => thinned(curve, mostPoints)));
    return [[...x], ...ys.map((column) => [...column])] satisfies uPlot.AlignedData;
  }, [series]);
  const latest = useRef({ data, format });
  latest.current = { data, format };
  // Colours are read from the page, so another scheme is another plot; so are other lines.
  const look = series
    .map(({ label, colour, width: line, dash }) => [label, colour, line, dash?.join(' ')].join())
    .join(';');
  const [low, high] = range ?? [];
  useEffect(() => {
    const element = host.current;
    if (element === null || width === 0) return undefined;
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--ink-2'),
      font,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    };
    const made = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 } },
        scales: {
          x: { time: false },
          y: {
            range: (_, least, most) =>
              low === undefined || high === undefined ? readableRange(least, most) : [low, high],
          },
        },
        axes: [
          { ...axis, size: 26, values: (_, ticks) => ticks.map((tick) => formatCount(tick)), incrs: wholeSteps },
          { ...axis, size: 54, values: (_, ticks) => ticks.map((tick) => latest.current.format(tick)) },
        ],
        series: [
          {},
          ...series.map((entry) => ({
            label: entry.label,
            stroke: colour(entry.colour),
            width: entry.width,
            points: { show: false },
            ...(entry.dash === undefined ? {} : { dash: [...entry.dash] }),
          })),
        ],
        hooks: {
          setCursor: [
            ({ cursor, data: shown }) => {
              const at = cursor.idx;
              const step = at === null || at === undefined ? undefined : shown[0][at];
              if (step === undefined || at === null || at === undefined) return setTip(undefined);
              const values = series.flatMap((line, index) => {
                const value = nearest(shown[index + 1], at);
                return value === undefined ? [] : [`${line.label} ${latest.current.format(value)}`];
              });
              return setTip(`step ${formatCount(step)}: ${values.join(', ')}`);
            },
          ],
        },
      },
      latest.current.data,
      element,
    );
    plot.current = made;
    return () => {
      plot.current = undefined;
      made.destroy();
    };
    // `look` stands for the series' appearance.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [width, height, scheme, look, low, high]);
  useEffect(() => plot.current?.setData(data), [data]);
  return (
    <div ref={ref} className={classes.live} style={{ minHeight: height }}>
      <div ref={host} />
      {tip === undefined ? null : (
        <p className={`${classes.tip} numeric`} data-export="none">
          {tip}
        </p>
      )}
    </div>
  );
}

/** Distances between ticks of steps, which are whole. */
const wholeSteps = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((factor) => factor * 10 ** power)).flat();

/** The value at `index`, or the last one before it: evaluations are rarer than steps. */
function nearest(column: uPlot.AlignedData[number] | undefined, index: number): number | undefined {
  for (let i = index; i >= 0; i--) {
    const value = column?.[i];
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}
