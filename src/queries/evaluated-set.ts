/**
 * The loaded set as views of whole sets see it: under the head in force where the model in use made its scores, otherwise under what
 * the file says of the head that did. Scores come from `use-set-scores.ts`, as Steer's do: a response has one score everywhere.
 */
import { useMemo } from 'react';
import type { ScoredSet } from '@/core/scored-set.ts';
import { makeSteeringBatch, steerableSet } from '@/core/steering-batch.ts';
import { isIdentitySteering, type SteerableHead, type Steering } from '@/core/steering.ts';
import { scoredSetOf, useLoadedSet, type LoadedSetSummary } from '@/state/loaded-set.ts';
import { trackOf, useSteering } from '@/state/steering-store.ts';
import { useActiveHead, type HeadOwner } from './active-head.ts';
import { useHeadSet, type HeadSet } from './head-set.ts';
import { setProblem } from './open-scored-set.ts';
import { useSetScores, type SetScores } from './use-set-scores.ts';

/** Whose head the scores are shown under. */
export type SetHeadKind =
  /** The model in use made the scores. */
  | 'model'
  /** Another model made them, and the file says enough of its head to recombine them. */
  | 'file'
  /** Nothing is known but the scores: they are shown as they are. */
  | 'none';

export interface EvaluatedSet {
  /** Under the head whose scores are shown, before any steering. */
  readonly set: ScoredSet;
  /** As the model gave it. */
  readonly scored: ScoredSet;
  readonly summary: LoadedSetSummary;
  readonly kind: SetHeadKind;
  /** `undefined` for `none`. */
  readonly head: SteerableHead | undefined;
  /** Key of the steering that holds for it. */
  readonly trackId: string;
  readonly steering: Steering;
  /** `undefined` for `none`. */
  readonly scores: SetScores | undefined;
  /** Why the model's own head stands in for the variant in force. */
  readonly standIn: HeadSet['standIn'];
  /** Name of the variant in force. */
  readonly variant: string | undefined;
  /** Groups of the objectives for their colours, where the model in use names them. */
  readonly objectives: readonly { readonly name: string; readonly group: string | undefined }[];
}

/** @param owner the model in use. `undefined` while no set is loaded. */
export function useEvaluatedSet(owner: HeadOwner | undefined): EvaluatedSet | undefined {
  const summary = useLoadedSet((state) => state.summary);
  const set = scoredSetOf(summary);
  const active = useActiveHead(owner);
  const own = useMemo(
    () => set !== undefined && owner !== undefined && setProblem(set, owner) === undefined,
    [set, owner],
  );
  const choice = useHeadSet(own ? set : undefined, summary?.id, active);
  const fileHead = useMemo(() => (own || set === undefined ? undefined : headOfFile(set)), [own, set]);
  const head = choice?.head ?? fileHead?.head;
  const trackId = own ? (owner?.manifest.id ?? '') : `set:${set?.modelId ?? summary?.name ?? ''}`;
  const moved = useSteering((state) => trackOf(state, trackId).steering);
  const steering = isIdentitySteering(moved) ? (choice?.steering ?? moved) : moved;
  const scores = useSetScores(head, choice?.set ?? fileHead?.set ?? set, steering);
  return useMemo(() => {
    if (set === undefined || summary === undefined) return undefined;
    const named = own ? owner?.manifest.objectives : undefined;
    return {
      set: choice?.set ?? set,
      scored: set,
      summary,
      kind: own ? 'model' : head === undefined ? 'none' : 'file',
      head,
      trackId,
      steering,
      scores,
      standIn: choice?.standIn,
      variant: choice?.standIn === undefined ? active?.variant?.name : undefined,
      objectives: set.objectives.map((name, index) => ({ name, group: named?.[index]?.group })),
    };
  }, [set, summary, own, head, trackId, steering, scores, choice, active, owner]);
}

/** Scores that went through text and another order of summation agree far better; another head's do not by far. */
const SCORE_TOLERANCE = 1e-6;

/**
 * The head as the file describes it; `undefined` where it says no transform, or its scores are not what that head makes of its
 * rewards. Without a temperature the gate is taken as it is: its logits then are the logarithms of its weights.
 */
export function headOfFile(set: ScoredSet): { readonly head: SteerableHead; readonly set: ScoredSet } | undefined {
  const { head, objectives, gateWeights } = set;
  if (head === undefined) return undefined;
  const k = objectives.length;
  let mass = 0;
  for (let j = 0; j < k; j += 1) mass += gateWeights[j] ?? 0;
  const { transform, activeObjectives } = head;
  const found: SteerableHead = {
    objectives: k,
    transform,
    verbosityDimensions: objectives.flatMap((_, row) => (isPenaltyRow(transform, row, k) ? [row] : [])),
    gate: {
      temperature: head.temperature ?? 1,
      logitScale: head.logitScale ?? mass,
      ...(activeObjectives === undefined ? {} : { activeObjectives }),
    },
  };
  const known = head.temperature === undefined ? { ...set, gateLogits: undefined } : set;
  if (gateWeights.some((weight) => !(weight / found.gate.logitScale >= 0))) return undefined;
  const { scores } = makeSteeringBatch(found, steerableSet(known, found)).baseline;
  const agrees = scores.every((score, row) => {
    const said = set.scores[row] ?? Number.NaN;
    return Math.abs(score - said) <= SCORE_TOLERANCE * Math.max(1, Math.abs(said));
  });
  return agrees ? { head: found, set: known } : undefined;
}

function isPenaltyRow(transform: Float64Array, row: number, k: number): boolean {
  for (let j = 0; j < k; j += 1) if (transform[row * k + j] !== (row === j ? 1 : 0)) return true;
  return false;
}
