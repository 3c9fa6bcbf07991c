/** The queue: start, progress with rate and time left, pause, cancel; what was interrupted; rows that could not be used. */
import { Button } from '@mantine/core';
import { Panel } from '@/components/panel.tsx';
import { formatCount, formatQuantity } from '@/components/number-format.ts';
import { InterruptedQueue, StagedQueue, UnfinishedQueue } from '@/components/queue-notices.tsx';
import type { LoadedModel } from '@/engine/api/messages.ts';
import { requestsAtOnce } from '@/engine/api/requests-at-once.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { wholeMapping } from '@/queries/dataset-mapping.ts';
import {
  cancelEvaluation,
  forgetInterrupted,
  pauseEvaluation,
  resumeEvaluation,
  resumeInterrupted,
  startEvaluation,
} from '@/queries/evaluation-run.ts';
import { isRunning, useEvaluation, type EvaluationRunState, type InterruptedRun } from '@/state/evaluation-store.ts';
import { trackWork } from '@/state/pending-work.ts';
import classes from './evaluate-view.module.css';

interface Props {
  readonly engine: RewardEngine;
  /** `undefined` while it loads. */
  readonly model: LoadedModel | undefined;
}

export function RunPanel({ engine, model }: Props) {
  const { dataset, run, interrupted } = useEvaluation();
  const running = isRunning(run);
  return (
    <>
      {interrupted?.purpose !== 'scores' || running ? null : (
        <Interrupted interrupted={interrupted} engine={engine} model={model} />
      )}
      {dataset === undefined && !running ? null : (
        <Panel name="Queue" className={classes.panel}>
          <div className={classes.head}>
            <h2>{headings[run.status]}</h2>
            <div className={classes.buttons}>
              {running ? (
                <>
                  {run.status === 'paused' ? (
                    <Button size="compact-sm" onClick={resumeEvaluation}>
                      Resume
                    </Button>
                  ) : (
                    <Button size="compact-sm" variant="default" onClick={pauseEvaluation}>
                      Pause
                    </Button>
                  )}
                  <Button size="compact-sm" variant="default" onClick={cancelEvaluation}>
                    Cancel
                  </Button>
                </>
              ) : (
                <Button
                  size="compact-sm"
                  disabled={
                    model === undefined ||
                    dataset === undefined ||
                    wholeMapping(dataset.mapping, dataset.columns) === undefined
                  }
                  onClick={() => model !== undefined && startEvaluation(engine, model)}
                >
                  {run.status === 'idle' ? 'Score the dataset' : 'Score again'}
                </Button>
              )}
            </div>
          </div>
          {model === undefined || run.status === 'done' ? null : (
            <StagedQueue memory={model.memory} atOnce={requestsAtOnce(model.memory)} />
          )}
          <RunState run={run} modelName={model?.manifest.name} />
        </Panel>
      )}
    </>
  );
}

const headings: Readonly<Record<EvaluationRunState['status'], string>> = {
  idle: 'Ready to score',
  running: 'Scoring',
  paused: 'Paused',
  cancelled: 'Cancelled',
  failed: 'Stopped',
  done: 'Scored',
};

function RunState({ run, modelName }: { readonly run: EvaluationRunState; readonly modelName: string | undefined }) {
  switch (run.status) {
    case 'idle':
      return (
        <p className="muted small">
          {modelName === undefined
            ? 'The model is not ready yet; the first records above are what it will be asked.'
            : `${modelName} scores every response once. Results are kept on this machine as they come: a page that is closed goes on where it was.`}
        </p>
      );
    case 'done':
      return (
        <p className="small" role="status" aria-label="Queue state">
          {formatQuantity(run.scored, 'response')} scored, {formatCount(run.reused)} known from before or said twice
          {run.rejected === 0 ? '' : `, ${formatQuantity(run.rejected, 'row')} could not be used`}.
        </p>
      );
    default:
      return <UnfinishedQueue run={run} stopped="The evaluation stopped" cancelled="What was scored is kept." />;
  }
}

function Interrupted({
  interrupted,
  engine,
  model,
}: {
  readonly interrupted: InterruptedRun;
  readonly engine: RewardEngine;
  readonly model: LoadedModel | undefined;
}) {
  const other = model !== undefined && model.manifest.id !== interrupted.modelId;
  return (
    <InterruptedQueue
      title={`The evaluation of ${interrupted.name} was interrupted`}
      resume="Resume the evaluation"
      onResume={model === undefined ? undefined : () => void trackWork(resumeInterrupted(engine, model))}
      onDiscard={() => void trackWork(forgetInterrupted())}
    >
      Its page was closed before it ended. What was scored is kept, and going on scores only the rest.
      {other
        ? ` It was scored by ${interrupted.modelId}, which is not the model in use: open that one to go on, or start over with this one.`
        : ''}
    </InterruptedQueue>
  );
}
