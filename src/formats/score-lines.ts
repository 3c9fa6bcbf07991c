/**
 * Lines of a file to score: one response (`prompt` + `response`, or `messages` that end with the assistant's), or a pair
 * (`chosen` and `rejected`, as texts or as conversations, with the `prompt` or `messages` they answer).
 *
 * Fields that say nothing about the text are kept as they were written, digit for digit: a 64-bit id survives.
 */
import { candidate, conversation, endsWithUser, fail, present, sharedContext } from './conversation-fields.ts';
import type { LineMessage } from './conversation-fields.ts';
import { isJsonObject } from './json-file.ts';
import { RowProblem } from './rejected-rows.ts';

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
    if (!(cause instanceof RowProblem)) throw cause;
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
