/** Train: from features to a gate, in the page: probes, Eq 3, the gate, live; the result is a head for every view. */
import { Button } from '@mantine/core';
import { useEffect, useId, useRef, useState } from 'react';
import { openTextsFile } from '@/queries/open-dataset.ts';
import { useReceiveDrops, type DropReceiver } from '@/state/drop-receiver.ts';
import { isRunning, useEvaluation } from '@/state/evaluation-store.ts';
import { useProbes } from '@/state/probe-store.ts';
import { addTrainingFiles } from '@/state/training-data.ts';
import { changeForm } from '@/state/training-form.ts';
import { DataPanel, startFromSample } from './data-panel.tsx';
import { GateForm } from './gate-form.tsx';
import { LiveCurves } from './live-curves.tsx';
import { isDatasetName, MakeFeaturesPanel } from './make-features-panel.tsx';
import { objectiveNames } from './objective-names.ts';
import { ProbePanel } from './probe-panel.tsx';
import { GatePanel, ResultPanel } from './result-panel.tsx';
import { RunBar } from './run-bar.tsx';
import { RunList } from './run-list.tsx';
import { pipelineProblem, trainPipeline, useShownRun, useTrainSubject, type TrainSubject } from './use-training.ts';
import classes from './train-view.module.css';

const isFeatureName = (name: string) => /\.(safetensors|pt|pth|bin)$/i.test(name);

const receiver: DropReceiver = {
  label: 'Drop features or heads to train on, or a dataset to make features from',
  takes: (name) => isFeatureName(name) || (isDatasetName(name) && !isRunning(useEvaluation.getState().run)),
  receive: (files) => {
    void addTrainingFiles(files.filter(({ name }) => isFeatureName(name)));
    const dataset = files.find(({ name }) => isDatasetName(name));
    if (dataset !== undefined && !isRunning(useEvaluation.getState().run))
      void openTextsFile(dataset.name, dataset.blob);
  },
};

export function TrainView() {
  const subject = useTrainSubject();
  const run = useShownRun();
  useReceiveDrops(receiver);
  const names = objectiveNames(run?.objectives ?? 0, subject.modelObjectives);
  return (
    <div className={classes.view}>
      <h1 className="visually-hidden">Train</h1>
      <RunBar subject={subject} />
      <div className={classes.columns}>
        <div className={classes.settings}>
          <DataPanel subject={subject} />
          <MakeFeaturesPanel />
          <ProbePanel subject={subject} />
          <GateSettings subject={subject} />
        </div>
        <div className={classes.results} data-run={run !== undefined}>
          {run === undefined ? <Explanation subject={subject} /> : null}
          {run === undefined ? null : (
            <>
              <ResultPanel key={run.runId} subject={subject} run={run} names={names} />
              <LiveCurves run={run} />
              <GatePanel subject={subject} run={run} names={names} />
            </>
          )}
          <RunList subject={subject} />
        </div>
      </div>
    </div>
  );
}

/** What one is about to see, before there is anything. */
function Explanation({ subject }: { readonly subject: TrainSubject }) {
  const fitting = useProbes((state) => state.running);
  // Begins as soon as the sample has been read.
  const [begun, setBegun] = useState(false);
  const ready = pipelineProblem(subject) === undefined;
  const latest = useRef(subject);
  useEffect(() => {
    latest.current = subject;
  });
  useEffect(() => {
    if (!begun || !ready) return;
    void trainPipeline(latest.current).finally(() => setBegun(false));
  }, [begun, ready]);
  const begin = () => {
    setBegun(true);
    void startFromSample().then((fetched) => {
      if (!fetched) setBegun(false);
    });
  };
  return (
    <section className={`card ${classes.panel}`} aria-label="What training does">
      <h2>How a gate learns</h2>
      <ol className={classes.steps}>
        <li>
          <strong>Probes.</strong> For every objective one linear function of what the model saw in a response is fitted
          to that objective’s labels. Together they are the reward layer W.
        </li>
        <li>
          <strong>Eq 3.</strong> Longer answers tend to be rated higher by all of them. From every reward so much of the
          verbosity reward is taken off that the two are no longer correlated: the transform M.
        </li>
        <li>
          <strong>The gate.</strong> A small network reads the prompt and learns how much each objective should count,
          so that in pairs of responses the one that people chose scores higher.
        </li>
      </ol>
      <div className={classes.row}>
        <Button size="compact-md" disabled={begun || fitting} onClick={begin}>
          Show it on the sample
        </Button>
        <span className="muted small">
          Fetches the sample and trains the whole pipeline on this machine: seconds to a minute. The curves appear here
          while it learns.
        </span>
      </div>
    </section>
  );
}

function GateSettings({ subject }: { readonly subject: TrainSubject }) {
  const { form, reading, model, heads, modelProblem } = subject;
  const id = useId();
  return (
    <section className={`card ${classes.panel}`} aria-label="Gate">
      <h2>Gate</h2>
      <div className={classes.options}>
        <label htmlFor={`${id}-heads`}>Trained under</label>
        <select
          id={`${id}-heads`}
          value={form.headOrigin}
          onChange={({ currentTarget: { value } }) =>
            changeForm({ headOrigin: value === 'files' || value === 'probes' ? value : 'model' })
          }
        >
          <option value="model">the heads of {model?.name ?? 'the loaded model'}</option>
          <option value="probes">the probes fitted here</option>
          <option value="files">
            {heads.chosen === undefined ? 'heads from a file' : heads.chosen.names.join(', ')}
          </option>
        </select>
        <label htmlFor={`${id}-first`}>First weights</label>
        <select
          id={`${id}-first`}
          value={form.firstWeights}
          onChange={({ currentTarget: { value } }) =>
            changeForm({ firstWeights: value === 'heads' ? 'heads' : 'fresh' })
          }
        >
          <option value="fresh">fresh, from the seed</option>
          <option value="heads">the gate of those heads</option>
        </select>
      </div>
      {form.headOrigin === 'model' && modelProblem !== undefined ? (
        <p role="alert" className={`${classes.problem} small`}>
          {modelProblem}
        </p>
      ) : null}
      <GateForm form={form} reading={reading} objectives={subject.headObjectives} />
    </section>
  );
}
