/** What things are called in this view. Pure. */
import { formatPercent } from '@/components/number-format.ts';
import type { Accuracy } from '@/core/pair-accuracy.ts';

/** The interval of an accuracy. */
export function accuracyWords({ comparisons, interval }: Accuracy): string {
  return comparisons === 0 ? 'none' : `${formatPercent(interval.low)} to ${formatPercent(interval.high)}`;
}

/** Whether two figures are to be told apart; none where there are none. */
export function differs(a: number, b: number): boolean {
  return a !== b && !(Number.isNaN(a) && Number.isNaN(b));
}

/** “a, b and 3 more”. */
export function listWords(names: readonly string[], most = 3): string {
  if (names.length <= most)
    return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}
