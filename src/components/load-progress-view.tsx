/** Progress of a model load: what, how far, how fast, how long; every file; Cancel always. */
import { Button, Progress } from '@mantine/core';
import type { Provider } from '@/engine/api/messages.ts';
import { formatBytes, formatDuration, formatPercent } from './number-format.ts';
import { providerLabel } from './provider-words.ts';
import classes from './load-progress-view.module.css';

/** Structurally what `state/load-progress.ts` folds from the engine's events, with its rate and remaining time. */
export interface LoadFigures {
  readonly phase: 'starting' | 'download' | 'compile' | 'warmup' | 'ready';
  readonly loadedBytes: number;
  readonly totalBytes: number;
  readonly files: readonly { readonly file: string; readonly loadedBytes: number; readonly totalBytes: number }[];
  readonly step: { readonly done: number; readonly total: number; readonly provider: Provider } | undefined;
  readonly waiting: string | undefined;
  readonly streaming: string | undefined;
  readonly bytesPerSecond: number | undefined;
  readonly etaMs: number | undefined;
}

function headline({ phase, step }: LoadFigures): string {
  if (phase === 'starting') return 'Reading the manifest';
  if (phase === 'download') return 'Fetching the model';
  if (phase === 'ready') return 'Ready';
  const what = phase === 'compile' ? 'Preparing the model' : 'Proving the numbers on this device';
  if (step === undefined) return what;
  const unit = phase === 'compile' ? 'stage' : 'canary';
  const at = `${unit} ${Math.min(step.done + 1, step.total)} of ${step.total}`;
  return phase === 'compile'
    ? `Preparing ${at} on ${providerLabel(step.provider)}`
    : `Proving the numbers on ${providerLabel(step.provider)}: ${at}`;
}

/** How far along the whole load is, in [0, 1], or `undefined` while nothing is known. */
export function loadShare(progress: LoadFigures): number | undefined {
  if (progress.phase === 'download')
    return progress.totalBytes === 0 ? undefined : progress.loadedBytes / progress.totalBytes;
  if (progress.step !== undefined)
    return progress.step.total === 0 ? undefined : progress.step.done / progress.step.total;
  return undefined;
}

interface Props {
  readonly name: string;
  readonly progress: LoadFigures;
  readonly onCancel: () => void;
  /** List every file, not only the sum. */
  readonly withFiles?: boolean;
}

export function LoadProgressView({ name, progress, onCancel, withFiles = false }: Props) {
  const share = loadShare(progress);
  const { bytesPerSecond: rate, etaMs } = progress;
  return (
    <div className={classes.progress} aria-label={`Loading ${name}`} role="group">
      <div className={classes.head}>
        <p className={classes.headline}>
          {headline(progress)}
          <span className="muted"> · {name}</span>
        </p>
        <Button size="compact-sm" variant="default" onClick={onCancel}>
          Cancel loading
        </Button>
      </div>
      <Progress.Root size="sm" transitionDuration={0}>
        <Progress.Section
          // Its own attributes name a percentage also while nothing is known; without a value the bar is of unknown length.
          withAria={false}
          value={(share ?? 0) * 100}
          role="progressbar"
          aria-label={headline(progress)}
          aria-valuemin={0}
          aria-valuemax={100}
          {...(share === undefined ? {} : { 'aria-valuenow': share * 100 })}
        />
      </Progress.Root>
      <p className={`${classes.figures} numeric muted small`}>
        {progress.phase === 'download' ? (
          <>
            <span>
              {formatBytes(progress.loadedBytes)} of {formatBytes(progress.totalBytes)}
              {share === undefined ? '' : ` (${formatPercent(share)})`}
            </span>
            <span>{rate === undefined ? 'measuring the rate' : `${formatBytes(rate)}/s`}</span>
            <span>{etaMs === undefined ? '' : `${formatDuration(etaMs)} left`}</span>
          </>
        ) : (
          <span>
            {progress.loadedBytes > 0 ? `${formatBytes(progress.loadedBytes)} fetched. ` : ''}
            {progress.phase === 'warmup'
              ? 'The model answers prompts whose results are known; no score is shown before they agree.'
              : ''}
          </span>
        )}
      </p>
      {progress.waiting === undefined ? null : (
        <p className="small" role="status">
          {progress.waiting}
        </p>
      )}
      {progress.streaming === undefined ? null : (
        <p className="small">
          <strong>Stage by stage.</strong> {progress.streaming} Scores are the same. Every score loads all stages; the
          answers to one prompt and the prompts of a queue share the loading.
        </p>
      )}
      {withFiles && progress.files.length > 0 ? (
        <ul className={`${classes.files} numeric small`} aria-label="Files fetched">
          {progress.files.map((entry, index) => (
            <li key={entry.file}>
              <code>{entry.file}</code>{' '}
              <span className="muted">
                {entry.loadedBytes < entry.totalBytes
                  ? `${formatBytes(entry.loadedBytes)} of ${formatBytes(entry.totalBytes)}`
                  : // The file after it begins only when its hash has been found right.
                    `${formatBytes(entry.totalBytes)}, ${index < progress.files.length - 1 || progress.phase !== 'download' ? 'verified' : 'verifying'}`}
              </span>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
