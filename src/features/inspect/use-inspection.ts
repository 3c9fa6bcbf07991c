/** Puts together what the views of this folder show: the drafts, their results as they arrive, and what is still running. */
import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { EngineError } from '@/engine/api/errors.ts';
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { Manifest } from '@/formats/manifest.ts';
import type { ObjectiveRow } from '@/components/objective-table.tsx';
import { useActiveHead, type ActiveHead } from '@/queries/active-head.ts';
import { useEngine } from '@/queries/engine-context.ts';
import { modelRevision, scoredResponseQuery, submissionQuery } from '@/queries/score-queries.ts';
import type { ModelState } from '@/queries/model-queries.ts';
import { useRecording } from '@/queries/shown-recording.ts';
import { equalMessages, isStale, useInspect, wantsScoring } from '@/state/inspect-store.ts';
import { responseLetter } from '@/state/conversation.ts';
import type { Recording } from '@/state/recordings.ts';
import { objectiveRows } from './attribution.ts';

/** Where one response stands. */
export type EntryStatus = 'unscored' | 'empty' | 'waiting' | 'scoring' | 'cancelled' | 'failed' | 'scored';

export interface InspectionEntry {
  readonly draftId: number;
  readonly letter: string;
  readonly index: number;
  /** The text that was handed over to be scored; `undefined` where none was. */
  readonly text: string | undefined;
  readonly status: EntryStatus;
  /** The texts have changed since it was scored. */
  readonly stale: boolean;
  /** Under the head in force. */
  readonly scored: ScoredResponse | undefined;
  /** Under the model's own head, as it was given; the same object where that is in force. */
  readonly own: ScoredResponse | undefined;
  /** The result was not made here and now, but comes from an example, a file or the history. */
  readonly recorded: boolean;
  /** Its texts before the last edit that was scored, under the head in force. */
  readonly earlier: ScoredResponse | undefined;
  readonly rows: readonly ObjectiveRow[];
}

export interface Inspection {
  /** Of the model that gave what is shown: the loaded one, or that of a recording. */
  readonly manifest: Manifest | undefined;
  /** The head in force: the model's own, or a variant of it. */
  readonly active: ActiveHead | undefined;
  /** M of that model, `[k, k]` row-major. */
  readonly transform: Float64Array | undefined;
  /** Results made elsewhere that belong to these texts and this model, shown or not. */
  readonly recording: Recording | undefined;
  readonly entries: readonly InspectionEntry[];
  readonly running: boolean;
  /** Handed over, and waiting for the model. */
  readonly queued: boolean;
  readonly error: EngineError | undefined;
  readonly largestContribution: number;
}

export function useInspection(model: ModelState): Inspection {
  const state = useInspect();
  const { conversation, submission, cancelledSubmissionId } = state;
  const ready = model.status === 'ready' ? model : undefined;
  const client = useQueryClient();
  const run = useSubmission(model);
  const recording = useRecording(submission, ready?.model.manifest.id);
  // A recording that is only shown, or that has to do until the model is there.
  const facts = submission?.mode === 'recorded' || ready === undefined ? recording : undefined;
  const manifest = facts?.manifest ?? ready?.model.manifest;
  const transform = facts?.transform ?? ready?.model.transform;
  const owner = useMemo(
    () => (manifest === undefined || transform === undefined ? undefined : { manifest, transform }),
    [manifest, transform],
  );
  const active = useActiveHead(owner);
  const texts = new Map(submission?.responses.map((response) => [response.draftId, response.text]));
  const results = useQueries({
    queries: conversation.responses.map((response) => {
      const text = texts.get(response.id);
      return scoredResponseQuery(
        ready === undefined ? undefined : modelRevision(ready.model, ready.loadId),
        submission?.messages ?? [],
        text ?? '',
      );
    }),
  });
  const earlierOf = (draftId: number): ScoredResponse | undefined => {
    const earlier = submission?.responses.find((response) => response.draftId === draftId)?.earlier;
    if (earlier === undefined) return undefined;
    const { messages, text } = earlier;
    const revision = ready === undefined ? undefined : modelRevision(ready.model, ready.loadId);
    const live = client.getQueryData(scoredResponseQuery(revision, messages, text).queryKey);
    if (live !== undefined) return live;
    return recording !== undefined && equalMessages(messages, recording.messages)
      ? recording.scored.get(text)
      : undefined;
  };
  // An example that was edited before the model was there is no longer scored by itself.
  const dropped = submission?.mode === 'automatic' && !state.pristine;
  const cancelled = submission !== undefined && submission.id === cancelledSubmissionId;
  const entries = conversation.responses.map((response, index): InspectionEntry => {
    const text = texts.get(response.id);
    const handedOver = text !== undefined;
    const live = handedOver && submission?.mode !== 'recorded' ? results[index]?.data : undefined;
    const own = live ?? (handedOver ? recording?.scored.get(text) : undefined);
    // Recorded numbers bring no features: a head that reads them cannot be shown, and the model's own is, which the page says.
    const scored = own === undefined ? undefined : (active?.evaluate(own) ?? own);
    const before = earlierOf(response.id);
    let status: EntryStatus = 'unscored';
    if (scored !== undefined) status = 'scored';
    else if (dropped) status = 'unscored';
    else if (handedOver && cancelled) status = 'cancelled';
    else if (handedOver && (run.error !== null || model.status === 'failed')) status = 'failed';
    else if (handedOver && model.status === 'cancelled') status = 'cancelled';
    else if (handedOver) status = run.isFetching ? 'scoring' : 'waiting';
    else if (response.text.trim() === '') status = 'empty';
    return {
      draftId: response.id,
      letter: responseLetter(index),
      index,
      text,
      status,
      stale: scored !== undefined && submission !== undefined && isStale(submission, conversation, response.id),
      scored,
      own,
      recorded: scored !== undefined && live === undefined,
      earlier: before === undefined ? undefined : (active?.evaluate(before) ?? before),
      rows: scored === undefined || manifest === undefined ? [] : objectiveRows(manifest, scored),
    };
  });
  return {
    manifest,
    transform,
    active,
    recording,
    entries,
    running: run.isFetching,
    queued: submission?.mode === 'asked' && !cancelled && ready === undefined && model.status === 'loading',
    error: cancelled ? undefined : (run.error ?? undefined),
    largestContribution: Math.max(
      0,
      ...entries.flatMap((entry) => entry.rows.map((row) => Math.abs(row.contribution))),
    ),
  };
}

/** The query that scores the present submission, once the model is ready. */
export function useSubmission(model: ModelState) {
  const engine = useEngine();
  const client = useQueryClient();
  const submission = useInspect((state) => state.submission);
  const wanted = useInspect(wantsScoring);
  const ready = model.status === 'ready' ? modelRevision(model.model, model.loadId) : undefined;
  return useQuery({
    ...submissionQuery(engine, client, ready, submission),
    enabled: ready !== undefined && wanted,
  });
}
