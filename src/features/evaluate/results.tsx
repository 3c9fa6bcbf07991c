/** What the scores say: how right, on what, against which baselines; every number follows the steering. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import { Panel } from '@/components/panel.tsx';
import { ActionMenu } from '@/components/action-menu.tsx';
import { saveFile } from '@/components/chart-picture.ts';
import { DownloadIcon } from '@/components/icons.tsx';
import { formatQuantity } from '@/components/number-format.ts';
import { StandInNotice } from '@/components/stand-in-notice.tsx';
import type { EvaluatedSet } from '@/queries/evaluated-set.ts';
import { standInWords } from '@/queries/head-set.ts';
import { exportScoredSet } from '@/queries/export-scored-set.ts';
import { closeScoredSet } from '@/state/loaded-set.ts';
import { trackWork } from '@/state/pending-work.ts';
import { setSource } from '@/state/steering-store.ts';
import { AccuracyTable } from './accuracy-table.tsx';
import { BenchmarkPanels } from './benchmark-panels.tsx';
import { CalibrationChart } from './calibration-chart.tsx';
import { ObjectivesChart } from './objectives-chart.tsx';
import { Overview } from './overview.tsx';
import { RejectedRows } from './rejected-rows.tsx';
import { RowsTable } from './rows-table.tsx';
import { SteeringBar } from './steering-bar.tsx';
import { useReport, type Reports } from './use-report.ts';
import classes from './evaluate-view.module.css';

export function Results({ evaluated }: { readonly evaluated: EvaluatedSet }) {
  const { summary } = evaluated;
  const reports = useReport(evaluated);
  return (
    <>
      <Panel name="Scored set" className={classes.panel}>
        <div className={classes.head}>
          <h2 className={classes.name}>{`Results: ${summary.name}`}</h2>
          <div className={classes.buttons}>
            <Export evaluated={evaluated} />
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => {
                setSource({ kind: 'open' });
                closeScoredSet();
              }}
            >
              Close the set
            </Button>
          </div>
        </div>
        <Provenance evaluated={evaluated} />
        <SteeringBar evaluated={evaluated} />
        {reports === undefined ? (
          <p className="muted small" role="status">
            Summing up {formatQuantity(evaluated.set.rows, 'response')}…
          </p>
        ) : (
          <Overview reports={reports} evaluated={evaluated} />
        )}
      </Panel>
      <RejectedRows summary={summary} />
      <div className={classes.columns}>
        {reports === undefined ? null : <Report reports={reports} evaluated={evaluated} />}
        <RowsTable key={summary.id} evaluated={evaluated} />
      </div>
    </>
  );
}

function Report({ reports, evaluated }: { readonly reports: Reports; readonly evaluated: EvaluatedSet }) {
  return (
    <>
      <AccuracyTable reports={reports} name={evaluated.summary.name} />
      <BenchmarkPanels reports={reports} />
      {reports.report.comparedBy === 'nothing' ? null : (
        <>
          <Panel name="Accuracy of each objective" className={classes.panel}>
            <ObjectivesChart reports={reports} objectives={evaluated.objectives} />
          </Panel>
          <Panel name="Calibration" className={classes.panel}>
            <CalibrationChart reports={reports} />
          </Panel>
        </>
      )}
    </>
  );
}

function Provenance({ evaluated: { kind, set, standIn, variant } }: { readonly evaluated: EvaluatedSet }) {
  const scoredBy = set.modelId ?? 'a model that the file does not name';
  return (
    <>
      <p className="small">
        {formatQuantity(set.rows, 'response')} in {formatQuantity(set.groups, 'group')}, scored by {scoredBy}
        {kind === 'model'
          ? variant === undefined
            ? ', which is in use: what is steered there holds here.'
            : `, shown under the head “${variant}”.`
          : kind === 'file'
            ? ', which is not the model in use: its own head, as the file describes it, makes the scores here.'
            : '. The file does not say enough of its head to recombine them, so they are shown as they are.'}
      </p>
      {standIn === undefined ? null : (
        <StandInNotice
          head={standIn.variant}
          working={standIn.reason.status === 'working'}
          why={standInWords(standIn.reason)}
          instead="The scores here are the model’s own."
        />
      )}
    </>
  );
}

const formats = [
  ['jsonl', 'JSON lines'],
  ['csv', 'CSV'],
  ['parquet', 'Parquet'],
] as const;

function Export({ evaluated: { scored: set, summary } }: { readonly evaluated: EvaluatedSet }) {
  const [problem, setProblem] = useState<string>();
  const save = (format: (typeof formats)[number][0]) => {
    setProblem(undefined);
    const base = summary.name.replace(/\.(jsonl|ndjson|json|csv|tsv|txt|parquet)$/i, '').replaceAll(/[^\w.-]+/g, '-');
    void trackWork(
      exportScoredSet(set, format)
        .then((blob) => saveFile(`${base}-scored.${format}`, blob))
        .catch((cause: unknown) => setProblem(cause instanceof Error ? cause.message : String(cause))),
    );
  };
  return (
    <>
      {problem === undefined ? null : (
        <span role="alert" className={`${classes.bad} small`}>
          {problem}
        </span>
      )}
      <Button size="compact-sm" variant="default" component={Link} href="/steer">
        Steer
      </Button>
      <ActionMenu
        label="Export scores, rewards and gate weights"
        title="Export scores, rewards and gate weights as the model gave them"
        icon={<DownloadIcon />}
        actions={formats.map(([format, label]) => ({
          label,
          run: () => save(format),
        }))}
      />
    </>
  );
}
