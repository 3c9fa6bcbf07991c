/**
 * How the columns of a record make an item: which holds the prompt, the responses, the label. Every layout is such a mapping, and
 * a file of an unknown layout gets one from the person.
 */
import {
  candidate,
  conversation,
  endsWithUser,
  fail,
  present,
  sameMessages,
  sharedContext,
} from '../conversation-fields.ts';
import type { LineMessage } from '../conversation-fields.ts';
import { isJsonObject } from '../json-file.ts';
import { RowProblem } from '../rejected-rows.ts';
import { optionalNumber, optionalText, shown } from '../scored-rows.ts';
import type { DatasetItem, DatasetResponse } from './dataset.ts';
import { isTranscript, readTranscript } from './hh-transcript.ts';
import { jsonOf } from './records.ts';
import { topLevelMembers } from '../score-lines.ts';

/**
 * What one record is:
 * - `pair`: chosen and rejected, each a text, messages, or an array of texts;
 * - `transcripts`: chosen and rejected as HH-RLHF transcripts;
 * - `styles`: RM-Bench's three chosen and three rejected texts, by style;
 * - `response`: one response of a prompt; records of one prompt that follow each other are one item;
 * - `responses`: all responses of a prompt, as texts or as objects;
 * - `conversation`: messages that end with the response;
 * - `preference`: OpenAI's `{"input": {"messages"}, "preferred_output", "non_preferred_output"}`.
 */
export type RecordShape = 'pair' | 'transcripts' | 'styles' | 'response' | 'responses' | 'conversation' | 'preference';

/** Names of columns. `prompt` may hold a text or messages; absent where the responses carry the conversation. */
export interface ColumnMapping {
  readonly shape: RecordShape;
  readonly prompt?: string;
  /** A system text that goes before the prompt. */
  readonly system?: string;
  readonly chosen?: string;
  readonly rejected?: string;
  /** The response; an array for `responses`; messages for `conversation`. */
  readonly response?: string;
  /** Quality of the response, higher is better; for `responses` an array column, or a key of each response's object. */
  readonly label?: string;
  readonly chosenLabel?: string;
  readonly rejectedLabel?: string;
  readonly subset?: string;
  readonly section?: string;
  readonly id?: string;
  /** Records with the same value, following each other, are one item (`response`, `conversation`). */
  readonly group?: string;
}

/** Columns a shape cannot do without. */
export const requiredColumns: Readonly<Record<RecordShape, readonly (keyof ColumnMapping)[]>> = {
  pair: ['chosen', 'rejected'],
  transcripts: ['chosen', 'rejected'],
  styles: ['prompt', 'chosen', 'rejected'],
  response: ['prompt', 'response'],
  responses: ['prompt', 'response'],
  conversation: ['response'],
  preference: ['prompt', 'chosen', 'rejected'],
};

/** An item from one record, and what tells whether the next record belongs to the same. */
export interface MappedRecord {
  readonly item: DatasetItem;
  /** Undefined: the record is an item of its own. */
  readonly groupKey: string | undefined;
}

type Value = Readonly<Record<string, unknown>>;

/**
 * Applies a mapping to one record.
 * @throws RowProblem naming the column at fault.
 */
export function applyMapping(mapping: ColumnMapping, value: Value, row: number, text: () => string): MappedRecord {
  const { messages, responses, groupKey } = readers[mapping.shape](mapping, value);
  const subset = optionalColumn(value, mapping.subset);
  const section = optionalColumn(value, mapping.section);
  const item: DatasetItem = {
    row,
    id: optionalColumn(value, mapping.id) ?? String(row),
    messages: withSystem(mapping, value, endsWithUser(messages, mapping.prompt ?? mapping.chosen ?? mapping.response)),
    responses,
    ...(subset === undefined ? {} : { subset }),
    ...(section === undefined ? {} : { section }),
    extra: extraOf(mapping, value, text),
  };
  return { item, groupKey };
}

interface Parts {
  readonly messages: readonly LineMessage[];
  readonly responses: readonly DatasetResponse[];
  readonly groupKey?: string;
}

const readers: Readonly<Record<RecordShape, (mapping: ColumnMapping, value: Value) => Parts>> = {
  pair(mapping, value) {
    const a = candidatesOf(value, mapping.chosen);
    const b = candidatesOf(value, mapping.rejected);
    const given = present(column(value, mapping.prompt)) ? promptOf(mapping, value) : undefined;
    const [first, ...others] = [...a, ...b];
    const odd = others.find(
      ({ context }) => context.length > 0 && first!.context.length > 0 && !sameMessages(context, first!.context),
    );
    if (odd !== undefined) fail('the responses must answer the same conversation.', mapping.rejected);
    const messages = sharedContext(given, a[0]?.context ?? [], b[0]?.context ?? []);
    const chosenLabel = optionalNumberColumn(value, mapping.chosenLabel);
    const rejectedLabel = optionalNumberColumn(value, mapping.rejectedLabel);
    return {
      messages,
      responses: [
        ...a.map(({ text }) => response(text, 'chosen', chosenLabel)),
        ...b.map(({ text }) => response(text, 'rejected', rejectedLabel)),
      ],
    };
  },

  transcripts(mapping, value) {
    const chosen = readTranscript(column(value, mapping.chosen), mapping.chosen ?? '');
    const rejected = readTranscript(column(value, mapping.rejected), mapping.rejected ?? '');
    const messages = sharedContext(undefined, chosen.context, rejected.context);
    return { messages, responses: [response(chosen.text, 'chosen'), response(rejected.text, 'rejected')] };
  },

  styles(mapping, value) {
    const chosen = textsOf(value, mapping.chosen);
    const rejected = textsOf(value, mapping.rejected);
    for (const [texts, name] of [[chosen, mapping.chosen] as const, [rejected, mapping.rejected] as const])
      if (texts.length !== 3) fail(`must hold three texts, one for each style, not ${texts.length}.`, name);
    return {
      messages: promptOf(mapping, value),
      responses: [
        ...chosen.map((text, style) => ({ ...response(text, 'chosen'), style })),
        ...rejected.map((text, style) => ({ ...response(text, 'rejected'), style })),
      ],
    };
  },

  response(mapping, value) {
    const messages = promptOf(mapping, value);
    const { text } = candidate(messagesIn(required(value, mapping.response)), mapping.response ?? '');
    const label = optionalNumberColumn(value, mapping.label);
    return { messages, responses: [response(text, 'candidate', label)], groupKey: groupOf(mapping, value, messages) };
  },

  responses(mapping, value) {
    const list = listOf(value, mapping.response);
    const labels =
      mapping.label === undefined || column(value, mapping.label) === undefined ? [] : listOf(value, mapping.label);
    if (labels.length > 0 && labels.length !== list.length)
      fail(`has ${labels.length} labels for ${list.length} responses.`, mapping.label);
    const responses = list.map((entry, i) => {
      const path = `${mapping.response ?? ''}[${i}]`;
      const label = labels.length > 0 ? optionalNumber(numeric(labels[i]), `${mapping.label ?? ''}[${i}]`) : undefined;
      if (typeof entry === 'string') return response(entry, 'candidate', label);
      if (!isJsonObject(entry)) return fail(`must be a text or an object, not ${shown(entry)}.`, path);
      const key = responseKeys.find((name) => typeof entry[name] === 'string');
      if (key === undefined)
        return fail(`has no text under ${responseKeys.map((name) => `"${name}"`).join(', ')}.`, path);
      return response(String(entry[key]), 'candidate', label ?? labelOf(entry, mapping.label, path));
    });
    if (responses.length === 0) fail('holds no response.', mapping.response);
    return { messages: promptOf(mapping, value), responses };
  },

  conversation(mapping, value) {
    const { context, text } = candidate(messagesIn(required(value, mapping.response)), mapping.response ?? '');
    const label = optionalNumberColumn(value, mapping.label);
    return {
      messages: context,
      responses: [response(text, 'candidate', label)],
      groupKey: groupOf(mapping, value, context),
    };
  },

  preference(mapping, value) {
    const input = jsonIn(required(value, mapping.prompt), /^\s*\{[\s\S]*\}\s*$/);
    if (!isJsonObject(input)) return fail('must be an object with "messages".', mapping.prompt);
    const messages = conversation(input['messages'], `${mapping.prompt ?? ''}.messages`);
    const output = (name: string | undefined): string => candidate(messagesIn(required(value, name)), name ?? '').text;
    return {
      messages,
      responses: [response(output(mapping.chosen), 'chosen'), response(output(mapping.rejected), 'rejected')],
    };
  },
};

/** Keys under which a response object keeps its text (UltraFeedback: `response`). */
const responseKeys = ['response', 'text', 'content', 'output', 'completion', 'answer'];
/**
 * Keys under which a response object keeps its label. UltraFeedback's `overall_score` was found faulty by its users;
 * `fine-grained_score` is the mean of its four aspects.
 */
const labelKeys = ['fine-grained_score', 'overall_score', 'score', 'rating', 'label'];

function labelOf(entry: Value, named: string | undefined, path: string): number | undefined {
  const key = [...(named === undefined ? [] : [named]), ...labelKeys].find((name) => present(entry[name]));
  return key === undefined ? undefined : optionalNumber(numeric(entry[key]), `${path}.${key}`);
}

function response(text: string, role: DatasetResponse['role'], label?: number): DatasetResponse {
  return { text, role, ...(label === undefined ? {} : { label }) };
}

function column(value: Value, name: string | undefined): unknown {
  return name === undefined ? undefined : value[name];
}

function required(value: Value, name: string | undefined): unknown {
  const found = column(value, name);
  return present(found) ? found : fail('is missing.', name);
}

function promptOf(mapping: ColumnMapping, value: Value): readonly LineMessage[] {
  const name = mapping.prompt ?? 'prompt';
  const prompt = required(value, mapping.prompt);
  // A prompt in HH's manner: the transcript up to where the assistant is to speak.
  if (isTranscript(prompt) && /\n\nAssistant:\s*$/.test(prompt)) return readTranscript(prompt, name).context;
  return conversation(messagesIn(prompt), name);
}

function withSystem(mapping: ColumnMapping, value: Value, messages: readonly LineMessage[]): readonly LineMessage[] {
  const system = optionalColumn(value, mapping.system);
  if (system === undefined || system === '') return messages;
  if (messages[0]?.role === 'system') fail('the conversation already has a system message.', mapping.system);
  return [{ role: 'system', content: system }, ...messages];
}

/** A text or messages; or an array of texts (RewardBench 2 has several of each). */
function candidatesOf(value: Value, name: string | undefined) {
  const found = messagesIn(required(value, name));
  if (Array.isArray(found) && found.length > 0 && found.every((entry) => typeof entry === 'string'))
    return found.map((text) => candidate(text, name ?? ''));
  return [candidate(found, name ?? '')];
}

function listOf(value: Value, name: string | undefined): readonly unknown[] {
  const found = listIn(required(value, name));
  return Array.isArray(found) ? found : fail(`must be an array, not ${shown(found)}.`, name);
}

function textsOf(value: Value, name: string | undefined): readonly string[] {
  return listOf(value, name).map((entry, i) =>
    typeof entry === 'string' ? entry : fail(`must be a text, not ${shown(entry)}.`, `${name ?? ''}[${i}]`),
  );
}

/** Tables keep messages as JSON text; any other text stays a text. */
function messagesIn(value: unknown): unknown {
  const list = listIn(value);
  const isMessages =
    Array.isArray(list) && list.length > 0 && list.every((entry) => isJsonObject(entry) && 'role' in entry);
  return isMessages ? list : value;
}

/** Tables keep arrays as JSON text: only for columns that must hold an array, as an answer such as "[1, 2]" is a text. */
function listIn(value: unknown): unknown {
  return jsonIn(value, /^\s*\[[\s\S]*\]\s*$/);
}

/** The value that a text is the JSON of, where it looks like it; otherwise what came. */
function jsonIn(value: unknown, look: RegExp): unknown {
  if (typeof value !== 'string' || !look.test(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** A number also where a table keeps it as text. */
export function numeric(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string') return value;
  if (value.trim() === '') return undefined;
  return Number.isNaN(Number(value)) ? value : Number(value);
}

function optionalNumberColumn(value: Value, name: string | undefined): number | undefined {
  return name === undefined ? undefined : optionalNumber(numeric(value[name]), name);
}

function optionalColumn(value: Value, name: string | undefined): string | undefined {
  return name === undefined ? undefined : optionalText(value[name], name);
}

function groupOf(mapping: ColumnMapping, value: Value, messages: readonly LineMessage[]): string {
  const named = optionalColumn(value, mapping.group);
  return named === undefined ? `messages ${JSON.stringify(messages)}` : `group ${named}`;
}

/** What the mapping names, as [part, column]. */
export function columnsNamed(mapping: Partial<ColumnMapping>): [string, string][] {
  return Object.entries(mapping).filter(([part]) => part !== 'shape');
}

/** The record's unmapped columns. Integers beyond 2⁵³ in JSON are copied digit for digit. */
function extraOf(mapping: ColumnMapping, value: Value, text: () => string): string {
  const mapped = new Set<string>(columnsNamed(mapping).map(([, name]) => name));
  const rest = Object.entries(value).filter(([key, entry]) => !mapped.has(key) && present(entry) && entry !== '');
  if (rest.length === 0) return '';
  if (!rest.some(([, entry]) => hasUnsafeInteger(entry))) return jsonOf(Object.fromEntries(rest));
  const members = topLevelMembers(text());
  return `{${rest.map(([key, entry]) => `${JSON.stringify(key)}:${members.get(key) ?? jsonOf(entry)}`).join(',')}}`;
}

function hasUnsafeInteger(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(hasUnsafeInteger);
}

/** Joins the responses of records that belong together into one item. */
export class ItemJoiner {
  #key: string | undefined;
  #open: DatasetItem | undefined;

  /** @returns the item that this record closed, if any. */
  add({ item, groupKey }: MappedRecord): DatasetItem[] {
    if (groupKey !== undefined && groupKey === this.#key && this.#open !== undefined) {
      if (!sameMessages(this.#open.messages, item.messages))
        throw new RowProblem('', 'is of the same group as the record before it, but answers another conversation.');
      this.#open = { ...this.#open, responses: [...this.#open.responses, ...item.responses] };
      return [];
    }
    const closed = this.flush();
    this.#key = groupKey;
    if (groupKey === undefined) return [...closed, item];
    this.#open = item;
    return closed;
  }

  flush(): DatasetItem[] {
    const closed = this.#open;
    this.#open = undefined;
    return closed === undefined ? [] : [closed];
  }
}
