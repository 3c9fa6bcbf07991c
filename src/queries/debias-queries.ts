/** What Debias computes off the page's thread, keyed by the reference set and what is asked of it. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { ReferenceSet } from '@/core/debias-report.ts';
import { setAdjustedRewards } from '@/core/set-scores.ts';
import type { ScoredSet } from '@/core/scored-set.ts';
import { matchedTolerance } from '@/core/evaluation-report.ts';
import type { DebiasJobs } from '@/jobs/api/debias.ts';

/** Enough that an end of an interval moves little from seed to seed, few enough to wait for. A root costs ten sorts a resample. */
export const penaltyResamples = 100;
export const correlationResamples = 200;
/** Any number gives fair resamples; a fixed one gives everybody the same. */
const seed = 20_261_124;

/** Numbers are small beside the sets they are of; a set stays known while the page is open. */
const lifetimeMs = 3_600_000;

/** A reference set under a name that no other has. */
export interface KeyedReference {
  readonly key: string;
  readonly set: ReferenceSet;
}

/** λ by every method, at first without intervals: those take seconds. */
export function penaltiesQuery(jobs: DebiasJobs, { key, set }: KeyedReference, intervals: boolean) {
  const options = { resamples: intervals ? penaltyResamples : 0, seed };
  return queryOptions({
    queryKey: ['debias', 'penalties', key, set.verbosity, options],
    queryFn: ({ signal }) => jobs.run('penalties', { set, options }, signal),
    gcTime: lifetimeMs,
  });
}

/** Correlations under a transform M `[k, k]`. Those before stay shown until the new ones are there. */
export function correlationsQuery(
  jobs: DebiasJobs,
  { key, set }: KeyedReference,
  transform: Float64Array | undefined,
  intervals: boolean,
) {
  const options = { resamples: intervals ? correlationResamples : 0, seed };
  return queryOptions({
    queryKey: [
      'debias',
      'correlations',
      key,
      set.verbosity,
      transform === undefined ? 'raw' : bitsOf(transform),
      options,
    ],
    queryFn: ({ signal }) => {
      const values = transform === undefined ? set.rewards : adjusted(set, transform);
      return jobs.run('correlations', { set, values, options }, signal);
    },
    placeholderData: keepPreviousData,
    gcTime: lifetimeMs,
  });
}

/** What a transform does to pairs, with bootstrapped differences. */
export function claimQuery(jobs: DebiasJobs, key: string, set: ScoredSet, transform: Float64Array) {
  const options = { resamples: correlationResamples, seed };
  return queryOptions({
    queryKey: ['debias', 'claim', key, bitsOf(transform), options],
    queryFn: ({ signal }) =>
      jobs.run('claim', { set: { ...set, texts: undefined }, transform, matchedTolerance, options }, signal),
    placeholderData: keepPreviousData,
    gcTime: lifetimeMs,
  });
}

function adjusted({ rewards, objectives }: ReferenceSet, transform: Float64Array): Float64Array {
  return setAdjustedRewards({ rewards, objectives }, transform);
}

/** A name for the exact numbers of a small array. */
function bitsOf(values: Float64Array): string {
  return Array.from(values).join(',');
}
