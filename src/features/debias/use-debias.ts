/** Puts together what Debias shows: the reference set, its penalties by every method, and the correction they make. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import type { NamedObjective } from '@/components/objective-language.ts';
import { correctionTransform, penaltiesBy } from '@/core/debias-correction.ts';
import type { PenaltyComparison } from '@/core/debias-report.ts';
import type { DimensionPenalties } from '@/core/debias.ts';
import { useActiveHead, type ActiveHead } from '@/queries/active-head.ts';
import { useDebiasJobs } from '@/queries/debias-context.ts';
import { rereadFeatures } from '@/queries/debias-file.ts';
import { penaltiesQuery } from '@/queries/debias-queries.ts';
import { useReference, type Reference, type ReferenceState } from '@/queries/debias-reference.ts';
import { useOpenResponses } from '@/queries/open-responses.ts';
import { useDebias } from '@/state/debias-store.ts';

export interface Correction {
  readonly penalties: DimensionPenalties;
  /** M `[k, k]` at the chosen scale. */
  readonly transform: Float64Array;
}

export interface DebiasSubject {
  readonly active: ActiveHead;
  readonly objectives: readonly NamedObjective[];
  /** The objective taken for verbosity. */
  readonly verbosity: number;
  readonly reference: Reference;
  readonly penalties: readonly PenaltyComparison[];
  /** Intervals are still being computed. */
  readonly intervalsPending: boolean;
  readonly correction: Correction;
}

export interface DebiasSituation {
  readonly active: ActiveHead | undefined;
  readonly verbosity: number;
  readonly reference: ReferenceState;
  /** Why there are no penalties, in words. */
  readonly problem: string | undefined;
  /** `undefined` until the reference set is read and its penalties are found. */
  readonly subject: DebiasSubject | undefined;
}

export function useDebiasSituation(): DebiasSituation {
  const { owner } = useOpenResponses();
  const active = useActiveHead(owner);
  const { method, scale, verbosity: chosen } = useDebias();
  const verbosity = verbosityOf(active, chosen);
  const reference = useReference(active, verbosity);
  const jobs = useDebiasJobs();
  useEffect(() => {
    if (active !== undefined) void rereadFeatures(active, jobs);
  }, [active, jobs]);
  const ready = reference.status === 'ready' ? reference.reference : undefined;
  const keyed = ready ?? nothing;
  const quick = useQuery({ ...penaltiesQuery(jobs, keyed, false), enabled: ready !== undefined });
  const full = useQuery({ ...penaltiesQuery(jobs, keyed, true), enabled: quick.data !== undefined });
  const penalties = ready === undefined ? undefined : (full.data ?? quick.data);
  const own = owner?.transform;
  const dimensions = owner?.manifest.verbosityDimensions;
  const correction = useMemo(() => {
    if (penalties === undefined || own === undefined || dimensions === undefined) return undefined;
    const found = penaltiesBy(method, penalties, verbosity, dimensions);
    return { penalties: found, transform: correctionTransform(own, found, dimensions, scale) };
  }, [penalties, own, dimensions, method, scale, verbosity]);
  const subject = useMemo((): DebiasSubject | undefined => {
    if (active === undefined || ready === undefined || penalties === undefined || correction === undefined)
      return undefined;
    const { objectives } = active.owner.manifest;
    const intervalsPending = full.data === undefined && full.error === null;
    return { active, objectives, verbosity, reference: ready, penalties, intervalsPending, correction };
  }, [active, ready, penalties, correction, verbosity, full.data, full.error]);
  return { active, verbosity, reference, problem: quick.error?.message ?? undefined, subject };
}

const nothing = { key: '', set: { objectives: [], verbosity: 0, rewards: new Float64Array() } };

/** The chosen objective, the model's first verbosity dimension, or what is called verbosity. */
function verbosityOf(active: ActiveHead | undefined, chosen: number | undefined): number {
  if (active === undefined) return 0;
  const { objectives, verbosityDimensions } = active.owner.manifest;
  if (chosen !== undefined && chosen < objectives.length) return chosen;
  return (
    verbosityDimensions[0] ??
    Math.max(
      0,
      objectives.findIndex(({ name }) => /verbos|length/i.test(name)),
    )
  );
}
