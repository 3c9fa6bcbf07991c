/** What the model will read of a text: its tokens, without running the backbone. */
import { queryOptions } from '@tanstack/react-query';
import { EngineError } from '@/engine/api/errors.ts';
import type { Message, TokenizedResponse } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import type { ModelRevision } from './score-queries.ts';

/** Counts of texts that have been typed over are of no use for long. */
const TOKENS_LIFETIME_MS = 60_000;

/** Keyed by model and exact texts. A text typed over before it was counted is no longer asked for: its signal aborts the call. */
export function tokenizedQuery(
  engine: RewardEngine,
  revision: ModelRevision | undefined,
  messages: readonly Message[],
  response: string,
) {
  return queryOptions<TokenizedResponse, EngineError>({
    queryKey: ['tokenized', revision?.modelId, revision?.loadId, messages, response],
    queryFn: async ({ signal }) => {
      try {
        return await engine.tokenize(messages, response, { signal });
      } catch (cause) {
        throw EngineError.from(cause);
      }
    },
    enabled: revision !== undefined,
    gcTime: TOKENS_LIFETIME_MS,
  });
}
