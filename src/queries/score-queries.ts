/**
 * Scores. A submission is one query; every scored response is one entry of its own, keyed by the model and the exact texts,
 * so that results show as they arrive and an unchanged response is never run again.
 */
import { queryOptions, skipToken, type QueryClient } from '@tanstack/react-query';
import { EngineError } from '@/engine/api/errors.ts';
import type { LoadedModel, Message, ScoredResponse } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { scoreProgressed } from '@/state/activity.ts';
import { cancelSubmission, type Submission } from '@/state/inspect-store.ts';

/** Which numbers a score depends on beside the texts: the weights, and the provider that ran them. */
export interface ModelRevision {
  readonly modelId: string;
  readonly provider: LoadedModel['provider'];
  readonly loadId: number;
}

export function modelRevision(model: LoadedModel, loadId: number): ModelRevision {
  return { modelId: model.manifest.id, provider: model.provider, loadId };
}

/** Results are a few kilobytes; an hour of edits can be gone back to without running anything. */
const RESULT_LIFETIME_MS = 3_600_000;

/** One scored response; filled by `submissionQuery`, never fetched by itself. */
export function scoredResponseQuery(
  revision: ModelRevision | undefined,
  messages: readonly Message[],
  response: string,
) {
  return queryOptions<ScoredResponse>({
    queryKey: ['scored-response', revision, messages, response],
    queryFn: skipToken,
    gcTime: RESULT_LIFETIME_MS,
  });
}

/**
 * The engine numbers the responses of its request, which holds only those not known yet; a person knows them by letter.
 * `letters` are those of the request, in order.
 */
export function nameResponses(message: string, letters: readonly string[]): string {
  return message.replaceAll(/\bresponse (\d+)\b/gi, (words, number: string) => {
    const letter = letters[Number(number) - 1];
    return letter === undefined || letter === '' ? words : `${words.slice(0, -number.length)}${letter}`;
  });
}

/** Key prefix of everything being scored. */
export const submissionKey = ['submission'] as const;

/**
 * Scores what of the submission is not known yet. Its data are all its responses, in order. Features always come along: with
 * them another head is evaluated on the spot, without the backbone (`active-head.ts`).
 */
export function submissionQuery(
  engine: RewardEngine,
  client: QueryClient,
  revision: ModelRevision | undefined,
  submission: Submission | undefined,
) {
  const messages = submission?.messages ?? [];
  const keyOf = (text: string) => scoredResponseQuery(revision, messages, text).queryKey;
  return queryOptions<readonly ScoredResponse[], EngineError>({
    queryKey: [...submissionKey, revision, submission?.id],
    gcTime: 0,
    queryFn: async ({ signal }) => {
      // Never enabled without both; an empty answer is the honest one.
      if (submission === undefined || revision === undefined) return [];
      const texts = [...new Set(submission.responses.map((response) => response.text))];
      const missing = texts.filter((text) => client.getQueryData(keyOf(text)) === undefined);
      const keep = (responseIndex: number, scored: ScoredResponse) => {
        const text = missing[responseIndex];
        if (text !== undefined) client.setQueryData(keyOf(text), scored);
      };
      try {
        if (missing.length > 0) {
          const result = await engine.score(
            { messages, responses: missing, features: true },
            {
              signal,
              onProgress: (event) => {
                if (signal.aborted) return;
                if (event.stage === 'score')
                  scoreProgressed({ doneTokens: event.doneTokens, totalTokens: event.totalTokens });
                if (event.stage === 'result') keep(event.responseIndex, event.response);
              },
            },
          );
          result.responses.forEach((scored, index) => keep(index, scored));
        }
      } catch (cause) {
        const error = EngineError.from(cause);
        const letters = missing.map(
          (text) => submission.responses.find((response) => response.text === text)?.letter ?? '',
        );
        throw new EngineError({ ...error.toData(), message: nameResponses(error.message, letters) });
      } finally {
        scoreProgressed(undefined);
      }
      return submission.responses.flatMap((response) => client.getQueryData(keyOf(response.text)) ?? []);
    },
  });
}

/** Stops scoring; results that have arrived stay. */
export function cancelScoring(client: QueryClient): void {
  cancelSubmission();
  void client.cancelQueries({ queryKey: submissionKey });
}
