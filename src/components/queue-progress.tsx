/** How far a queue of responses is: a bar, the count, the rate and what is left. Props only. */
import { Progress } from '@mantine/core';
import { formatCount, formatDuration, formatQuantity } from './number-format.ts';

export interface QueueState {
  readonly stage: 'reading' | 'scoring' | 'collecting' | 'writing' | 'done';
  readonly responses: number;
  readonly totalResponses: number;
  readonly reused: number;
  readonly tokensPerSecond: number | undefined;
  readonly remainingSeconds: number | undefined;
  readonly rejected: number;
}

interface Props {
  readonly progress: QueueState | undefined;
  readonly running: boolean;
  /** Added to the words. */
  readonly note?: string;
}

export function QueueProgress({ progress, running, note = '' }: Props) {
  const share =
    progress === undefined || progress.totalResponses === 0 ? 0 : progress.responses / progress.totalResponses;
  const words = queueWords(progress);
  return (
    <>
      <Progress value={100 * share} size="sm" animated={running} aria-label="Responses scored" aria-valuetext={words} />
      <p className="numeric small" role="status" aria-label="Queue state" aria-live="off">
        {words}
        {note === '' ? '' : ` ${note}`}
      </p>
    </>
  );
}

/** The stage, the count, the rate and what is left. */
function queueWords(progress: QueueState | undefined): string {
  if (progress === undefined) return 'Preparing…';
  const { stage, responses, totalResponses, reused, tokensPerSecond, remainingSeconds, rejected } = progress;
  if (stage === 'reading') return `Reading: ${formatQuantity(totalResponses, 'response')} so far.`;
  if (stage === 'writing')
    return `Writing features: ${formatCount(responses)} of ${formatQuantity(totalResponses, 'row')}.`;
  const parts = [`${formatCount(responses)} of ${formatQuantity(totalResponses, 'response')}`];
  if (reused > 0) parts.push(`${formatCount(reused)} of them known from before or said twice`);
  if (tokensPerSecond !== undefined) parts.push(`${formatCount(tokensPerSecond)} tokens/s`);
  if (stage === 'scoring' && remainingSeconds !== undefined && responses < totalResponses)
    parts.push(`about ${formatDuration(1000 * remainingSeconds)} left`);
  if (rejected > 0) parts.push(`${formatQuantity(rejected, 'row')} not usable`);
  return `${parts.join(', ')}.`;
}
