/** The curves of the run that is looked at, as they grow. */
import { ChartFrame } from '@/components/chart-frame.tsx';
import type { ChartTable } from '@/components/chart-table-data.ts';
import { formatPercent, formatSetting, formatSignificant } from '@/components/number-format.ts';
import type { EvaluationQuantity, StepQuantity, TrainingCurves } from '@/state/training-curves.ts';
import type { TrainingRunRecord } from '@/state/training-run.ts';
import { curvesOf } from '@/state/training-store.ts';
import { useMemo } from 'react';
import { LiveChart, type LiveSeries } from './live-chart.tsx';
import { curveSentence } from './run-words.ts';
import classes from './train-view.module.css';

interface Quantity {
  readonly title: string;
  readonly file: string;
  readonly step: StepQuantity;
  readonly evaluation?: EvaluationQuantity;
  readonly format: (value: number) => string;
  readonly range?: readonly [number, number];
  readonly note?: string;
}

const short = (value: number) => formatSignificant(value, 3);

const large: readonly Quantity[] = [
  { title: 'Loss', file: 'training-loss', step: 'loss', evaluation: 'loss', format: short },
  {
    title: 'Accuracy',
    file: 'training-accuracy',
    step: 'accuracy',
    evaluation: 'accuracy',
    format: formatPercent,
    note: 'Share of pairs whose chosen response scores higher.',
  },
];

const small: readonly Quantity[] = [
  {
    title: 'Gate entropy',
    file: 'gate-entropy',
    step: 'gateEntropy',
    evaluation: 'gateEntropy',
    format: short,
    note: 'Nats: 0 is one objective alone; the logarithm of their number is an even gate.',
  },
  { title: 'β', file: 'beta', step: 'beta', format: (value) => formatSignificant(value, 5) },
  { title: 'Learning rate', file: 'learning-rate', step: 'learningRate', format: formatSetting },
];

export function LiveCurves({ run }: { readonly run: TrainingRunRecord }) {
  const curves = curvesOf(run.runId);
  if (curves === undefined || run.curveSteps === 0) return null;
  const chart = (quantity: Quantity, height: number) => (
    <QuantityChart key={quantity.step} quantity={quantity} run={run} curves={curves} height={height} />
  );
  return (
    <section className={`card ${classes.panel}`} aria-label="Curves">
      <div className={classes.twoCharts}>{large.map((quantity) => chart(quantity, 220))}</div>
      <div className={classes.threeCharts}>{small.map((quantity) => chart(quantity, 140))}</div>
    </section>
  );
}

interface ChartProps {
  readonly quantity: Quantity;
  readonly run: TrainingRunRecord;
  readonly curves: TrainingCurves;
  readonly height: number;
}

function QuantityChart({ quantity, run, curves, height }: ChartProps) {
  const { title, file, step, evaluation, format, range, note } = quantity;
  const { curveSteps, curveEvaluations } = run;
  const heldOut = run.evaluation?.on === 'training' ? 'sample of training pairs' : 'held-out pairs';
  // The numbers lie beside the store, which says when there are more.
  const version = curveSteps + curveEvaluations;
  const series = useMemo(
    () => quantitySeries(curves, { step, evaluation }, heldOut, version),
    [curves, step, evaluation, heldOut, version],
  );
  const [steps, evaluations] = series.map(({ curve }) => curve);
  const table = (): ChartTable => {
    const held = new Map(evaluations === undefined ? [] : [...evaluations.x].map((x, i) => [x, evaluations.y[i]]));
    return {
      columns: [
        { label: 'Step', format: String },
        { label: 'Batch' },
        ...(evaluations === undefined ? [] : [{ label: heldOut }]),
      ],
      rows: [...(steps?.x ?? [])].map((x, i) => [x, steps?.y[i], ...(evaluations === undefined ? [] : [held.get(x)])]),
    };
  };
  return (
    <ChartFrame
      title={title}
      fileName={file}
      raster
      summary={curveSentence(title, steps?.y ?? new Float64Array(0), evaluations?.y.at(-1), format)}
      table={table}
      legend={evaluation === undefined ? [] : series.map(({ label, colour }) => ({ label, colour: `var(${colour})` }))}
      {...(note === undefined ? {} : { note })}
    >
      <LiveChart series={series} format={format} height={height} {...(range === undefined ? {} : { range })} />
    </ChartFrame>
  );
}

/** @param _version changes with the numbers in `curves`, which keeps its identity. */
function quantitySeries(
  curves: TrainingCurves,
  { step, evaluation }: { readonly step: StepQuantity; readonly evaluation: EvaluationQuantity | undefined },
  heldOut: string,
  _version: number,
): readonly LiveSeries[] {
  const batch = { label: 'batch', colour: '--line-strong', width: 1, curve: curves.ofSteps(step) };
  if (evaluation === undefined) return [{ ...batch, colour: '--accent', width: 1.5 }];
  return [batch, { label: heldOut, colour: '--accent', width: 2, curve: curves.ofEvaluations(evaluation) }];
}
