/**
 * The conversation being edited: a system turn, user and assistant turns that end with the user's, one to eight responses.
 * Pure value → value functions; `inspect-store.ts` holds the value.
 *
 * Invariants: turns alternate user, assistant, …, user; there are `MIN_RESPONSES`…`MAX_RESPONSES` responses; ids are unique.
 */
import type { Message } from '@/engine/api/messages.ts';

export const MIN_RESPONSES = 1;
export const MAX_RESPONSES = 8;

export interface Turn {
  readonly id: number;
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

export interface ResponseDraft {
  readonly id: number;
  readonly text: string;
}

export interface Conversation {
  /** `undefined`: no system turn (which is not the same as an empty one for every template). */
  readonly system: string | undefined;
  readonly turns: readonly Turn[];
  readonly responses: readonly ResponseDraft[];
  readonly nextId: number;
}

/** A conversation as plain texts: what links and files carry. Turns alternate and begin and end with the user's. */
export interface ConversationTexts {
  readonly system?: string | undefined;
  readonly turns: readonly string[];
  readonly responses: readonly string[];
}

/** A conversation from plain texts; pads with empty responses up to the minimum. */
export function conversationOf(texts: ConversationTexts): Conversation {
  const turns = texts.turns.length % 2 === 1 ? texts.turns : [...texts.turns, ''];
  const responses = [...texts.responses].slice(0, MAX_RESPONSES);
  while (responses.length < MIN_RESPONSES) responses.push('');
  return {
    system: texts.system,
    turns: turns.map((content, index) => ({ id: index, role: index % 2 === 0 ? 'user' : 'assistant', content })),
    responses: responses.map((text, index) => ({ id: turns.length + index, text })),
    nextId: turns.length + responses.length,
  };
}

/** The plain texts of a conversation, empty responses included. */
export function conversationTexts(state: Conversation): ConversationTexts {
  return {
    ...(state.system === undefined ? {} : { system: state.system }),
    turns: state.turns.map((turn) => turn.content),
    responses: state.responses.map((response) => response.text),
  };
}

/** A, B, … H: the name of the response at `index`. */
export function responseLetter(index: number): string {
  return String.fromCharCode(65 + index);
}

export function setSystem(state: Conversation, system: string | undefined): Conversation {
  return { ...state, system };
}

export function setTurn(state: Conversation, id: number, content: string): Conversation {
  return { ...state, turns: state.turns.map((turn) => (turn.id === id ? { ...turn, content } : turn)) };
}

/** Appends an assistant turn and the user's next one. */
export function addExchange(state: Conversation): Conversation {
  return {
    ...state,
    turns: [
      ...state.turns,
      { id: state.nextId, role: 'assistant', content: '' },
      { id: state.nextId + 1, role: 'user', content: '' },
    ],
    nextId: state.nextId + 2,
  };
}

/** Removes the turn `id` and its partner, so that turns still alternate; the only user turn stays. */
export function removeExchange(state: Conversation, id: number): Conversation {
  const index = state.turns.findIndex((turn) => turn.id === id);
  if (index === -1 || state.turns.length < 3) return state;
  // A user turn goes with the answer to it; the last user turn has none, so it goes with the answer before it.
  const isLast = index === state.turns.length - 1;
  const first = isLast || state.turns[index]?.role === 'assistant' ? index - 1 : index;
  return { ...state, turns: state.turns.filter((_, at) => at !== first && at !== first + 1) };
}

export function setResponse(state: Conversation, id: number, text: string): Conversation {
  return {
    ...state,
    responses: state.responses.map((response) => (response.id === id ? { ...response, text } : response)),
  };
}

/** Adds a response after the last; unchanged at the maximum. */
export function addResponse(state: Conversation, text = ''): Conversation {
  if (state.responses.length >= MAX_RESPONSES) return state;
  return { ...state, responses: [...state.responses, { id: state.nextId, text }], nextId: state.nextId + 1 };
}

/** Puts a copy of response `id` right after it; unchanged at the maximum. */
export function duplicateResponse(state: Conversation, id: number): Conversation {
  const index = state.responses.findIndex((response) => response.id === id);
  const original = state.responses[index];
  if (original === undefined || state.responses.length >= MAX_RESPONSES) return state;
  return {
    ...state,
    responses: state.responses.toSpliced(index + 1, 0, { id: state.nextId, text: original.text }),
    nextId: state.nextId + 1,
  };
}

/** Unchanged at the minimum. */
export function removeResponse(state: Conversation, id: number): Conversation {
  if (state.responses.length <= MIN_RESPONSES) return state;
  return { ...state, responses: state.responses.filter((response) => response.id !== id) };
}

/** Moves response `id` one place up or down; unchanged at the ends. */
export function moveResponse(state: Conversation, id: number, by: -1 | 1): Conversation {
  const from = state.responses.findIndex((response) => response.id === id);
  const moved = state.responses[from];
  const to = from + by;
  if (moved === undefined || to < 0 || to >= state.responses.length) return state;
  return { ...state, responses: state.responses.toSpliced(from, 1).toSpliced(to, 0, moved) };
}

/** The messages before the response, as the engine takes them. */
export function conversationMessages(state: Conversation): Message[] {
  const turns: Message[] = state.turns.map(({ role, content }) => ({ role, content }));
  return state.system === undefined ? turns : [{ role: 'system', content: state.system }, ...turns];
}

/** What keeps the conversation from being scored, in words, first field first; empty when it can be. */
export function conversationProblems(state: Conversation): { readonly field: string; readonly message: string }[] {
  const problems: { field: string; message: string }[] = [];
  state.turns.forEach((turn, index) => {
    if (turn.content.trim() !== '') return;
    const last = index === state.turns.length - 1;
    problems.push({
      field: `turn-${turn.id}`,
      message: last ? 'Write what the user asks.' : 'This turn is empty: write it, or remove it.',
    });
  });
  if (state.responses.every((response) => response.text.trim() === '')) {
    problems.push({
      field: `response-${state.responses[0]?.id ?? 0}`,
      message: 'Write at least one response to score.',
    });
  }
  return problems;
}
