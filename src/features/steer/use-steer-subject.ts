/** What Steer works on: the responses open in Inspect, or a group of the loaded set, under the head in force. */
import { useMemo } from 'react';
import type { OpenPrompt } from '@/core/steering-moves.ts';
import type { Steering } from '@/core/steering.ts';
import { useActiveHead, type ActiveHead } from '@/queries/active-head.ts';
import { useOpenResponses } from '@/queries/open-responses.ts';
import { useHeadSet } from '@/queries/head-set.ts';
import { scoredSetOf, useLoadedSet } from '@/state/loaded-set.ts';
import { trackOf, useSteering } from '@/state/steering-store.ts';
import { groupResponses } from './set-group.ts';
import { steerResponses, type SteeredResponse } from './steered-responses.ts';

export interface SubjectResponse extends SteeredResponse {
  /** A, B, …: by which every number of it is named. */
  readonly letter: string;
  /** Of its colour and line style. */
  readonly index: number;
  readonly text: string | undefined;
}

export interface SteerSubject {
  readonly modelId: string;
  readonly active: ActiveHead;
  readonly objectives: ActiveHead['owner']['manifest']['objectives'];
  readonly steering: Steering;
  /** The responses are a group of the loaded set. */
  readonly fromSet: boolean;
  /** The prompt whose gate the handles show: that of the first of the pair. */
  readonly prompt: OpenPrompt;
  readonly responses: readonly SubjectResponse[];
  readonly first: SubjectResponse;
  /** `undefined` while only one response is scored. */
  readonly second: SubjectResponse | undefined;
}

export type SubjectState =
  | { readonly status: 'no-model' }
  | { readonly status: 'nothing-scored' }
  /** The head in force reads features that these responses do not bring. */
  | { readonly status: 'needs-features'; readonly variant: string }
  | { readonly status: 'ready'; readonly subject: SteerSubject };

export function useSteerSubject(): SubjectState {
  const { owner, responses } = useOpenResponses();
  const active = useActiveHead(owner);
  const pair = useSteering((state) => state.pair);
  const steering = useSteering((state) => trackOf(state, owner?.manifest.id ?? '').steering);
  const source = useSteering((state) => state.source);
  const summary = useLoadedSet((state) => state.summary);
  const shown = useHeadSet(scoredSetOf(summary), summary?.id, active);
  const set = shown?.standIn === undefined ? shown?.set : undefined;
  const under = useMemo(() => {
    if (source.kind === 'set' && set !== undefined && active !== undefined)
      return groupResponses(set, active.head, source.group);
    return responses.map((response) => ({ ...response, unsteered: active?.unsteered(response.scored) }));
  }, [responses, active, source, set]);
  return useMemo((): SubjectState => {
    if (owner === undefined || active === undefined) return { status: 'no-model' };
    const known = under.flatMap(({ letter, index, text, unsteered }) =>
      unsteered === undefined ? [] : [{ letter, index, text, unsteered }],
    );
    if (under.length > 0 && known.length === 0)
      return { status: 'needs-features', variant: active.variant?.name ?? '' };
    const steered = steerResponses(
      active.head,
      known.map(({ unsteered }) => unsteered),
      steering,
    );
    const subjects = known.flatMap(({ letter, index, text }, at): SubjectResponse[] => {
      const numbers = steered[at];
      return numbers === undefined ? [] : [{ letter, index, text, ...numbers }];
    });
    const at = (position: number) => Math.min(position, subjects.length - 1);
    const first = subjects[at(pair[0])];
    if (first === undefined) return { status: 'nothing-scored' };
    const second = subjects[at(pair[1])] ?? first;
    return {
      status: 'ready',
      subject: {
        modelId: owner.manifest.id,
        active,
        objectives: owner.manifest.objectives,
        steering,
        fromSet: source.kind === 'set' && set !== undefined,
        prompt: { head: active.head, gateLogits: first.baseline.gateLogits },
        responses: subjects,
        first,
        second: second === first ? subjects.find((other) => other !== first) : second,
      },
    };
  }, [owner, active, under, steering, pair, source, set]);
}
