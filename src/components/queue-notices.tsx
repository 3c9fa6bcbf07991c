/** What a queue of responses says beside its progress: what could not be opened, what stopped it, what was interrupted. Props only. */
import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { formatQuantity } from './number-format.ts';
import { Notice } from './notice.tsx';
import { QueueProgress, type QueueState } from './queue-progress.tsx';
import classes from './queue-notices.module.css';

/** A file or address that could not be opened. */
export function OpeningProblem({
  problem,
  onDismiss,
}: {
  readonly problem: string | undefined;
  readonly onDismiss: () => void;
}) {
  if (problem === undefined) return null;
  return (
    <Notice tone="bad" title="That could not be opened">
      <p>{problem}</p>
      <div>
        <Button size="compact-sm" variant="default" onClick={() => onDismiss()}>
          Dismiss
        </Button>
      </div>
    </Notice>
  );
}

/** Said before a queue starts, and while it runs, where the device holds one stage of the model at a time. */
export function StagedQueue({
  memory,
  atOnce,
}: {
  readonly memory: { readonly mode: 'resident' | 'streamed'; readonly reason: string };
  /** Prompts that share the loading of the stages. */
  readonly atOnce: number;
}) {
  if (memory.mode !== 'streamed') return null;
  return (
    <Notice tone="plain" title="Stage by stage">
      <p>
        {memory.reason} Every stage is loaded once for {formatQuantity(atOnce, 'prompt')}; the scores are the same, and
        come that many at a time.
      </p>
    </Notice>
  );
}

/** A queue that runs, rests or has ended early: why it stopped, and how far it is. */
export function UnfinishedQueue({
  run,
  stopped,
  cancelled,
}: {
  readonly run: {
    readonly status: string;
    readonly progress: QueueState | undefined;
    readonly problem?: string | undefined;
  };
  /** Title of the notice where something stopped it. */
  readonly stopped: string;
  /** Said where it was cancelled. */
  readonly cancelled: string;
}) {
  return (
    <>
      {run.problem === undefined ? null : (
        <Notice tone="bad" title={stopped}>
          <p>{run.problem}</p>
        </Notice>
      )}
      <QueueProgress
        progress={run.progress}
        running={run.status === 'running'}
        note={run.status === 'cancelled' ? cancelled : ''}
      />
    </>
  );
}

/** A queue that ended with its page. */
export function InterruptedQueue({
  title,
  children,
  resume,
  onResume,
  onDiscard,
}: {
  readonly title: string;
  readonly children: ReactNode;
  readonly resume: string;
  /** `undefined` while it cannot go on. */
  readonly onResume: (() => void) | undefined;
  readonly onDiscard: () => void;
}) {
  return (
    <Notice tone="warn" title={title}>
      <p>{children}</p>
      <div className={classes.buttons}>
        <Button size="compact-sm" disabled={onResume === undefined} onClick={onResume}>
          {resume}
        </Button>
        <Button size="compact-sm" variant="default" onClick={onDiscard}>
          Discard
        </Button>
      </div>
    </Notice>
  );
}
