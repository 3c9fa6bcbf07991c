/**
 * Conversations and candidates inside a record: a text is one user's message, an array is messages; what is said twice must
 * agree. Bad ones end in a `RowProblem` that names the field.
 */
import { isJsonObject } from './json-file.ts';
import { RowProblem } from './rejected-rows.ts';

export interface LineMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Ends the reading of a row. */
export function fail(reason: string, field = ''): never {
  throw new RowProblem(field, reason);
}

/** JSON `null` counts as absent: that is how tables without a value are exported. */
export function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** `messages`, proven to be what a response can answer. */
export function endsWithUser(messages: readonly LineMessage[], field = ''): readonly LineMessage[] {
  if (messages.at(-1)?.role !== 'user')
    fail("the conversation before the response must end with the user's message.", field);
  return messages;
}

/** A text is one user's message; an array is a conversation. */
export function conversation(value: unknown, key: string): readonly LineMessage[] {
  if (typeof value === 'string') return [{ role: 'user', content: value }];
  if (!Array.isArray(value))
    fail(`"${key}" must be ${key === 'messages' ? '' : 'a text or '}an array of messages.`, key);
  return value.map((entry: unknown, i) => message(entry, `${key}[${i}]`));
}

function message(value: unknown, path: string): LineMessage {
  if (!isJsonObject(value)) fail(`${path} must be an object with "role" and "content".`, path);
  const { role, content } = value;
  if (role !== 'system' && role !== 'user' && role !== 'assistant')
    fail(
      `${path}.role must be "system", "user" or "assistant", not ${JSON.stringify(role)?.slice(0, 60)}.`,
      `${path}.role`,
    );
  if (typeof content !== 'string') fail(`${path}.content must be a text.`, `${path}.content`);
  return { role, content };
}

export interface Candidate {
  readonly context: readonly LineMessage[];
  readonly text: string;
}

/** A text, or a conversation that ends with the assistant's message. */
export function candidate(value: unknown, key: string): Candidate {
  if (typeof value === 'string') return { context: [], text: value };
  if (!Array.isArray(value)) fail(`"${key}" must be a text or an array of messages.`, key);
  const turns = conversation(value, key);
  const last = turns.at(-1);
  if (last?.role !== 'assistant') fail(`"${key}" must end with the assistant's message.`, key);
  return { context: turns.slice(0, -1), text: last.content };
}

/** The one conversation both candidates answer; whatever is said twice must agree. */
export function sharedContext(
  given: readonly LineMessage[] | undefined,
  chosen: readonly LineMessage[],
  rejected: readonly LineMessage[],
): readonly LineMessage[] {
  const own = chosen.length > 0 ? chosen : rejected;
  if (chosen.length > 0 && rejected.length > 0 && !sameMessages(chosen, rejected))
    fail('"chosen" and "rejected" must answer the same conversation.', 'rejected');
  if (given === undefined) {
    if (own.length === 0) fail('"prompt" (or "messages") is missing beside "chosen" and "rejected".', 'prompt');
    return own;
  }
  if (own.length === 0) return given;
  // A prompt text often repeats only the last user's message of the conversation inside the candidates.
  const repeatsLast = given.length === 1 && given[0]?.role === 'user' && given[0].content === own.at(-1)?.content;
  if (!sameMessages(given, own) && !repeatsLast)
    fail('the conversation in "chosen"/"rejected" is not the one in "prompt" or "messages".', 'chosen');
  return own;
}

export function sameMessages(a: readonly LineMessage[], b: readonly LineMessage[]): boolean {
  return a.length === b.length && a.every((m, i) => m.role === b[i]?.role && m.content === b[i]?.content);
}
