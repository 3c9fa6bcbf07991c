/**
 * Lines of a file to score: one response (`prompt` + `response`, or `messages` that end with the assistant's), or a pair
 * (`chosen` and `rejected`, as texts or as conversations, with the `prompt` or `messages` they answer).
 *
 * Fields that say nothing about the text are kept as they were written, digit for digit: a 64-bit id survives.
 */
import { isJsonObject } from './json-file.ts';

export interface LineMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Fields kept from the input: the JSON text of each value, by key, in the line's order. */
export type ExtraFields = ReadonlyMap<string, string>;

export type ScoreLine =
  | {
      readonly kind: 'response';
      readonly line: number;
      /** The conversation before the response; the last message is the user's. */
      readonly messages: readonly LineMessage[];
      readonly response: string;
      readonly extra: ExtraFields;
    }
  | {
      readonly kind: 'pair';
      readonly line: number;
      readonly messages: readonly LineMessage[];
      readonly chosen: string;
      readonly rejected: string;
      readonly extra: ExtraFields;
    };

/** A line that cannot be scored, and why; `line` counts from 1. */
export interface ScoreLineError {
  readonly kind: 'error';
  readonly line: number;
  readonly message: string;
  /** As far as the line could be read; empty when it is not a JSON object. */
  readonly extra: ExtraFields;
}

const TEXT_KEYS: ReadonlySet<string> = new Set(['prompt', 'messages', 'response', 'chosen', 'rejected']);

/** Ends the parsing of one line; never leaves this file. */
class LineProblem extends Error {}

function fail(message: string): never {
  throw new LineProblem(message);
}

/** Parses one line. Never throws for bad input: it answers a `ScoreLineError` with what was wrong. */
export function parseScoreLine(text: string, line: number): ScoreLine | ScoreLineError {
  let extra: ExtraFields = new Map();
  try {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      fail(`not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}.`);
    }
    if (!isJsonObject(value)) fail('must be a JSON object.');
    extra = extraFields(text);
    return parseFields(value, line, extra);
  } catch (cause) {
    if (!(cause instanceof LineProblem)) throw cause;
    return { kind: 'error', line, message: cause.message, extra };
  }
}

function parseFields(value: Readonly<Record<string, unknown>>, line: number, extra: ExtraFields): ScoreLine {
  const { prompt, messages, response, chosen, rejected } = value;
  const isPair = present(chosen) || present(rejected);
  if (isPair && present(response)) fail('has both "response" and "chosen"/"rejected"; give one or the other.');
  if (present(prompt) && present(messages)) fail('has both "prompt" and "messages"; give one of them.');
  if (isPair) {
    if (!present(chosen)) fail('"chosen" is missing beside "rejected".');
    if (!present(rejected)) fail('"rejected" is missing beside "chosen".');
    const context = present(prompt)
      ? conversation(prompt, 'prompt')
      : present(messages)
        ? conversation(messages, 'messages')
        : undefined;
    const a = candidate(chosen, 'chosen');
    const b = candidate(rejected, 'rejected');
    const shared = sharedContext(context, a.context, b.context);
    return { kind: 'pair', line, messages: endsWithUser(shared), chosen: a.text, rejected: b.text, extra };
  }
  if (present(response)) {
    if (typeof response !== 'string') fail('"response" must be a text.');
    const context = present(prompt)
      ? conversation(prompt, 'prompt')
      : present(messages)
        ? conversation(messages, 'messages')
        : fail('"prompt" (or "messages") is missing beside "response".');
    return { kind: 'response', line, messages: endsWithUser(context), response, extra };
  }
  if (!present(messages))
    fail(
      present(prompt)
        ? '"response" (or "chosen" and "rejected") is missing beside "prompt".'
        : 'needs "prompt" and "response", or "messages", or "chosen" and "rejected".',
    );
  const turns = conversation(messages, 'messages');
  const last = turns.at(-1);
  if (last?.role !== 'assistant') fail('"messages" must end with the assistant\'s message, the one to score.');
  return { kind: 'response', line, messages: endsWithUser(turns.slice(0, -1)), response: last.content, extra };
}

/** JSON `null` counts as absent: that is how tables without a value are exported. */
function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function endsWithUser(messages: readonly LineMessage[]): readonly LineMessage[] {
  if (messages.at(-1)?.role !== 'user') fail("the conversation before the response must end with the user's message.");
  return messages;
}

/** A text is one user's message; an array is a conversation. */
function conversation(value: unknown, key: string): readonly LineMessage[] {
  if (typeof value === 'string') return [{ role: 'user', content: value }];
  if (!Array.isArray(value)) fail(`"${key}" must be ${key === 'messages' ? '' : 'a text or '}an array of messages.`);
  return value.map((entry: unknown, i) => message(entry, `${key}[${i}]`));
}

function message(value: unknown, path: string): LineMessage {
  if (!isJsonObject(value)) fail(`${path} must be an object with "role" and "content".`);
  const { role, content } = value;
  if (role !== 'system' && role !== 'user' && role !== 'assistant')
    fail(`${path}.role must be "system", "user" or "assistant", not ${JSON.stringify(role)?.slice(0, 60)}.`);
  if (typeof content !== 'string') fail(`${path}.content must be a text.`);
  return { role, content };
}

interface Candidate {
  readonly context: readonly LineMessage[];
  readonly text: string;
}

/** A text, or a conversation that ends with the assistant's message. */
function candidate(value: unknown, key: string): Candidate {
  if (typeof value === 'string') return { context: [], text: value };
  if (!Array.isArray(value)) fail(`"${key}" must be a text or an array of messages.`);
  const turns = conversation(value, key);
  const last = turns.at(-1);
  if (last?.role !== 'assistant') fail(`"${key}" must end with the assistant's message.`);
  return { context: turns.slice(0, -1), text: last.content };
}

/** The one conversation both candidates answer; whatever is said twice must agree. */
function sharedContext(
  given: readonly LineMessage[] | undefined,
  chosen: readonly LineMessage[],
  rejected: readonly LineMessage[],
): readonly LineMessage[] {
  const own = chosen.length > 0 ? chosen : rejected;
  if (chosen.length > 0 && rejected.length > 0 && !sameMessages(chosen, rejected))
    fail('"chosen" and "rejected" must answer the same conversation.');
  if (given === undefined) {
    if (own.length === 0) fail('"prompt" (or "messages") is missing beside "chosen" and "rejected".');
    return own;
  }
  if (own.length === 0) return given;
  // A prompt text often repeats only the last user's message of the conversation inside the candidates.
  const repeatsLast = given.length === 1 && given[0]?.role === 'user' && given[0].content === own.at(-1)?.content;
  if (!sameMessages(given, own) && !repeatsLast)
    fail('the conversation in "chosen"/"rejected" is not the one in "prompt" or "messages".');
  return own;
}

function sameMessages(a: readonly LineMessage[], b: readonly LineMessage[]): boolean {
  return a.length === b.length && a.every((m, i) => m.role === b[i]?.role && m.content === b[i]?.content);
}

/** Value texts of the top-level members that are not the text itself. `text` is a valid JSON object. */
function extraFields(text: string): ExtraFields {
  const members = topLevelMembers(text);
  for (const key of TEXT_KEYS) members.delete(key);
  return members;
}

/** The JSON text of every top-level member of a valid JSON object, as it is written; of a key given twice, the last. */
export function topLevelMembers(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let depth = 0;
  let keyText: string | undefined;
  let begin = -1;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') {
      const end = stringEnd(text, i);
      if (depth === 1 && keyText === undefined) keyText = text.slice(i, end);
      i = end - 1;
    } else if (c === '{' || c === '[') depth += 1;
    else if (c === ':' && depth === 1) begin = i + 1;
    else if (c === '}' || c === ']' || (c === ',' && depth === 1)) {
      if (depth === 1 && keyText !== undefined) {
        members.set(String(JSON.parse(keyText)), text.slice(begin, i).trim());
        keyText = undefined;
      }
      if (c !== ',') depth -= 1;
    }
  }
  return members;
}

/** Index after the closing quote of the string that opens at `begin`. */
function stringEnd(text: string, begin: number): number {
  for (let i = begin + 1; i < text.length; i++) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

/**
 * An output line (without the newline): the kept fields as they were written, then `fields`; a kept field that `fields`
 * also names gives way. Numbers of `fields` are written so that they read back to the same f64; typed arrays as arrays.
 * @throws RangeError for a number that JSON cannot hold (NaN, ±infinity): nothing unproven is ever written as `null`.
 */
export function formatScoreLine(extra: ExtraFields, fields: Readonly<Record<string, unknown>>): string {
  const members: string[] = [];
  for (const [key, value] of extra) if (!Object.hasOwn(fields, key)) members.push(`${JSON.stringify(key)}:${value}`);
  for (const [key, value] of Object.entries(fields)) {
    const json = JSON.stringify(value, exactValue);
    if (json !== undefined) members.push(`${JSON.stringify(key)}:${json}`);
  }
  return `{${members.join(',')}}`;
}

function exactValue(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${value} cannot be written as JSON`);
  if (value instanceof Float64Array || value instanceof Float32Array || value instanceof Int32Array)
    return Array.from(value);
  return value;
}
