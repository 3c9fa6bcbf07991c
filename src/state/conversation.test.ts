import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addExchange,
  addResponse,
  conversationMessages,
  conversationOf,
  conversationProblems,
  conversationTexts,
  duplicateResponse,
  MAX_RESPONSES,
  MIN_RESPONSES,
  moveResponse,
  removeExchange,
  removeResponse,
  responseLetter,
  setResponse,
  setSystem,
  setTurn,
  type Conversation,
} from './conversation.ts';

const start = conversationOf({ turns: ['hello'], responses: ['one', 'two'] });
const texts = (state: Conversation) => state.responses.map((response) => response.text);

describe('responses', () => {
  it('are duplicated in place, moved and removed', () => {
    const first = start.responses[0]?.id ?? -1;
    const three = duplicateResponse(setResponse(start, first, 'uno'), first);
    expect(texts(three)).toEqual(['uno', 'uno', 'two']);
    const last = three.responses[2]?.id ?? -1;
    expect(texts(moveResponse(three, last, -1))).toEqual(['uno', 'two', 'uno']);
    expect(moveResponse(three, last, 1)).toBe(three);
    expect(texts(removeResponse(three, last))).toEqual(['uno', 'uno']);
    const one = removeResponse(start, first);
    expect(texts(one)).toEqual(['two']);
    expect(removeResponse(one, one.responses[0]?.id ?? -1)).toBe(one);
  });
  it('stop at eight', () => {
    let state = start;
    for (let i = 0; i < 20; i += 1) state = addResponse(state);
    expect(state.responses).toHaveLength(MAX_RESPONSES);
    expect(state.responses.map((_, index) => responseLetter(index)).join('')).toBe('ABCDEFGH');
  });
});

describe('turns', () => {
  it('grow by an exchange and shrink by one', () => {
    const longer = addExchange(start);
    expect(longer.turns.map((turn) => turn.role)).toEqual(['user', 'assistant', 'user']);
    const [user, assistant, last] = longer.turns.map((turn) => turn.id);
    const named = setTurn(setTurn(longer, assistant ?? -1, 'hi'), last ?? -1, 'more');
    expect(removeExchange(named, user ?? -1).turns.map((turn) => turn.content)).toEqual(['more']);
    expect(removeExchange(named, assistant ?? -1).turns.map((turn) => turn.content)).toEqual(['more']);
    expect(removeExchange(named, last ?? -1).turns.map((turn) => turn.content)).toEqual(['hello']);
    expect(removeExchange(start, user ?? -1)).toBe(start);
  });
  it('become messages with the system turn first', () => {
    expect(conversationMessages(setSystem(start, 'Be brief.'))).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hello' },
    ]);
    expect(conversationMessages(start)).toHaveLength(1);
  });
});

it('gives back the texts it was made of', () => {
  const plain = { system: '', turns: ['a', 'b', 'c'], responses: ['x', ''] };
  expect(conversationTexts(conversationOf(plain))).toEqual(plain);
  expect(conversationTexts(start)).toEqual({ turns: ['hello'], responses: ['one', 'two'] });
});

it('says what is missing', () => {
  expect(conversationProblems(start)).toEqual([]);
  const empty = conversationOf({ turns: [' '], responses: [] });
  expect(conversationProblems(empty).map((problem) => problem.message)).toEqual([
    'Write what the user asks.',
    'Write at least one response to score.',
  ]);
});

it('keeps its invariants under any edits', () => {
  const edit = fc.tuple(fc.constantFrom('add', 'duplicate', 'remove', 'up', 'down', 'grow', 'shrink'), fc.nat(12));
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 60 }), (edits) => {
      let state = start;
      for (const [kind, at] of edits) {
        const response = state.responses[at % state.responses.length]?.id ?? -1;
        const turn = state.turns[at % state.turns.length]?.id ?? -1;
        if (kind === 'add') state = addResponse(state);
        if (kind === 'duplicate') state = duplicateResponse(state, response);
        if (kind === 'remove') state = removeResponse(state, response);
        if (kind === 'up') state = moveResponse(state, response, -1);
        if (kind === 'down') state = moveResponse(state, response, 1);
        if (kind === 'grow') state = addExchange(state);
        if (kind === 'shrink') state = removeExchange(state, turn);
      }
      expect(state.responses.length).toBeGreaterThanOrEqual(MIN_RESPONSES);
      expect(state.responses.length).toBeLessThanOrEqual(MAX_RESPONSES);
      state.turns.forEach((turn, index) => expect(turn.role).toBe(index % 2 === 0 ? 'user' : 'assistant'));
      expect(state.turns.at(-1)?.role).toBe('user');
      const ids = [...state.turns, ...state.responses].map((entry) => entry.id);
      expect(new Set(ids).size).toBe(ids.length);
    }),
  );
});
