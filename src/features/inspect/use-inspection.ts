/** Puts together what the views of this folder show: the drafts, their results as they arrive, and what is still running. */
import { useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import type { EngineError } from '@/engine/api/errors.ts';
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { Manifest } from '@/formats/manifest.ts';
import type { ObjectiveRow } from '@/components/objective-table.tsx';
import { useEngine } from '@/queries/engine-context.ts';
import { modelRevision, scoredResponseQuery, submissionQuery } from '@/queries/score-queries.ts';
import type { ModelState } from '@/queries/model-queries.ts';
import { equalMessages, isStale, useInspect, wantsScoring, type Submission } from '@/state/inspect-store.ts';
import { responseLetter } from '@/state/conversation.ts';
import { useModelChoice } from '@/state/model-choice.ts';
import { recordingAt, type Recording } from '@/state/recordings.ts';
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
  readonly scored: ScoredResponse | undefined;
  /** The result was not made here and now, but comes from an example, a file or the history. */
  readonly recorded: boolean;
  readonly rows: readonly ObjectiveRow[];
}

export interface Inspection {
  /** Of the model that gave what is shown: the loaded one, or that of a recording. */
  readonly manifest: Manifest | undefined;
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
  const run = useSubmission(model);
  const recording = useRecording(submission, ready?.model.manifest.id);
  // A recording that is only shown, or that has to do until the model is there.
  const facts = submission?.mode === 'recorded' || ready === undefined ? recording : undefined;
  const manifest = facts?.manifest ?? ready?.model.manifest;
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
  // An example that was edited before the model was there is no longer scored by itself.
  const dropped = submission?.mode === 'automatic' && !state.pristine;
  const cancelled = submission !== undefined && submission.id === cancelledSubmissionId;
  const entries = conversation.responses.map((response, index): InspectionEntry => {
    const text = texts.get(response.id);
    const handedOver = text !== undefined;
    const live = handedOver && submission?.mode !== 'recorded' ? results[index]?.data : undefined;
    const scored = live ?? (handedOver ? recording?.scored.get(text) : undefined);
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
      recorded: scored !== undefined && live === undefined,
      rows: scored === undefined || manifest === undefined ? [] : objectiveRows(manifest, scored),
    };
  });
  return {
    manifest,
    transform: facts?.transform ?? ready?.model.transform,
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

/**
 * The recording that belongs to a submission, where it may be shown: an example's results are the embedded model's and are not
 * shown beside another model; results opened with their file or from the history are, until Score is pressed.
 */
function useRecording(submission: Submission | undefined, loadedId: string | undefined): Recording | undefined {
  const embedded = useModelChoice((state) => state.choice.kind === 'embedded');
  const recording = recordingAt(submission?.recording);
  if (submission === undefined || recording === undefined) return undefined;
  if (submission.mode === 'recorded') return recording;
  if (!equalMessages(submission.messages, recording.messages)) return undefined;
  const sameModel = loadedId === undefined ? embedded : loadedId === recording.manifest.id;
  return sameModel ? recording : undefined;
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
