/** Puts together what the views of this folder show: the drafts, their results as they arrive, and what is still running. */
import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import type { EngineError } from '@/engine/api/errors.ts';
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { Manifest } from '@/formats/manifest.ts';
import type { ObjectiveRow } from '@/components/objective-table.tsx';
import { useEngine } from '@/queries/engine-context.ts';
import { modelRevision, scoredResponseQuery, submissionQuery } from '@/queries/score-queries.ts';
import type { ModelState } from '@/queries/model-queries.ts';
import { isStale, useInspect } from '@/state/inspect-store.ts';
import { responseLetter } from '@/state/conversation.ts';
import { objectiveRows } from './attribution.ts';

/** Where one response stands. */
export type EntryStatus = 'unscored' | 'empty' | 'waiting' | 'scoring' | 'cancelled' | 'failed' | 'scored';

export interface InspectionEntry {
  readonly draftId: number;
  readonly letter: string;
  readonly index: number;
  readonly status: EntryStatus;
  /** The texts have changed since it was scored. */
  readonly stale: boolean;
  readonly scored: ScoredResponse | undefined;
  readonly rows: readonly ObjectiveRow[];
}

export interface Inspection {
  readonly manifest: Manifest | undefined;
  readonly entries: readonly InspectionEntry[];
  readonly running: boolean;
  /** Handed over, and waiting for the model. */
  readonly queued: boolean;
  readonly error: EngineError | undefined;
  readonly largestContribution: number;
}

export function useInspection(model: ModelState): Inspection {
  const { conversation, submission, cancelledSubmissionId } = useInspect();
  const ready = model.status === 'ready' ? model : undefined;
  const run = useSubmission(model);
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
  const manifest = ready?.model.manifest;
  const cancelled = submission !== undefined && submission.id === cancelledSubmissionId;
  const entries = conversation.responses.map((response, index): InspectionEntry => {
    const handedOver = texts.has(response.id);
    const scored = handedOver ? results[index]?.data : undefined;
    let status: EntryStatus = 'unscored';
    if (scored !== undefined) status = 'scored';
    else if (handedOver && cancelled) status = 'cancelled';
    else if (handedOver && (run.error !== null || model.status === 'failed')) status = 'failed';
    else if (handedOver && model.status === 'cancelled') status = 'cancelled';
    else if (handedOver) status = run.isFetching ? 'scoring' : 'waiting';
    else if (response.text.trim() === '') status = 'empty';
    return {
      draftId: response.id,
      letter: responseLetter(index),
      index,
      status,
      stale: scored !== undefined && submission !== undefined && isStale(submission, conversation, response.id),
      scored,
      rows: scored === undefined || manifest === undefined ? [] : objectiveRows(manifest, scored),
    };
  });
  return {
    manifest,
    entries,
    running: run.isFetching,
    queued: submission !== undefined && !cancelled && ready === undefined && model.status === 'loading',
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
  const { submission, cancelledSubmissionId } = useInspect();
  const ready = model.status === 'ready' ? modelRevision(model.model, model.loadId) : undefined;
  return useQuery({
    ...submissionQuery(engine, client, ready, submission),
    enabled: ready !== undefined && submission !== undefined && submission.id !== cancelledSubmissionId,
  });
}
