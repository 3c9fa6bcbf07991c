/** The way from one gate to another: a slider t, the points at which responses swap, and how far the order has changed. */
import { Button, SegmentedControl } from '@mantine/core';
import { memo, useMemo, useState } from 'react';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { formatSetting, formatSignificant } from '@/components/number-format.ts';
import { seriesStyle } from '@/components/objective-language.ts';
import { useWidth } from '@/components/use-width.ts';
import { setGateWeights } from '@/core/steering-moves.ts';
import { crossingsOf } from '@/core/steered-path.ts';
import { steerFresh } from '@/state/steering-store.ts';
import { directionPath, gateAt, pathPoint, type DirectionPath, type PathKind } from './direction-path.ts';
import type { SteerSubject } from './use-steer-subject.ts';
import classes from './path-panel.module.css';
import viewClasses from './steer-view.module.css';

export const PathPanel = memo(function PathPanel({ subject }: { readonly subject: SteerSubject }) {
  const { responses, objectives, modelId, prompt } = subject;
  const [kind, setKind] = useState<PathKind>('toward');
  const [t, setT] = useState(0);
  const path = useMemo(() => directionPath(subject, kind), [subject, kind]);
  const letter = (index: number) => responses[index]?.letter ?? '';
  const goal = path?.objective === undefined ? '' : (objectives[path.objective]?.name ?? '');
  const gates = path?.gates;
  return (
    <>
      <div className={viewClasses.panelHead}>
        <SegmentedControl
          size="xs"
          aria-label="Way"
          value={kind}
          onChange={(to) => setKind(to)}
          data={[
            { value: 'toward', label: 'From now toward the flip' },
            { value: 'made', label: 'From the baseline to now' },
          ]}
        />
        {gates === undefined ? null : (
          <Button
            size="compact-sm"
            variant="default"
            disabled={t === 0 || t === 1}
            onClick={() => {
              steerFresh(modelId, (from) => setGateWeights(prompt, from, gateAt(gates, t)));
              setT(0);
            }}
          >
            Take the weights at t
          </Button>
        )}
      </div>
      {path === undefined ? (
        <p className="muted small">
          {responses.length < 2 ? 'Score a second response to compare.' : 'No weight is free to move.'}
        </p>
      ) : (
        <>
          <ChartFrame
            title={
              kind === 'toward'
                ? `Scores on the way to all free weight on ${goal}`
                : 'Scores on the way from the baseline to now'
            }
            fileName="steered-path"
            summary={pathSummary(path, letter)}
            legend={responses.map((response) => {
              const style = seriesStyle(response.index);
              return { label: `Response ${response.letter}`, colour: style.colour, dash: style.dash };
            })}
            table={() => ({
              columns: [{ label: 'Swap' }, { label: 't', meaning: 'm / (m − m*)' }, { label: 'Kendall τ after' }],
              rows: crossingsOf(path.from, path.to).map(({ t: at, leader, overtaker }) => [
                `${letter(overtaker)} passes ${letter(leader)}`,
                at,
                pathPoint(path, at).tau,
              ]),
            })}
          >
            <PathLines path={path} t={t} indices={responses.map(({ index }) => index)} />
          </ChartFrame>
          <div className={classes.slider}>
            <label htmlFor="steer-path-t">t</label>
            <input
              id="steer-path-t"
              type="range"
              min={0}
              max={1}
              step={0.001}
              value={t}
              aria-valuetext={formatSetting(t)}
              onChange={(event) => setT(event.currentTarget.valueAsNumber)}
            />
            <output className="numeric">{t.toFixed(3)}</output>
          </div>
          <PointWords path={path} t={t} letter={letter} />
        </>
      )}
    </>
  );
});

function PointWords({
  path,
  t,
  letter,
}: {
  readonly path: DirectionPath;
  readonly t: number;
  readonly letter: (index: number) => string;
}) {
  const { scores, ranks, tau } = pathPoint(path, t);
  const order = [...ranks.keys()].sort((a, b) => (ranks[a] ?? 0) - (ranks[b] ?? 0));
  return (
    <p role="status" aria-label="On the way" className="numeric small">
      At t = {t.toFixed(3)}:{' '}
      {order.map((index) => `${letter(index)} ${formatSignificant(scores[index] ?? 0)}`).join(' > ')}. Kendall τ to the
      start {Number.isNaN(tau) ? 'is not defined' : formatSetting(tau)}.
    </p>
  );
}

function pathSummary({ from, to, steps }: DirectionPath, letter: (index: number) => string): string {
  const crossings = crossingsOf(from, to);
  if (crossings.length === 0) return 'No two responses swap on this way.';
  const listed = crossings
    .slice(0, 3)
    .map(({ t, leader, overtaker }) => `${letter(overtaker)} passes ${letter(leader)} at t = ${formatSignificant(t)}`);
  const end = steps.tau.at(-1) ?? Number.NaN;
  return `${listed.join(', ')}${crossings.length > 3 ? `, and ${crossings.length - 3} more swaps` : ''}; at the end Kendall τ to the start is ${formatSetting(end)}.`;
}

const HEIGHT = 190;
const MARGIN = { left: 54, right: 14, top: 12, bottom: 26 };

function PathLines({
  path,
  t,
  indices,
}: {
  readonly path: DirectionPath;
  readonly t: number;
  readonly indices: readonly number[];
}) {
  const { ref, width } = useWidth();
  const { from, to, steps } = path;
  const all = [...from, ...to];
  const low = Math.min(...all);
  const high = Math.max(...all);
  const span = high > low ? high - low : 1;
  const x = (at: number) => MARGIN.left + at * (width - MARGIN.left - MARGIN.right);
  const y = (score: number) => HEIGHT - MARGIN.bottom - ((score - low) / span) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  return (
    <div ref={ref} className={classes.chart}>
      {width === 0 ? null : (
        <svg width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`}>
          <line className={classes.axis} x1={x(0)} x2={x(1)} y1={HEIGHT - MARGIN.bottom} y2={HEIGHT - MARGIN.bottom} />
          {[0, 0.5, 1].map((at) => (
            <text
              key={at}
              className={classes.tick}
              x={x(at)}
              y={HEIGHT - 8}
              textAnchor={at === 0 ? 'start' : at === 1 ? 'end' : 'middle'}
            >
              {at === 0 ? 't = 0' : at}
            </text>
          ))}
          {[low, high].map((score, end) => (
            // The two ends of the axis are not items of a list that changes.
            // oxlint-disable-next-line react/no-array-index-key
            <text key={end} className={classes.tick} x={MARGIN.left - 6} y={y(score) + 4} textAnchor="end">
              {formatSignificant(score, 3)}
            </text>
          ))}
          {[...steps.breakpoints].map((at) => (
            <line
              key={at}
              className={classes.breakpoint}
              x1={x(at)}
              x2={x(at)}
              y1={MARGIN.top}
              y2={HEIGHT - MARGIN.bottom}
            />
          ))}
          {indices.map((index, row) => {
            const style = seriesStyle(index);
            return (
              <line
                key={index}
                className={classes.score}
                x1={x(0)}
                x2={x(1)}
                y1={y(from[row] ?? 0)}
                y2={y(to[row] ?? 0)}
                stroke={style.colour}
                {...(style.dash === undefined ? {} : { strokeDasharray: style.dash })}
              />
            );
          })}
          <line className={classes.here} x1={x(t)} x2={x(t)} y1={MARGIN.top} y2={HEIGHT - MARGIN.bottom} />
        </svg>
      )}
    </div>
  );
}
