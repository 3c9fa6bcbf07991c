import { beforeEach, expect, it } from 'vitest';
import { addResponse, conversationOf, setResponse, setTurn } from './conversation.ts';
import { editConversation, isStale, openConversation, submitConversation, useInspect } from './inspect-store.ts';

beforeEach(() => useInspect.setState(useInspect.getInitialState(), true));

it('the example can be scored as it is, and only untouched is it pristine', () => {
  expect(useInspect.getState().pristine).toBe(true);
  expect(submitConversation()).toBe(true);
  expect(useInspect.getState().submission?.responses).toHaveLength(2);
  editConversation((conversation) => addResponse(conversation, 'third'));
  expect(useInspect.getState().pristine).toBe(false);
});

it('leaves empty responses out and refuses an empty conversation', () => {
  openConversation(conversationOf({ turns: ['q'], responses: ['', 'b'] }));
  expect(submitConversation()).toBe(true);
  expect(useInspect.getState().submission?.responses.map((response) => response.text)).toEqual(['b']);
  openConversation(conversationOf({ turns: [''], responses: ['a', 'b'] }));
  expect(submitConversation()).toBe(false);
  expect(useInspect.getState().problemsShown).toBe(true);
  expect(useInspect.getState().submission?.id).toBe(1);
});

it('knows which results an edit makes stale', () => {
  submitConversation();
  const { submission, conversation } = useInspect.getState();
  if (submission === undefined) throw new Error('not submitted');
  const [a, b] = conversation.responses.map((response) => response.id);
  const question = conversation.turns[0]?.id ?? -1;
  expect(isStale(submission, conversation, a ?? -1)).toBe(false);
  const edited = setResponse(conversation, a ?? -1, 'other');
  expect(isStale(submission, edited, a ?? -1)).toBe(true);
  expect(isStale(submission, edited, b ?? -1)).toBe(false);
  expect(isStale(submission, setTurn(conversation, question, 'other'), b ?? -1)).toBe(true);
});
