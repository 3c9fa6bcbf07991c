/** How much of a margin may be rounding noise of the package itself. Pure. */
import type { Manifest } from './manifest.ts';

/** Where the figure comes from: measured on pairs by whoever made the package, or the worst canary's error. */
export type MarginNoiseOrigin = 'measured' | 'canaries';

export interface MarginNoise {
  /** Standard deviation of the margin of two responses to one prompt, in units of the score, ≥ 0. */
  readonly deviation: number;
  /** Margins no larger than this are too close to call: two deviations, about 95 % of what rounding does. */
  readonly tooClose: number;
  readonly origin: MarginNoiseOrigin;
  /** How it was measured, in words. */
  readonly method: string;
}

/** Two standard deviations: 95 % of normally distributed noise lies within. */
const DEVIATIONS = 2;

/**
 * The package's own noise of a margin: `scoreNoise` of the manifest, or, without one, √2 times the worst error of a canary's
 * score against the unquantised weights (two scores, errors independent).
 * @returns `undefined` for a package that brings neither: then nothing can be said, and nothing should be.
 */
export function marginNoise(manifest: Pick<Manifest, 'scoreNoise' | 'canaries'>): MarginNoise | undefined {
  const { scoreNoise, canaries } = manifest;
  if (scoreNoise !== undefined)
    return {
      deviation: scoreNoise.marginDeviation,
      tooClose: DEVIATIONS * scoreNoise.marginDeviation,
      origin: 'measured',
      method: scoreNoise.method,
    };
  const errors = canaries.flatMap(({ own, reference }) =>
    reference === undefined ? [] : [Math.abs(own.score - reference.score)],
  );
  if (errors.length === 0) return undefined;
  const worst = Math.max(...errors);
  const deviation = Math.SQRT2 * worst;
  return {
    deviation,
    tooClose: DEVIATIONS * deviation,
    origin: 'canaries',
    method: `The largest error of a score among the package's ${errors.length} canary texts against the unquantised weights, times √2 for two scores.`,
  };
}
