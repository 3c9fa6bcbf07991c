/** Texts of a row of the set, and the conversation that Inspect opens for it. Pure. */
import type { ScoredSet } from '@/core/scored-set.ts';
import { rowRoles } from '@/core/scored-set.ts';
import { MAX_RESPONSES, type ConversationTexts } from '@/state/conversation.ts';

/** The response's text on one line, or what is known of it. */
export function rowText({ texts, roles, sourceRows }: ScoredSet, row: number): string {
  const text = texts?.responses[row];
  if (text !== undefined && text !== '') return text.slice(0, 300).replaceAll(/\s+/g, ' ');
  const role = rowRoles[roles[row] ?? 0] ?? 'candidate';
  return `${role === 'candidate' ? 'response' : role}, row ${sourceRows[row] ?? row + 1}`;
}

interface Message {
  readonly role: string;
  readonly content: string;
}

/**
 * The conversation of a group with `first` (rows) before its other responses, as many as Inspect shows.
 * @returns `undefined` where the set has no texts, or its turns do not alternate, which Inspect's editor asks for.
 */
export function rowConversation(
  { texts, groupStart }: ScoredSet,
  group: number,
  first: readonly number[],
): ConversationTexts | undefined {
  const messages = messagesOf(texts?.messages[group]);
  if (texts === undefined || messages === undefined || messages.length === 0) return undefined;
  const system = messages[0]?.role === 'system' ? messages[0].content : undefined;
  const turns = system === undefined ? messages : messages.slice(1);
  const alternates =
    turns.length % 2 === 1 && turns.every(({ role }, at) => role === (at % 2 === 0 ? 'user' : 'assistant'));
  if (!alternates) return undefined;
  const [start, end] = [groupStart[group] ?? 0, groupStart[group + 1] ?? 0];
  const others = Array.from({ length: end - start }, (_, at) => start + at).filter((row) => !first.includes(row));
  return {
    ...(system === undefined ? {} : { system }),
    turns: turns.map(({ content }) => content),
    responses: [...first, ...others].slice(0, MAX_RESPONSES).map((row) => texts.responses[row] ?? ''),
  };
}

function messagesOf(json: string | undefined): readonly Message[] | undefined {
  if (json === undefined || json === '') return undefined;
  try {
    const value = JSON.parse(json) as unknown;
    return Array.isArray(value) && value.every(isMessage) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'role' in value && 'content' in value
    ? typeof value.role === 'string' && typeof value.content === 'string'
    : false;
}
