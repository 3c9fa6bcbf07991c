/** Pair accuracies that the length of the answers cannot explain. Pure. */
import { round } from './evaluate.ts';
import type { JudgedPair } from './evaluate.ts';

/** Two answers are matched in length when the longer has at most this many times the tokens of the shorter. */
export const MATCHED_RATIO = 1.25;

/** Normal quantile of a two-sided 95 % interval. */
const Z95 = 1.959_963_984_540_054;

export interface IntervalAccuracy {
  readonly n: number;
  readonly accuracy: number;
  /** Wilson's 95 % interval. */
  readonly low: number;
  readonly high: number;
}

/** Wilson's score interval of a share `accuracy` of `n` (Wilson 1927). NaN without a pair. */
export function wilson(accuracy: number, n: number): IntervalAccuracy {
  const square = Z95 * Z95;
  const centre = (accuracy + square / (2 * n)) / (1 + square / n);
  const half = (Z95 / (1 + square / n)) * Math.sqrt((accuracy * (1 - accuracy)) / n + square / (4 * n * n));
  return { n, accuracy: round(accuracy), low: round(centre - half), high: round(centre + half) };
}

function win(margin: number): number {
  return margin > 0 ? 1 : margin === 0 ? 0.5 : 0;
}

function share(pairs: readonly JudgedPair[], value: (example: number) => number): number {
  return pairs.reduce((sum, { better, worse }) => sum + win(value(better) - value(worse)), 0) / pairs.length;
}

/**
 * Accuracy on the pairs re-weighted so that the longer answer is preferred half of the time: the mean of the accuracy where
 * the longer one is preferred and where the shorter one is. Pairs of equal length have no say. Longer-wins scores 0.5 on it.
 */
export function balancedAccuracy(
  pairs: readonly JudgedPair[],
  value: (example: number) => number,
  tokens: (example: number) => number,
): { readonly longerPreferred: number; readonly shorterPreferred: number; readonly accuracy: number } {
  const longer = pairs.filter(({ better, worse }) => tokens(better) > tokens(worse));
  const shorter = pairs.filter(({ better, worse }) => tokens(better) < tokens(worse));
  return {
    longerPreferred: longer.length,
    shorterPreferred: shorter.length,
    accuracy: round((share(longer, value) + share(shorter, value)) / 2),
  };
}

/** Accuracy on the pairs whose answers are about equally long. */
export function matchedAccuracy(
  pairs: readonly JudgedPair[],
  value: (example: number) => number,
  tokens: (example: number) => number,
): IntervalAccuracy {
  const matched = pairs.filter(({ better, worse }) => {
    const [a, b] = [tokens(better), tokens(worse)];
    return Math.max(a, b) <= MATCHED_RATIO * Math.min(a, b);
  });
  return wilson(share(matched, value), matched.length);
}
