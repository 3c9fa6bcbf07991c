/** The responses Inspect has scored last, for every view that works on them: texts, letters and what the engine said. */
import { useQueries, type UseQueryResult } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Message, ScoredResponse } from '@/engine/api/messages.ts';
import { useInspect } from '@/state/inspect-store.ts';
import type { HeadOwner } from './active-head.ts';
import { useModel } from './model-queries.ts';
import { modelRevision, scoredResponseQuery } from './score-queries.ts';
import { useRecording } from './shown-recording.ts';

export interface OpenResponse {
  /** Position among the responses handed over; their letters and colours follow it. */
  readonly index: number;
  readonly letter: string;
  readonly text: string;
  /** As the engine gave it. */
  readonly scored: ScoredResponse;
}

export interface OpenResponses {
  /** The model that scored them; `undefined` while there is none. */
  readonly owner: HeadOwner | undefined;
  readonly messages: readonly Message[];
  /** Those whose scores have arrived, in order. */
  readonly responses: readonly OpenResponse[];
}

const dataOf = (results: UseQueryResult<ScoredResponse>[]) => results.map(({ data }) => data);

/** What is open; the same object until something about it changes. Recorded results stand in until there are live ones. */
export function useOpenResponses(): OpenResponses {
  const model = useModel();
  const submission = useInspect((state) => state.submission);
  const ready = model.status === 'ready' ? model : undefined;
  const recording = useRecording(submission, ready?.model.manifest.id);
  const revision = ready === undefined ? undefined : modelRevision(ready.model, ready.loadId);
  const scored = useQueries({
    queries: (submission?.responses ?? []).map(({ text }) =>
      scoredResponseQuery(revision, submission?.messages ?? [], text),
    ),
    combine: dataOf,
  });
  const recorded = submission?.mode === 'recorded';
  const loaded = ready?.model;
  const manifest = (recorded || loaded === undefined ? recording : loaded)?.manifest;
  const transform = (recorded || loaded === undefined ? recording : loaded)?.transform;
  return useMemo(
    () => ({
      owner: manifest === undefined || transform === undefined ? undefined : { manifest, transform },
      messages: submission?.messages ?? [],
      responses: (submission?.responses ?? []).flatMap(({ letter, text }, at) => {
        const result = (recorded ? undefined : scored[at]) ?? recording?.scored.get(text);
        return result === undefined ? [] : [{ index: letter.charCodeAt(0) - 65, letter, text, scored: result }];
      }),
    }),
    [manifest, transform, submission, scored, recorded, recording],
  );
}
