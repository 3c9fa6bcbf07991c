/**
 * The loaded set under the head in force. A variant with a regression or gate of its own reads hidden states: where they were kept on
 * this machine, a worker makes the variant's rewards and gate of them, once for each set and variant; until then, and where they were
 * not kept, the model's own head stands in and the reason is told.
 */
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useContext, useMemo } from 'react';
import type { HeadReplacement } from '@/core/head-replacement.ts';
import { rescoredSet } from '@/core/rescored-set.ts';
import type { ScoredSet } from '@/core/scored-set.ts';
import type { SteerableHead, Steering } from '@/core/steering.ts';
import type { DebiasJobs, RescoredRows } from '@/jobs/api/debias.ts';
import { headVariant } from '@/state/head-variants.ts';
import { RESULTS_FOLDER } from '@/state/evaluation-storage.ts';
import { reportRescoring, useRescoring } from '@/state/rescoring.ts';
import { steerableHead, type ActiveHead } from './active-head.ts';
import { DebiasJobsContext } from './debias-context.ts';

/** Why the model's own head stands in for the one in force. */
export type StandInReason =
  | { readonly status: 'working'; readonly doneRows: number; readonly totalRows: number }
  /** Of so many rows the hidden states are not kept. */
  | { readonly status: 'not-kept'; readonly missing: number; readonly rows: number }
  /** Without texts nothing that was kept can be found. */
  | { readonly status: 'no-texts' }
  | { readonly status: 'failed'; readonly message: string };

export interface HeadSet {
  readonly set: ScoredSet;
  /** What steering of the set starts from. */
  readonly head: SteerableHead;
  /** The steering that the variant in force carries. */
  readonly steering: Steering | undefined;
  readonly standIn: { readonly variant: string; readonly reason: StandInReason } | undefined;
}

/**
 * @param set scores of the model that `active` belongs to. @param setId unlike that of any other set.
 * @returns `undefined` without a set or a head.
 */
export function useHeadSet(
  set: ScoredSet | undefined,
  setId: number | undefined,
  active: ActiveHead | undefined,
): HeadSet | undefined {
  const jobs = useContext(DebiasJobsContext);
  const parts = useMemo(() => partsThatRead(active), [active]);
  const texts = set?.texts;
  const wanted =
    set === undefined || setId === undefined || texts === undefined || parts === undefined || jobs === undefined
      ? undefined
      : active?.variant === undefined
        ? undefined
        : { jobs, setId, set, texts, active, variantId: active.variant.id, parts };
  const rows = useQuery(rescoreQuery(wanted));
  const progress = useRescoring();
  const rescored = rows.data;
  return useMemo((): HeadSet | undefined => {
    if (set === undefined || active === undefined) return undefined;
    const { head, variantSteering: steering } = active;
    if (active.variant === undefined || parts === undefined) return { set, head, steering, standIn: undefined };
    if (rescored !== undefined && rescored.missing === 0)
      return { set: rescoredOnce(set, head, rescored), head, steering, standIn: undefined };
    const reason = ((): StandInReason => {
      if (texts === undefined) return { status: 'no-texts' };
      if (rescored !== undefined) return { status: 'not-kept', missing: rescored.missing, rows: set.rows };
      if (rows.error !== null) return { status: 'failed', message: rows.error.message };
      return { status: 'working', ...progress, totalRows: set.rows };
    })();
    return {
      set,
      head: steerableHead(active.owner),
      steering: undefined,
      standIn: { variant: active.variant.name, reason },
    };
  }, [set, active, parts, texts, rescored, rows.error, progress]);
}

/** The parts of the head in force, where one of them reads hidden states. */
function partsThatRead(active: ActiveHead | undefined): HeadReplacement | undefined {
  const parts = active?.variant === undefined ? undefined : headVariant(active.variant.id)?.replacement;
  return parts?.gate === undefined && parts?.regression === undefined ? undefined : parts;
}

/** Whether the head in force has a regression or a gate of its own. */
export function readsFeatures(active: ActiveHead): boolean {
  return partsThatRead(active) !== undefined;
}

interface Wanted {
  readonly jobs: DebiasJobs;
  readonly setId: number;
  readonly set: ScoredSet;
  readonly texts: NonNullable<ScoredSet['texts']>;
  readonly active: ActiveHead;
  readonly variantId: string;
  readonly parts: HeadReplacement;
}

function rescoreQuery(wanted: Wanted | undefined) {
  return queryOptions({
    queryKey: ['head-set', wanted?.setId, wanted?.variantId],
    enabled: wanted !== undefined,
    queryFn: ({ signal }): Promise<RescoredRows> => {
      if (wanted === undefined) throw new Error('There is no set to score anew.');
      const { jobs, set, texts, active, parts } = wanted;
      const { manifest } = active.owner;
      reportRescoring(0);
      return jobs.run(
        'rescore',
        {
          modelId: manifest.id,
          folder: RESULTS_FOLDER,
          rows: { groupOf: set.groupOf, promptOf: set.promptOf, prompts: set.prompts, texts },
          head: {
            objectives: manifest.objectives.length,
            featureSize: manifest.architecture.hiddenSize,
            regression: parts.regression,
            gate: parts.gate,
          },
        },
        signal,
        reportRescoring,
      );
    },
  });
}

const made = new WeakMap<RescoredRows, ScoredSet>();

/** The same set again for the same numbers, which belong to one set and one variant: every view that asks shares it. */
function rescoredOnce(set: ScoredSet, head: SteerableHead, rows: RescoredRows): ScoredSet {
  const found = made.get(rows) ?? rescoredSet(set, head, rows);
  made.set(rows, found);
  return found;
}

/** Why the head in force is not used on a set, in a sentence or two. */
export function standInWords(reason: StandInReason): string {
  switch (reason.status) {
    case 'working':
      return `It reads what the model saw in the texts: ${reason.doneRows} of ${reason.totalRows} responses so far.`;
    case 'not-kept':
      return `It reads what the model saw in the texts, which is not kept on this machine for ${reason.missing} of the ${reason.rows} responses. Score the dataset in Evaluate to use it.`;
    case 'no-texts':
      return 'It reads what the model saw in the texts, and this set brings neither. Score its dataset in Evaluate to use it.';
    default:
      return `It could not be applied: ${reason.message}`;
  }
}
