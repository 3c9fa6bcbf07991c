/** The reference sets that Debias can work on: the embedded model's own, the scored set that is open, a file. */
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { referenceOfScored } from '@/core/debias-correction.ts';
import { comparisonsOf, type Comparisons, type ScoredSet } from '@/core/scored-set.ts';
import type { ReferenceSet } from '@/core/debias-report.ts';
import { useDebias, type ReferenceSource } from '@/state/debias-store.ts';
import { scoredSetOf, useLoadedSet } from '@/state/loaded-set.ts';
import { openedReference, useOpenedReference } from '@/state/opened-reference.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { steerableHead, type ActiveHead, type HeadOwner } from './active-head.ts';
import { useHeadSet, type HeadSet } from './head-set.ts';
import { sampleUrl } from './sample-url.ts';

/** A reference set with everything known about it. */
export interface Reference {
  /** Unlike that of any other set. */
  readonly key: string;
  readonly source: ReferenceSource;
  readonly name: string;
  readonly set: ReferenceSet;
  /** With the gate, where it is known: scores and pairs. */
  readonly scored: ScoredSet | undefined;
  /** Chosen and rejected rows; empty where the set has none. */
  readonly comparisons: Comparisons;
  /** Why the numbers are those of the model's own head and not of the one in force. */
  readonly standIn: HeadSet['standIn'];
}

/** A name for the loaded set under the head that it is shown under. */
export function setKey(id: number, { standIn }: HeadSet, active: ActiveHead | undefined): string {
  return `set ${id} ${standIn === undefined ? (active?.variant?.id ?? '') : ''}`;
}

export type ReferenceState =
  | { readonly status: 'none' }
  | { readonly status: 'reading' }
  | { readonly status: 'failed'; readonly message: string }
  | { readonly status: 'ready'; readonly reference: Reference };

/** What ships with the embedded model. */
const sampleFile = 'embedded-reference.safetensors';

export function embeddedReferenceQuery(owner: HeadOwner | undefined) {
  return queryOptions({
    queryKey: ['debias', 'embedded-reference', owner?.manifest.id],
    queryFn: async ({ signal }): Promise<ScoredSet> => {
      if (owner === undefined) throw new Error('There is no model yet.');
      const [{ readReferenceFile }, { memorySource }] = await Promise.all([
        import('@/formats/reference-file.ts'),
        import('@/formats/memory-source.ts'),
      ]);
      const response = await fetch(sampleUrl(sampleFile), { signal });
      if (!response.ok)
        throw new Error(
          `The embedded reference set could not be fetched (${response.status}). Try again, or open a file.`,
        );
      const source = memorySource(sampleFile, new Uint8Array(await response.arrayBuffer()));
      const objectives = owner.manifest.objectives.map(({ name }) => name);
      const { transform } = steerableHead(owner);
      return await readReferenceFile(source, { objectives, modelId: owner.manifest.id, head: { transform } }, signal);
    },
    gcTime: Number.POSITIVE_INFINITY,
  });
}

/** The source in use: the chosen one, or the first that there is. */
export function useReferenceSource(): ReferenceSource {
  const chosen = useDebias((state) => state.source);
  const embedded = useModelChoice((state) => state.choice.kind === 'embedded');
  return chosen === 'embedded' && !embedded ? 'open-set' : (chosen ?? (embedded ? 'embedded' : 'open-set'));
}

/** The reference set in use, with `verbosity` as its verbosity objective. */
export function useReference(active: ActiveHead | undefined, verbosity: number): ReferenceState {
  const owner = active?.owner;
  const source = useReferenceSource();
  const embedded = useQuery({
    ...embeddedReferenceQuery(owner),
    enabled: source === 'embedded' && owner !== undefined,
  });
  const open = useLoadedSet((state) => state.summary);
  const openSet = scoredSetOf(open);
  const fits = openSet?.objectives.length === owner?.manifest.objectives.length;
  const shown = useHeadSet(source === 'open-set' && fits ? openSet : undefined, open?.id, active);
  const file = useOpenedReference();
  return useMemo((): ReferenceState => {
    if (owner === undefined) return { status: 'reading' };
    if (source === 'embedded') {
      if (embedded.error !== null) return { status: 'failed', message: embedded.error.message };
      if (embedded.data === undefined) return { status: 'reading' };
      return scoredReference(
        `embedded ${owner.manifest.id}`,
        source,
        'Embedded reference set',
        embedded.data,
        verbosity,
      );
    }
    if (source === 'open-set') {
      if (open === undefined || openSet === undefined) return { status: 'none' };
      if (shown === undefined)
        return {
          status: 'failed',
          message: `${open.name} has ${openSet.objectives.length} objectives, and the model in use has ${owner.manifest.objectives.length}.`,
        };
      return scoredReference(setKey(open.id, shown, active), source, open.name, shown.set, verbosity, shown.standIn);
    }
    if (file.problem !== undefined) return { status: 'failed', message: file.problem };
    if (file.reading) return { status: 'reading' };
    const opened = openedReference(file.id);
    if (opened === undefined) return { status: 'none' };
    if (opened.modelId !== owner.manifest.id)
      return {
        status: 'failed',
        message: `${opened.name} was read with the head of another model. Open it again for the model in use.`,
      };
    if (opened.scored !== undefined)
      return scoredReference(`file ${file.id}`, source, opened.name, opened.scored, verbosity);
    const set = { objectives: opened.objectives, rewards: opened.rewards, verbosity };
    return {
      status: 'ready',
      reference: {
        key: `file ${file.id}`,
        source,
        name: opened.name,
        set,
        scored: undefined,
        comparisons: noComparisons,
        standIn: undefined,
      },
    };
  }, [owner, active, source, embedded.data, embedded.error, open, openSet, shown, file, verbosity]);
}

const noComparisons: Comparisons = { chosen: new Int32Array(), rejected: new Int32Array() };
const knownComparisons = new WeakMap<ScoredSet, Comparisons>();

export function comparisonsIn(set: ScoredSet): Comparisons {
  const found = knownComparisons.get(set) ?? comparisonsOf(set);
  knownComparisons.set(set, found);
  return found;
}

function scoredReference(
  key: string,
  source: ReferenceSource,
  name: string,
  scored: ScoredSet,
  verbosity: number,
  standIn?: HeadSet['standIn'],
): ReferenceState {
  const set = referenceOfScored(scored, verbosity);
  const comparisons = comparisonsIn(scored);
  return { status: 'ready', reference: { key, source, name, set, scored, comparisons, standIn } };
}
