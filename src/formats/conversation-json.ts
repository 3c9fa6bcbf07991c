/**
 * A conversation pasted as JSON, in the layouts that people have: an array of OpenAI messages, `{messages}`, `{prompt, response}`,
 * `{prompt, responses}`, `{prompt, chosen, rejected}` (texts or message arrays), ShareGPT's `{conversations: [{from, value}]}`, and the
 * answer of a chat API (`{choices}`), which brings responses only.
 *
 * What is refused is refused in words that name the place. Nothing is dropped, merged or reordered to make it fit.
 */
import { isJsonObject } from './json-file.ts';

/** Longest text that is read; the longest context is far below. */
export const MAX_PASTED_CHARACTERS = 5_000_000;
const MAX_RESPONSES = 8;

export interface PastedConversation {
  readonly system?: string;
  /** User, assistant, …, user; `undefined` where only responses were given: they answer the conversation on the page. */
  readonly turns: readonly string[] | undefined;
  readonly responses: readonly string[];
}

export type PasteResult =
  | { readonly ok: true; readonly conversation: PastedConversation }
  | { readonly ok: false; readonly message: string };

interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Ends the reading; never leaves this file. */
class Problem extends Error {}

function fail(message: string): never {
  throw new Problem(message);
}

/** Never throws: what cannot be read is answered in words. */
export function readConversationJson(text: string): PasteResult {
  try {
    if (text.length > MAX_PASTED_CHARACTERS) fail(`The text is longer than ${MAX_PASTED_CHARACTERS} characters.`);
    return { ok: true, conversation: fromValue(parse(text)) };
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    return { ok: false, message: cause.message };
  }
}

function parse(text: string): unknown {
  const trimmed = text.trim().replace(/^```(?:json)?\s*|\s*```$/g, '');
  if (trimmed === '') fail('There is nothing to read yet.');
  try {
    return JSON.parse(trimmed);
  } catch (cause) {
    const lines = trimmed.split('\n').filter((line) => line.trim() !== '');
    if (lines.length > 1 && lines.every(isJson))
      fail(`These are ${lines.length} JSON lines. Paste one of them here; Evaluate reads whole files.`);
    return fail(`This is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}.`);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function fromValue(value: unknown): PastedConversation {
  if (Array.isArray(value)) return fromArray(value);
  if (!isJsonObject(value))
    fail('A conversation is an array of messages or an object, such as {"prompt": …, "response": …}.');
  const { messages, conversations, prompt, chosen, rejected, response, responses, choices } = value;
  if (present(conversations)) return fromMessages(messagesOf(conversations, 'conversations'), []);
  if (present(chosen) || present(rejected)) return fromPair(value);
  const answers = answersOf(response, responses);
  if (present(messages)) return fromMessages(messagesOf(messages, 'messages'), answers);
  if (present(prompt)) {
    if (answers.length === 0 && typeof prompt === 'string') return { turns: [prompt], responses: [] };
    return fromMessages(
      typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : messagesOf(prompt, 'prompt'),
      answers,
    );
  }
  if (present(choices)) return { turns: undefined, responses: limited(choicesOf(choices)) };
  if (answers.length > 0) return { turns: undefined, responses: limited(answers) };
  return fail(
    `None of the keys that hold a conversation is here ("messages", "prompt", "conversations", "chosen", "choices"), but ${keyList(value)}.`,
  );
}

function keyList(value: Readonly<Record<string, unknown>>): string {
  const keys = Object.keys(value);
  if (keys.length === 0) return 'the object is empty';
  return `${keys
    .slice(0, 5)
    .map((key) => JSON.stringify(key.slice(0, 40)))
    .join(', ')}${keys.length > 5 ? ', …' : ''}`;
}

function fromArray(value: readonly unknown[]): PastedConversation {
  if (value.length === 0) fail('The array is empty.');
  if (value.every((entry) => typeof entry === 'string')) return { turns: undefined, responses: limited(value) };
  const [first] = value;
  if (isJsonObject(first) && !('role' in first) && !('from' in first)) {
    if (value.length === 1) return fromValue(first);
    fail(`This holds ${value.length} conversations. Paste one of them here; Evaluate reads whole files.`);
  }
  return fromMessages(messagesOf(value, ''), []);
}

/** With `answers` the messages end with the user's; without, a last message of the assistant is the response. */
function fromMessages(messages: readonly Message[], answers: readonly string[]): PastedConversation {
  const last = messages.at(-1);
  if (last?.role === 'assistant') {
    if (answers.length > 0)
      fail('The messages end with the assistant’s, and responses are given as well; give one or the other.');
    return { ...conversationOf(messages.slice(0, -1)), responses: [last.content] };
  }
  return { ...conversationOf(messages), responses: limited(answers) };
}

function fromPair(value: Readonly<Record<string, unknown>>): PastedConversation {
  const { prompt, messages, chosen, rejected, response } = value;
  if (!present(chosen)) fail('"chosen" is missing beside "rejected".');
  if (!present(rejected)) fail('"rejected" is missing beside "chosen".');
  if (present(response)) fail('There are "response" and "chosen"/"rejected"; give one or the other.');
  const a = candidate(chosen, 'chosen');
  const b = candidate(rejected, 'rejected');
  const given = present(messages)
    ? messagesOf(messages, 'messages')
    : typeof prompt === 'string'
      ? [{ role: 'user' as const, content: prompt }]
      : present(prompt)
        ? messagesOf(prompt, 'prompt')
        : undefined;
  const own = a.context.length > 0 ? a.context : b.context;
  if (a.context.length > 0 && b.context.length > 0 && !same(a.context, b.context))
    fail('"chosen" and "rejected" answer different conversations.');
  if (own.length === 0 && given === undefined)
    fail('"prompt" (or "messages") is missing beside "chosen" and "rejected".');
  // A prompt text often repeats the last message of the user, which the candidates bring themselves.
  const repeats = given?.length === 1 && given[0]?.content === own.at(-1)?.content;
  if (given !== undefined && own.length > 0 && !same(given, own) && !repeats)
    fail('The conversation in "chosen" and "rejected" is not the one in "prompt" or "messages".');
  return { ...conversationOf(own.length > 0 ? own : (given ?? [])), responses: [a.text, b.text] };
}

/** A text, or a conversation that ends with the assistant's message. */
function candidate(value: unknown, key: string): { readonly context: readonly Message[]; readonly text: string } {
  if (typeof value === 'string') return { context: [], text: value };
  const turns = messagesOf(value, key);
  const last = turns.at(-1);
  if (last?.role !== 'assistant') fail(`"${key}" must end with the assistant’s message.`);
  return { context: turns.slice(0, -1), text: last.content };
}

function answersOf(response: unknown, responses: unknown): readonly string[] {
  if (present(response) && present(responses)) fail('There are "response" and "responses"; give one or the other.');
  if (present(response)) return [textOf(response, 'response')];
  if (!present(responses)) return [];
  if (!Array.isArray(responses)) fail('"responses" must be an array of texts.');
  return responses.map((entry: unknown, i) => textOf(entry, `responses[${i}]`));
}

function choicesOf(choices: unknown): readonly string[] {
  if (!Array.isArray(choices)) fail('"choices" must be an array.');
  return choices.map((choice: unknown, i) => {
    const message = isJsonObject(choice) ? choice['message'] : undefined;
    const content = isJsonObject(message) ? message['content'] : isJsonObject(choice) ? choice['text'] : undefined;
    return textOf(content, `choices[${i}].message.content`);
  });
}

const roles: Readonly<Record<string, Message['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  human: 'user',
  prompter: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  chatgpt: 'assistant',
  model: 'assistant',
  bot: 'assistant',
};

function messagesOf(value: unknown, key: string): readonly Message[] {
  if (!Array.isArray(value)) fail(`"${key}" must be an array of messages.`);
  if (value.length === 0) fail(key === '' ? 'The array is empty.' : `"${key}" is empty.`);
  return value.map((entry: unknown, i) => {
    const path = key === '' ? `message ${i + 1}` : `${key}[${i}]`;
    if (!isJsonObject(entry)) fail(`${path} must be an object with "role" and "content".`);
    const sharegpt = !present(entry['role']) && present(entry['from']);
    const name = sharegpt ? entry['from'] : entry['role'];
    const role =
      typeof name === 'string' && Object.hasOwn(roles, name.toLowerCase()) ? roles[name.toLowerCase()] : undefined;
    if (role === undefined)
      fail(
        `${path}.${sharegpt ? 'from' : 'role'} must be "system", "user" or "assistant", not ${JSON.stringify(name)?.slice(0, 60) ?? 'missing'}.`,
      );
    const content = sharegpt ? entry['value'] : entry['content'];
    return { role, content: textOf(content, `${path}.${sharegpt ? 'value' : 'content'}`) };
  });
}

/** A text, or OpenAI's list of parts as long as all of them are text. */
function textOf(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) fail(`${path} must be a text.`);
  return value
    .map((part: unknown, i) => {
      const text = isJsonObject(part) ? part['text'] : undefined;
      if (typeof text !== 'string') fail(`${path}[${i}] is not text; the model reads text only.`);
      return text;
    })
    .join('');
}

/** The system turn apart, the others alternating: what the editor holds. */
function conversationOf(messages: readonly Message[]): { readonly system?: string; readonly turns: readonly string[] } {
  const [first] = messages;
  const system = first?.role === 'system' ? first.content : undefined;
  const rest = system === undefined ? messages : messages.slice(1);
  if (rest.length === 0) fail('There is no message of the user.');
  rest.forEach((message, index) => {
    const expected = index % 2 === 0 ? 'user' : 'assistant';
    if (message.role === expected) return;
    const place = `Message ${index + 1}${system === undefined ? '' : ' after the system turn'}`;
    if (message.role === 'system') fail(`${place} is a system turn; only the first message can be one here.`);
    fail(`${place} is the ${message.role}’s, but the ${expected}’s is due: turns must alternate.`);
  });
  if (rest.length % 2 === 0) fail('The conversation before the responses must end with the user’s message.');
  return { ...(system === undefined ? {} : { system }), turns: rest.map((message) => message.content) };
}

function limited(responses: readonly string[]): readonly string[] {
  if (responses.length > MAX_RESPONSES)
    fail(`There are ${responses.length} responses; Inspect takes ${MAX_RESPONSES}. Evaluate reads any number.`);
  return responses;
}

function same(a: readonly Message[], b: readonly Message[]): boolean {
  return a.length === b.length && a.every((m, i) => m.role === b[i]?.role && m.content === b[i]?.content);
}

/** JSON `null` counts as absent. */
function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}
