/**
 * Radar of all objectives for up to four series. Loaded lazily: it brings recharts. Labels stand in two columns beside the
 * wheel, joined to their spokes by lines, so that they neither overlap nor get cut off at any width. Sits in a `ChartFrame`, which
 * names it.
 */
import { PolarAngleAxis, PolarGrid, PolarRadiusAxis, Radar, RadarChart } from 'recharts';
import { formatSetting } from './number-format.ts';
import { groupStyle, markerPath, type SeriesStyle } from './objective-language.ts';
import { MARKER_GAP, radarLayout, radarScale } from './radar-layout.ts';
import { useWidth } from './use-width.ts';
import classes from './objective-radar.module.css';

export interface RadarAxis {
  readonly name: string;
  readonly label: string;
  readonly group: string;
}

export interface RadarSeries {
  readonly name: string;
  readonly style: SeriesStyle;
  /** One value per axis. */
  readonly values: readonly number[];
}

interface Props {
  readonly axes: readonly RadarAxis[];
  readonly series: readonly RadarSeries[];
}

export function ObjectiveRadar({ axes, series }: Props) {
  const { ref, width } = useWidth();
  const layout = radarLayout(
    axes.map((axis) => axis.label),
    Math.max(width, 280),
  );
  const scale = radarScale(series.flatMap((entry) => entry.values));
  const data = axes.map((axis, index) => ({
    name: axis.name,
    ...Object.fromEntries(series.map((entry, at) => [`s${at}`, entry.values[index] ?? 0])),
  }));
  const { cx, cy, radius, height } = layout;
  const ringRadius = (value: number) => (radius * (value - scale.low)) / (scale.high - scale.low);
  return (
    <div ref={ref} className={classes.chart}>
      {width === 0 ? null : (
        <div className={classes.stack} style={{ height }}>
          <RadarChart
            width={width}
            height={height}
            cx={cx}
            cy={cy}
            outerRadius={radius}
            data={data}
            accessibilityLayer={false}
            margin={{ top: 0, right: 0, bottom: 0, left: 0 }}
          >
            <PolarGrid stroke="var(--line)" gridType="polygon" />
            <PolarAngleAxis dataKey="name" tick={false} axisLine={false} />
            <PolarRadiusAxis
              domain={[scale.low, scale.high]}
              ticks={[...scale.ticks]}
              // The automatic scale would round the domain again, and the rings would lie.
              scale="linear"
              tick={false}
              axisLine={false}
              angle={90}
            />
            {series.map((entry, at) => (
              <Radar
                key={entry.name}
                name={entry.name}
                dataKey={`s${at}`}
                stroke={entry.style.colour}
                strokeWidth={1.75}
                {...(entry.style.dash === undefined ? {} : { strokeDasharray: entry.style.dash })}
                fill={entry.style.colour}
                fillOpacity={series.length === 1 ? 0.14 : 0.06}
                isAnimationActive={false}
              />
            ))}
          </RadarChart>
          <svg className={classes.overlay} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
            {scale.low < 0 ? (
              <polygon
                className={classes.zero}
                points={axes
                  .map((_, index) =>
                    layout
                      .pointAt(index, ringRadius(0))
                      .map((at) => at.toFixed(1))
                      .join(','),
                  )
                  .join(' ')}
              />
            ) : null}
            {layout.labels.map((label, index) => {
              const axis = axes[index];
              if (axis === undefined) return null;
              const style = groupStyle(axis.group);
              const [spokeX, spokeY] = layout.pointAt(index, radius);
              return (
                <g key={axis.name}>
                  <polyline
                    className={classes.leader}
                    points={`${spokeX},${spokeY} ${label.side === 'right' ? label.x - 16 : label.x + 16},${label.y} ${label.side === 'right' ? label.x - 8 : label.x + 8},${label.y}`}
                  />
                  <path
                    d={markerPath(style.shape, 8)}
                    fill={style.colour}
                    fillRule="evenodd"
                    transform={`translate(${label.x},${label.y})`}
                  />
                  <text
                    className={classes.label}
                    fontSize={layout.fontSize}
                    textAnchor={label.side === 'right' ? 'start' : 'end'}
                    x={label.side === 'right' ? label.x + MARKER_GAP : label.x - MARKER_GAP}
                    y={label.y - ((label.lines.length - 1) * layout.lineHeight) / 2}
                  >
                    {label.lines.map((line, at) => (
                      <tspan
                        key={line}
                        x={label.side === 'right' ? label.x + MARKER_GAP : label.x - MARKER_GAP}
                        dy={at === 0 ? '0.35em' : layout.lineHeight}
                      >
                        {line}
                      </tspan>
                    ))}
                  </text>
                </g>
              );
            })}
            {scale.ticks.map((tick) => (
              <text key={tick} className={classes.tick} x={cx + 3} y={cy - ringRadius(tick)} dy="-0.25em">
                {formatSetting(tick)}
              </text>
            ))}
          </svg>
        </div>
      )}
    </div>
  );
}
