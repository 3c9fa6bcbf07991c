/** Numbers and names of Debias in words. */
import {
  formatCount,
  formatDuration,
  formatErrorBound,
  formatQuantity,
  formatSignificant,
} from '@/components/number-format.ts';
import type { PenaltyMethod } from '@/core/debias.ts';
import type { DebiasProgress } from '@/state/debias-store.ts';

export const methodNames: Readonly<Record<PenaltyMethod, string>> = {
  exact: 'Exact root',
  pearson: 'Pearson',
  'authors-grid': 'Authors’ grid',
};

const MINUS = '\u2212';

/** A correlation or a penalty with three decimals: `−0.203`. A trace of one keeps its magnitude: `3.7e−7`. */
export function formatRho(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const magnitude = Math.abs(value);
  if (magnitude >= 0.0005 || value === 0) return `${value < 0 ? MINUS : ''}${magnitude.toFixed(3)}`;
  return `${value < 0 ? MINUS : ''}${formatErrorBound(magnitude)}`;
}

/** `0.34 to 0.43`; empty where there is none. */
export function formatRange(interval: { readonly low: number; readonly high: number } | undefined): string {
  if (interval === undefined || Number.isNaN(interval.low)) return '';
  return `${twoDecimals(interval.low)} to ${twoDecimals(interval.high)}`;
}

function twoDecimals(value: number): string {
  const text = Math.abs(value).toFixed(2);
  return value < 0 && text !== '0.00' ? `${MINUS}${text}` : text;
}

/** A setting such as a scale. */
export function formatScale(value: number): string {
  return value === 0 ? '0' : formatSignificant(value, 3).replace(/\.?0+$/, '');
}

/** How far scoring is: the count, the rate, what is left by the share that is done. */
export function progressWords(progress: DebiasProgress | undefined): string {
  if (progress === undefined) return 'Preparing…';
  const { done, total, unit, share, tokensPerSecond, elapsedMs } = progress;
  const parts = [`${formatCount(done)} of ${formatQuantity(total, unit)}`];
  if (tokensPerSecond !== undefined) parts.push(`${formatCount(Math.round(tokensPerSecond))} tokens/s`);
  if (share > 0) parts.push(`about ${formatDuration((elapsedMs * (1 - share)) / share)} left`);
  return `${parts.join(', ')}.`;
}
