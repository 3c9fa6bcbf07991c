/** The least change of the gate that makes the other response win, as bars and table, ready to be applied; or the proof that none does. */
import { Button, SegmentedControl } from '@mantine/core';
import { memo, useMemo, useState } from 'react';
import { BarChart } from '@/components/bar-chart.tsx';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { Notice } from '@/components/notice.tsx';
import { formatSignificant, formatSigned, fullPrecision } from '@/components/number-format.ts';
import { shortObjectiveLabel } from '@/components/objective-language.ts';
import { steerFresh } from '@/state/steering-store.ts';
import { appliedFlip, flipSentence, pairFlip, type FlipMeasure, type PairFlip } from './flip-problem.ts';
import type { SteerSubject } from './use-steer-subject.ts';
import classes from './steer-view.module.css';

export const FlipPanel = memo(function FlipPanel({ subject }: { readonly subject: SteerSubject }) {
  const [measure, setMeasure] = useState<FlipMeasure>('l1');
  const found = useMemo(() => pairFlip(subject, measure), [subject, measure]);
  if (found === undefined) return <p className="muted small">Score a second response to flip a pair.</p>;
  const names = subject.objectives.map(({ name }) => name);
  const sentence = flipSentence(found, names, subject.prompt.head.gate.logitScale);
  return (
    <>
      <div className={classes.panelHead}>
        <SegmentedControl
          size="xs"
          aria-label="Least in"
          value={measure}
          onChange={(value) => setMeasure(value)}
          data={[
            { value: 'l1', label: 'Least weight moved (L1)' },
            { value: 'kl', label: 'Least surprising (KL)' },
          ]}
        />
        {found.flip.possible ? (
          <Button
            size="compact-sm"
            onClick={() => steerFresh(subject.modelId, (from) => appliedFlip(subject, from, found))}
          >
            Apply flip
          </Button>
        ) : null}
      </div>
      {found.flip.possible ? (
        <FlipChart subject={subject} found={found} sentence={sentence} />
      ) : (
        <Notice tone="plain" title={`${found.loser.letter} cannot win by the gate alone`}>
          <p>{sentence}</p>
          {measure === 'kl' ? (
            <p className="muted">A tilt cannot lift an objective whose weight is 0; the L1 change can.</p>
          ) : (
            <p className="muted">
              Other handles are not bound by this: a pinned coefficient or a penalty may still do it.
            </p>
          )}
        </Notice>
      )}
    </>
  );
});

interface ChartProps {
  readonly subject: SteerSubject;
  readonly found: PairFlip;
  readonly sentence: string;
}

function FlipChart({ subject, found: { flip, problem, loser }, sentence }: ChartProps) {
  if (!flip.possible) return null;
  const rows = subject.objectives
    .flatMap((objective, index) => {
      const [now, after] = [problem.gateWeights[index] ?? 0, flip.gateWeights[index] ?? 0];
      return now === after ? [] : [{ objective, now, after }];
    })
    .sort((a, b) => Math.abs(b.after - b.now) - Math.abs(a.after - a.now));
  const size =
    'distance' in flip
      ? { words: 'L1 distance Σ|Δg|', value: flip.distance }
      : { words: 'KL divergence in nats', value: flip.divergence };
  return (
    <ChartFrame
      title={`Gate at which ${loser.letter} draws level`}
      fileName="smallest-flip"
      summary={sentence}
      note={
        <>
          {size.words}: <span title={fullPrecision(size.value)}>{formatSignificant(size.value)}</span>. Objectives that
          are not shown keep their weight. Applied, it goes a millionth of the way past the tie.
        </>
      }
      legend={[
        { label: 'after the change', colour: 'var(--ink-2)', box: true },
        { label: 'now', colour: 'var(--line-strong)', dash: '2 2' },
      ]}
      table={() => ({
        columns: [
          { label: 'Objective' },
          { label: 'Now' },
          { label: 'After' },
          { label: 'Change', format: formatSigned },
        ],
        rows: rows.map(({ objective, now, after }) => [objective, now, after, after - now]),
      })}
    >
      <BarChart
        bars={rows.map(({ objective, now, after }) => ({
          key: objective.name,
          label: shortObjectiveLabel(objective),
          group: objective.group,
          value: after,
          ghost: now,
        }))}
      />
    </ChartFrame>
  );
}
