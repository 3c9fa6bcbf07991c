/** The run: what starts it, what steers it, and how it stands, always in sight. */
import { Button, Progress } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { formatCount, formatPercent, formatSignificant, fullPrecision } from '@/components/number-format.ts';
import { useEngine } from '@/queries/engine-context.ts';
import { deviceQuery, useModel } from '@/queries/model-queries.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { cancelProbes, useProbes } from '@/state/probe-store.ts';
import { changeForm } from '@/state/training-form.ts';
import { canGoOn, isActive, stepsDone, type TrainingRunRecord } from '@/state/training-run.ts';
import { activeRun, checkpointRun, pauseRun, resumeRun, stopRun, useTraining } from '@/state/training-store.ts';
import { JobErrorNotice } from './job-error-notice.tsx';
import { deviceWords, phaseWords, probeWords, rateWords } from './run-words.ts';
import { goOn, pipelineProblem, trainGate, trainPipeline, useShownRun, type TrainSubject } from './use-training.ts';
import classes from './run-bar.module.css';

export function RunBar({ subject }: { readonly subject: TrainSubject }) {
  const going = useTraining(activeRun);
  const shown = useShownRun();
  const run = going ?? shown;
  const { running: fitting, progress } = useProbes();
  const pipeline = pipelineProblem(subject);
  const gate = 'problem' in subject.planned ? subject.planned.problem : undefined;
  const [problem, setProblem] = useState<string>();
  return (
    <section className={`card ${classes.bar}`} aria-label="Run">
      <div className={classes.buttons}>
        {going === undefined ? (
          <>
            <Button
              size="compact-md"
              disabled={pipeline !== undefined || fitting}
              onClick={() => void trainPipeline(subject)}
            >
              Train the whole pipeline
            </Button>
            <Button
              size="compact-md"
              variant="default"
              disabled={gate !== undefined || fitting}
              onClick={() => trainGate(subject)}
            >
              Train gate
            </Button>
            {fitting ? (
              <Button size="compact-md" variant="default" onClick={cancelProbes}>
                Stop
              </Button>
            ) : null}
            {run !== undefined && canGoOn(run) && !fitting ? (
              <Button size="compact-md" variant="default" onClick={() => void goOn(subject.jobs, run).then(setProblem)}>
                Resume
              </Button>
            ) : null}
          </>
        ) : (
          <>
            {going.phase === 'paused' ? (
              <Button size="compact-md" onClick={() => void resumeRun()}>
                Resume
              </Button>
            ) : (
              <Button
                size="compact-md"
                variant="default"
                disabled={going.phase !== 'running'}
                onClick={() => void pauseRun()}
              >
                Pause
              </Button>
            )}
            <Button
              size="compact-md"
              variant="default"
              disabled={going.phase === 'stopping'}
              onClick={() => void stopRun()}
            >
              Stop
            </Button>
            <Button
              size="compact-md"
              variant="default"
              disabled={going.phase !== 'running' && going.phase !== 'paused'}
              title="Store the run now, so that it goes on from here"
              onClick={() => void checkpointRun()}
            >
              Checkpoint
            </Button>
          </>
        )}
        <Device subject={subject} run={going} />
      </div>
      {problem === undefined ? null : (
        <p role="alert" className={`${classes.problem} small`}>
          {problem}
        </p>
      )}
      {fitting ? (
        <p className="small" role="status">
          First the probes: {probeWords(progress)}.
        </p>
      ) : run === undefined ? (
        <p className="muted small">
          {pipeline ??
            gate ??
            'Ready: the pipeline fits the probes, solves Eq 3 and trains the gate, as the paper does.'}
          {pipeline !== undefined && gate === undefined ? ' The gate alone can be trained now.' : ''}
        </p>
      ) : (
        <Figures run={run} hint={going === undefined ? gate : undefined} />
      )}
    </section>
  );
}

function Figures({ run, hint }: { readonly run: TrainingRunRecord; readonly hint: string | undefined }) {
  const { latest, evaluation, options, error } = run;
  const done = stepsDone(run);
  const onHeldOut = evaluation === undefined || evaluation.on === 'held-out';
  return (
    <>
      <dl className={`${classes.figures} numeric`}>
        <Figure name="Training step" value={`${formatCount(done)} of ${formatCount(options.steps)}`} exact={done} />
        <Figure
          name="Training loss"
          value={latest === undefined ? '–' : formatSignificant(latest.loss)}
          exact={latest?.loss}
        />
        <Figure
          name="Held-out accuracy"
          label={onHeldOut ? undefined : 'Accuracy on training pairs'}
          value={evaluation === undefined ? '–' : formatPercent(evaluation.accuracy)}
          exact={evaluation?.accuracy}
        />
        <Figure name="β" value={latest === undefined ? '–' : formatSignificant(latest.beta)} exact={latest?.beta} />
        <Figure
          name="Gate entropy"
          value={latest === undefined ? '–' : `${formatSignificant(latest.gateEntropy, 3)} nats`}
          exact={latest?.gateEntropy}
        />
      </dl>
      <Progress value={(100 * done) / options.steps} size="sm" transitionDuration={0} aria-label="Steps done" />
      <p className="small">
        <strong>{run.name}:</strong> {phaseWords(run)}
        {rateWords(run) === '' || !isActive(run) ? '' : `; ${rateWords(run)}`}.{' '}
        <span className="muted">
          {run.started === undefined ? '' : `On ${deviceWords(run)}.`} {run.started?.reason}
        </span>
      </p>
      {error === undefined || error.code === 'aborted' ? null : <JobErrorNotice error={error} />}
      {hint === undefined ? null : <p className="muted small">{hint}</p>}
    </>
  );
}

interface FigureProps {
  /** Accessible name. */
  readonly name: string;
  /** Shown instead, where the name would not be true. */
  readonly label?: string | undefined;
  readonly value: string;
  readonly exact: number | undefined;
}

function Figure({ name, label = name, value, exact }: FigureProps) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        {/* It changes many times a second: read when it is asked for, never announced by itself. */}
        <span
          role="status"
          aria-live="off"
          aria-label={name}
          title={exact === undefined ? undefined : fullPrecision(exact)}
        >
          {value}
        </span>
      </dd>
    </div>
  );
}

/** Where to train, and what “automatic” would choose. */
function Device({ subject, run }: { readonly subject: TrainSubject; readonly run: TrainingRunRecord | undefined }) {
  const id = useId();
  const engine = useEngine();
  const model = useModel();
  const loadId = useModelChoice((state) => state.loadId);
  const report = useQuery(deviceQuery(engine, loadId, model.status)).data;
  const { device, preset } = subject.form;
  const { available = false, software = false, adapter, reason } = report?.webgpu ?? {};
  const usable = available && !software && preset !== 'authors-script';
  const why =
    preset === 'authors-script'
      ? 'the authors’ way runs there alone'
      : available
        ? `WebGPU here is ${adapter ?? 'a software adapter'}, which is slower`
        : (reason ?? 'this browser offers no WebGPU').replace(/\.$/, '');
  const words = {
    automatic: usable ? `WebGPU on ${adapter ?? 'the graphics card'}` : `the processor: ${why}`,
    webgpu: software ? `${adapter ?? 'a software adapter'}: right, but slow` : 'the graphics card',
    cpu: 'WebAssembly threads on the processor',
  }[device];
  return (
    <div className={classes.device}>
      <label htmlFor={id}>Device</label>
      <select
        id={id}
        value={device}
        disabled={run !== undefined}
        onChange={({ currentTarget: { value } }) =>
          changeForm({ device: value === 'webgpu' || value === 'cpu' ? value : 'automatic' })
        }
      >
        <option value="automatic">Automatic</option>
        <option value="webgpu">WebGPU</option>
        <option value="cpu">CPU</option>
      </select>
      {report === undefined || run !== undefined ? null : <span className="muted small">{words}</span>}
    </div>
  );
}
