/** Runs side by side: one chart, one table, and the way on for those that can go on. */
import { SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { formatBytes, formatCount, formatPercent, formatSignificant } from '@/components/number-format.ts';
import { canGoOn, isActive, stepsDone, type TrainingRunRecord } from '@/state/training-run.ts';
import { activeRun, curvesOf, mostRuns, removeRun, showRun, useTraining } from '@/state/training-store.ts';
import { LiveChart, type LiveSeries } from './live-chart.tsx';
import { phaseWords } from './run-words.ts';
import { goOn, type TrainSubject } from './use-training.ts';
import classes from './train-view.module.css';

/** Told apart by colour and dashes; the table has their names, too. */
const looks: readonly Pick<LiveSeries, 'colour' | 'dash'>[] = [
  { colour: '--response-a' },
  { colour: '--response-b', dash: [6, 3] },
  { colour: '--response-c', dash: [2, 3] },
  { colour: '--response-d', dash: [9, 3, 2, 3] },
  { colour: '--group-safety', dash: [12, 4] },
  { colour: '--group-judge', dash: [4, 2, 1, 2] },
];

type Measure = 'accuracy' | 'loss' | 'batch-loss';

export function RunList({ subject }: { readonly subject: TrainSubject }) {
  const { runs, shownId, storageProblem } = useTraining();
  const going = useTraining(activeRun);
  const [problem, setProblem] = useState<string>();
  const [removed, setRemoved] = useState<{ readonly name: string; readonly undo: () => Promise<void> }>();
  if (runs.length === 0 && removed === undefined && storageProblem === undefined) return null;
  return (
    <section className={`card ${classes.panel}`} aria-label="Runs">
      <h2>Runs</h2>
      {storageProblem === undefined ? null : (
        <p role="alert" className={`${classes.problem} small`}>
          {storageProblem}
        </p>
      )}
      {runs.length > 1 ? <Comparison runs={runs} /> : null}
      <ul className={classes.runs}>
        {runs.map((run) => (
          <li key={run.runId} data-shown={run.runId === shownId}>
            <button
              type="button"
              className={classes.runName}
              aria-pressed={run.runId === shownId}
              onClick={() => showRun(run.runId)}
            >
              {run.name}
            </button>
            <span className="small numeric">
              {phaseWords(run)}
              {run.evaluation === undefined ? '' : `; ${formatPercent(run.evaluation.accuracy)} right`}
            </span>
            <span className="muted small numeric">
              {settingsWords(run)}
              {run.checkpoint === undefined || isActive(run)
                ? ''
                : `; checkpoint of step ${formatCount(run.checkpoint.step)}, ${formatBytes(run.checkpoint.bytes)}`}
            </span>
            <span className={classes.runTools}>
              {canGoOn(run) ? (
                <button
                  type="button"
                  disabled={going !== undefined}
                  onClick={() => void goOn(subject.jobs, run).then(setProblem)}
                >
                  Go on with {run.name}
                </button>
              ) : null}
              {isActive(run) ? null : (
                <button
                  type="button"
                  onClick={() => {
                    void removeRun(run.runId).then((undo) => setRemoved({ name: run.name, undo }));
                  }}
                >
                  Remove {run.name}
                </button>
              )}
            </span>
          </li>
        ))}
      </ul>
      {problem === undefined ? null : (
        <p role="alert" className={`${classes.problem} small`}>
          {problem}
        </p>
      )}
      {removed === undefined ? null : (
        <p className="small" role="status">
          {removed.name} was removed.{' '}
          <button
            type="button"
            className={classes.link}
            onClick={() => {
              void removed.undo();
              setRemoved(undefined);
            }}
          >
            Undo
          </button>
        </p>
      )}
      <p className="muted small">The last {mostRuns} runs are kept on this machine, with their curves and gates.</p>
    </section>
  );
}

/** What a run differs from others by, in short. */
function settingsWords({ options, device }: TrainingRunRecord): string {
  const { mode, batchSize, learningRate, hidden, hiddenLayers, initialBeta, seed } = options;
  const way = mode === 'paper' ? '' : 'authors’ way, ';
  const where = device === 'automatic' ? '' : `, ${device === 'cpu' ? 'CPU' : 'WebGPU'}`;
  return `${way}batch ${batchSize}, rate ${learningRate}, ${hiddenLayers} × ${hidden}, β ${initialBeta}, seed ${seed}${where}`;
}

function Comparison({ runs }: { readonly runs: readonly TrainingRunRecord[] }) {
  const [measure, setMeasure] = useState<Measure>('accuracy');
  const format = measure === 'accuracy' ? formatPercent : (value: number) => formatSignificant(value, 3);
  // The curves lie beside the store, which says when there are more numbers.
  const names = runs.map(({ runId, name }) => `${runId} ${name}`).join('\n');
  const versions = runs.map(({ curveSteps, curveEvaluations }) => curveSteps + curveEvaluations).join();
  const series = useMemo(() => runSeries(names, measure, versions), [names, measure, versions]);
  const name = { accuracy: 'held-out accuracy', loss: 'held-out loss', 'batch-loss': 'batch loss' }[measure];
  const last = series.flatMap(({ label, curve }) => {
    const value = curve.y.at(-1);
    return value === undefined ? [] : [{ label, value }];
  });
  const best = last.toSorted((a, b) => (measure === 'accuracy' ? b.value - a.value : a.value - b.value))[0];
  return (
    <ChartFrame
      title="Comparison of runs"
      fileName="runs"
      raster
      summary={
        best === undefined
          ? `No run has a ${name} yet.`
          : `Of ${last.length} runs, ${best.label} ends with the best ${name}: ${format(best.value)}.`
      }
      legend={series.map(({ label, colour, dash }) => ({
        label,
        colour: `var(${colour})`,
        ...(dash === undefined ? {} : { dash: dash.join(' ') }),
      }))}
      controls={
        <SegmentedControl
          size="xs"
          aria-label="Compared by"
          value={measure}
          onChange={(value) => setMeasure(value)}
          data={[
            { value: 'accuracy', label: 'Accuracy' },
            { value: 'loss', label: 'Held-out loss' },
            { value: 'batch-loss', label: 'Batch loss' },
          ]}
        />
      }
      table={() => ({
        columns: [
          { label: 'Run' },
          { label: 'Step', format: String },
          { label: 'Held-out accuracy' },
          { label: 'Held-out loss' },
          { label: 'β' },
        ],
        rows: runs.map((run) => [
          run.name,
          stepsDone(run),
          run.evaluation?.accuracy,
          run.evaluation?.loss,
          run.evaluation?.beta,
        ]),
      })}
    >
      <LiveChart series={series} format={format} height={220} />
    </ChartFrame>
  );
}

/** @param runs a line each: id, blank, name. @param _versions changes with the numbers of the curves. */
function runSeries(runs: string, measure: Measure, _versions: string): readonly LiveSeries[] {
  return runs.split('\n').flatMap((line, index): LiveSeries[] => {
    const [runId = '', ...name] = line.split(' ');
    const curves = curvesOf(runId);
    const look = looks[index % looks.length] ?? { colour: '--ink-1' };
    if (curves === undefined) return [];
    const curve = measure === 'batch-loss' ? curves.ofSteps('loss') : curves.ofEvaluations(measure);
    return [{ label: name.join(' '), ...look, width: 1.75, curve }];
  });
}
