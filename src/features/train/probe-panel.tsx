/** Stage 1 and Eq 3: which objectives the features can tell, at which α, and the λ that takes verbosity out of each. */
import { Button, Progress } from '@mantine/core';
import { useId, useState } from 'react';
import { ChartFrame } from '@/components/chart-frame.tsx';
import { LineChart, type LineSeries } from '@/components/line-chart.tsx';
import { Notice } from '@/components/notice.tsx';
import { formatCount, formatSignificant } from '@/components/number-format.ts';
import { groupStyle, type NamedObjective } from '@/components/objective-language.ts';
import { cancelProbes, probeShare, runProbes, useProbes, type ProbeSummary } from '@/state/probe-store.ts';
import { changeForm } from '@/state/training-form.ts';
import { JobErrorNotice } from './job-error-notice.tsx';
import { nameObjectives, objectiveNames } from './objective-names.ts';
import { probeTable, relativePaths } from './probe-numbers.ts';
import { probeWords } from './run-words.ts';
import { probeRequest, type TrainSubject } from './use-training.ts';
import classes from './train-view.module.css';

export function ProbePanel({ subject }: { readonly subject: TrainSubject }) {
  const { stage1, form, jobs, modelObjectives } = subject;
  const { running, progress, summary, error } = useProbes();
  const id = useId();
  const ready = stage1.data?.objectives !== undefined;
  const names = objectiveNames(stage1.data?.objectives ?? 0, modelObjectives);
  return (
    <section className={`card ${classes.panel}`} aria-label="Probes">
      <h2>Probes</h2>
      <p className="muted small">
        One ridge regression an objective (stage 1), its α chosen on the authors’ held-out rows; then the λ that takes
        the correlation with verbosity out of every reward (Eq 3).
      </p>
      <div className={classes.options}>
        <label htmlFor={`${id}-verbosity`}>Verbosity objective</label>
        <select
          id={`${id}-verbosity`}
          value={form.verbosity}
          onChange={(event) => changeForm({ verbosity: event.currentTarget.value })}
        >
          <option value="auto">the model’s own, or ArmoRM’s</option>
          {names.map(({ name }, j) => (
            <option key={name} value={j}>
              {name}
            </option>
          ))}
          <option value="none">none (M is the identity)</option>
        </select>
        <label htmlFor={`${id}-reference`}>Reference set of Eq 3</label>
        <select
          id={`${id}-reference`}
          value={form.reference}
          onChange={({ currentTarget }) =>
            changeForm({ reference: currentTarget.value === 'stage-2' ? 'stage-2' : 'stage-1' })
          }
        >
          <option value="stage-1">the labelled responses</option>
          <option value="stage-2">the responses of the pairs</option>
        </select>
      </div>
      <div className={classes.row}>
        {running ? (
          <Button size="compact-sm" variant="default" onClick={cancelProbes}>
            Cancel
          </Button>
        ) : (
          <Button
            size="compact-sm"
            variant="default"
            disabled={!ready}
            onClick={() => {
              void runProbes(jobs, probeRequest(subject)).then((done) => {
                if (done) changeForm({ headOrigin: 'probes', firstWeights: 'fresh' });
              });
            }}
          >
            Fit probes
          </Button>
        )}
        {ready ? null : <span className="muted small">Needs labelled responses (stage 1).</span>}
        {running ? (
          <span className="small" role="status">
            {probeWords(progress)}
          </span>
        ) : null}
      </div>
      {running ? (
        <Progress value={100 * probeShare(progress)} size="sm" transitionDuration={0} aria-label="Probes" />
      ) : null}
      {error === undefined ? null : <JobErrorNotice error={error} />}
      {summary === undefined ? null : (
        <ProbeResult summary={summary} names={objectiveNames(summary.objectives, modelObjectives)} />
      )}
    </section>
  );
}

function ProbeResult({
  summary,
  names,
}: {
  readonly summary: ProbeSummary;
  readonly names: readonly NamedObjective[];
}) {
  const [shown, setShown] = useState('all');
  const one = shown === 'all' ? undefined : summary.probes[Number(shown)];
  const series: LineSeries[] =
    one === undefined
      ? relativePaths(summary).map(({ objective, points }) => ({
          name: names[objective]?.name ?? '',
          style: { colour: groupStyle(names[objective]?.group ?? '').colour, dash: undefined },
          points,
        }))
      : [
          {
            name: names[Number(shown)]?.name ?? '',
            style: { colour: 'var(--accent)', dash: undefined },
            points: one.path.map(({ alpha, validationMse }) => ({ x: Math.log10(alpha), y: validationMse })),
            dots: true,
          },
        ];
  const fitted = summary.probes.filter((probe) => probe !== undefined).length;
  const sentence =
    one === undefined
      ? `${fitted} of ${summary.objectives} objectives are fitted; each line is the held-out error of one as a multiple of its least, so 1 is the α chosen.`
      : `${names[Number(shown)]?.name} is fitted best at α = ${formatAlpha(Math.log10(one.alpha))}, with a held-out mean squared error of ${formatSignificant(one.validationMse)} on ${formatCount(one.validationRows)} rows.`;
  return (
    <>
      {summary.warnings.map(({ message }) => (
        <Notice key={message} tone="warn" title="Worth knowing">
          <p>{nameObjectives(message, names)}</p>
        </Notice>
      ))}
      <ChartFrame
        title="α path"
        fileName="alpha-path"
        summary={sentence}
        table={() => probeTable(summary, names)}
        controls={
          <select
            className={classes.select}
            aria-label="Objective of the α path"
            value={shown}
            onChange={(event) => setShown(event.currentTarget.value)}
          >
            <option value="all">all objectives</option>
            {names.map(({ name }, j) =>
              summary.probes[j] === undefined ? null : (
                <option key={name} value={j}>
                  {name}
                </option>
              ),
            )}
          </select>
        }
        note="The table has every objective’s α, error, rows and λ."
      >
        <LineChart
          series={series}
          xAxis={{ label: 'α', format: formatAlpha }}
          yAxis={{
            label: one === undefined ? 'held-out error, multiple of the least' : 'held-out mean squared error',
            format: (value) => formatSignificant(value, 3),
          }}
          height={220}
          {...(one === undefined
            ? {}
            : { references: [{ axis: 'x' as const, value: Math.log10(one.alpha), label: 'chosen' }] })}
        />
      </ChartFrame>
    </>
  );
}

/** `10³` for its logarithm. */
function formatAlpha(log: number): string {
  if (!Number.isInteger(log)) return formatSignificant(10 ** log, 2);
  const digits = String(log)
    .replace('-', '⁻')
    .replaceAll(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit)));
  return log === 0 ? '1' : log === 1 ? '10' : `10${digits}`;
}
