/** How many tokens the texts have, counted by the model's own tokenizer as they are typed. */
import { useDebouncedValue } from '@mantine/hooks';
import { useQueries } from '@tanstack/react-query';
import { useEngine } from '@/queries/engine-context.ts';
import { useModel } from '@/queries/model-queries.ts';
import { modelRevision } from '@/queries/score-queries.ts';
import { tokenizedQuery } from '@/queries/token-queries.ts';
import { conversationMessages, type Conversation } from '@/state/conversation.ts';

export interface TokenCount {
  /** Up to and including the assistant header. */
  readonly prompt: number | undefined;
  readonly response: number | undefined;
  /** Why the text cannot be read, e.g. that it is too long. */
  readonly problem: string | undefined;
}

/** Typing faster than this asks nothing. */
const SETTLE_MS = 250;

/** One per response, in order; counts of the text before stay until the new ones are there. */
export function useTokenCounts(conversation: Conversation): readonly TokenCount[] {
  const engine = useEngine();
  const model = useModel();
  const [settled] = useDebouncedValue(conversation, SETTLE_MS);
  const revision = model.status === 'ready' ? modelRevision(model.model, model.loadId) : undefined;
  const messages = conversationMessages(settled);
  const asked = settled.turns.some((turn) => turn.content.trim() !== '');
  const queries = useQueries({
    queries: settled.responses.map((response) => ({
      ...tokenizedQuery(engine, revision, messages, response.text),
      enabled: revision !== undefined && asked && response.text !== '',
    })),
  });
  const byId = new Map(settled.responses.map((response, index) => [response.id, queries[index]]));
  return conversation.responses.map((response) => {
    const query = byId.get(response.id);
    const { data, error } = query ?? {};
    return {
      prompt: data?.responseStart,
      response: data === undefined ? undefined : data.tokenIds.length - data.responseStart,
      problem: error?.code === 'too-long' ? error.message : undefined,
    };
  });
}
