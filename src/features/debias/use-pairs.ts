/** Pairs of chosen and rejected responses that a correction is judged on: the reference set's, the open set's, or the written ones. */
import { useQuery } from '@tanstack/react-query';
import type { Comparisons, ScoredSet } from '@/core/scored-set.ts';
import { comparisonsIn, setKey } from '@/queries/debias-reference.ts';
import { recordedPairsQuery, writtenPairsQuery } from '@/queries/debias-scoring.ts';
import { useEngine } from '@/queries/engine-context.ts';
import { useHeadSet } from '@/queries/head-set.ts';
import { useModel } from '@/queries/model-queries.ts';
import { useDebias } from '@/state/debias-store.ts';
import { scoredSetOf, useLoadedSet } from '@/state/loaded-set.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import type { DebiasSubject } from './use-debias.ts';

export interface Pairs {
  readonly key: string;
  readonly name: string;
  readonly set: ScoredSet;
  readonly comparisons: Comparisons;
  /** The written pairs as they were recorded: scoring them here and now would give the same up to rounding. */
  readonly recorded?: boolean;
}

export interface PairsState {
  readonly pairs: Pairs | undefined;
  readonly scoring: boolean;
  readonly canScore: boolean;
  readonly problem: string | undefined;
}

export function usePairs({ reference, objectives, active }: DebiasSubject): PairsState {
  const engine = useEngine();
  const model = useModel();
  const wanted = useDebias((state) => state.pairsWanted);
  const ready = model.status === 'ready' ? model : undefined;
  const written = useQuery({ ...writtenPairsQuery(engine, ready), enabled: wanted && ready !== undefined });
  const embedded = useModelChoice((state) => state.choice.kind === 'embedded');
  const recorded = useQuery({ ...recordedPairsQuery(active.owner), enabled: embedded });
  const summary = useLoadedSet((state) => state.summary);
  const loaded = scoredSetOf(summary);
  const fits = loaded?.objectives.length === objectives.length;
  const shown = useHeadSet(fits ? loaded : undefined, summary?.id, active);
  const common = {
    scoring: written.isFetching,
    canScore: ready !== undefined && ready.model.manifest.id === active.owner.manifest.id,
    problem: written.error?.message,
  };
  if (reference.scored !== undefined && reference.comparisons.chosen.length > 0) {
    const { key, name, scored, comparisons } = reference;
    return { ...common, pairs: { key, name, set: scored, comparisons } };
  }
  if (summary !== undefined && shown !== undefined) {
    const comparisons = comparisonsIn(shown.set);
    if (comparisons.chosen.length > 0)
      return {
        ...common,
        pairs: { key: setKey(summary.id, shown, active), name: summary.name, set: shown.set, comparisons },
      };
  }
  const set = written.data ?? recorded.data ?? undefined;
  if (set === undefined) return { ...common, pairs: undefined };
  const isRecorded = written.data === undefined;
  return {
    ...common,
    pairs: {
      key: `${isRecorded ? 'recorded' : 'written'} ${active.owner.manifest.id}`,
      name: 'The written pairs',
      set,
      comparisons: comparisonsIn(set),
      recorded: isRecorded,
    },
  };
}
