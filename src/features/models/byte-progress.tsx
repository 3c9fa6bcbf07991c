/** Progress of work on bytes: what, how far, how fast, how long; Cancel where it is ours to cancel. */
import { Button, Progress } from '@mantine/core';
import { formatBytes, formatDuration, formatPercent } from '@/components/number-format.ts';
import classes from './kept-panel.module.css';

interface Props {
  readonly headline: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number | undefined;
  /** What is at hand: a file, a tensor. */
  readonly at?: string | undefined;
  readonly cancelLabel?: string;
  readonly onCancel?: (() => void) | undefined;
}

export function ByteProgress({ headline, doneBytes, totalBytes, bytesPerSecond, at, cancelLabel, onCancel }: Props) {
  const share = totalBytes === 0 ? 0 : doneBytes / totalBytes;
  const etaMs =
    bytesPerSecond === undefined || bytesPerSecond <= 0
      ? undefined
      : ((totalBytes - doneBytes) / bytesPerSecond) * 1000;
  return (
    <div className={classes.progress} role="group" aria-label={headline}>
      <div className={classes.progressHead}>
        <p className="small">{headline}</p>
        {onCancel === undefined ? null : (
          <Button size="compact-sm" variant="default" aria-label={cancelLabel} onClick={onCancel}>
            Cancel
          </Button>
        )}
      </div>
      <Progress value={share * 100} aria-label={headline} size="sm" transitionDuration={0} />
      <p className={`${classes.figures} numeric muted small`}>
        <span>
          {formatBytes(doneBytes)} of {formatBytes(totalBytes)} ({formatPercent(share)})
        </span>
        <span>{bytesPerSecond === undefined ? 'measuring the rate' : `${formatBytes(bytesPerSecond)}/s`}</span>
        {etaMs === undefined ? null : <span>{formatDuration(etaMs)} left</span>}
        {at === undefined ? null : <code>{at}</code>}
      </p>
    </div>
  );
}
