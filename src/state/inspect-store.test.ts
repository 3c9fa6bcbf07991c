import { beforeEach, expect, it } from 'vitest';
import { addResponse, conversationOf, moveResponse, setResponse, setTurn } from './conversation.ts';
import {
  cancelSubmission,
  editConversation,
  isStale,
  openConversation,
  submitConversation,
  useInspect,
  wantsScoring,
} from './inspect-store.ts';

beforeEach(() => useInspect.setState(useInspect.getInitialState(), true));

it('opens on an example that is scored by itself, but only while it is untouched', () => {
  const { submission, pristine, origin } = useInspect.getState();
  expect(submission).toMatchObject({ mode: 'automatic', recording: 'example:said-twice' });
  expect(submission?.responses).toHaveLength(2);
  expect([pristine, origin?.kind]).toEqual([true, 'example']);
  expect(wantsScoring(useInspect.getState())).toBe(true);
  editConversation((conversation) => addResponse(conversation, 'third'));
  expect(useInspect.getState().pristine).toBe(false);
  expect(wantsScoring(useInspect.getState())).toBe(false);
  expect(submitConversation()).toBe(true);
  expect(useInspect.getState().submission?.responses).toHaveLength(3);
  expect(wantsScoring(useInspect.getState())).toBe(true);
  cancelSubmission();
  expect(wantsScoring(useInspect.getState())).toBe(false);
});

it('an edit that changes nothing leaves the example untouched', () => {
  editConversation((conversation) => moveResponse(conversation, conversation.responses[0]?.id ?? -1, -1));
  expect(useInspect.getState().pristine).toBe(true);
});

it('leaves empty responses out and refuses an empty conversation', () => {
  openConversation(conversationOf({ turns: ['q'], responses: ['', 'b'] }));
  expect(useInspect.getState().submission).toBeUndefined();
  expect(submitConversation()).toBe(true);
  expect(useInspect.getState().submission?.responses.map((response) => response.text)).toEqual(['b']);
  openConversation(conversationOf({ turns: [''], responses: ['a', 'b'] }));
  expect(submitConversation()).toBe(false);
  expect(useInspect.getState().problemsShown).toBe(true);
  expect(useInspect.getState().submission).toBeUndefined();
});

it('shows results that came with their texts, and scores them only when asked', () => {
  const conversation = conversationOf({ turns: ['q'], responses: ['a'] });
  openConversation(conversation, {
    origin: { kind: 'file', name: 'x.json' },
    submit: { mode: 'recorded', recording: 'f' },
  });
  const opened = useInspect.getState().submission;
  expect(wantsScoring(useInspect.getState())).toBe(false);
  submitConversation();
  expect(useInspect.getState().submission).toMatchObject({ mode: 'asked', recording: 'f' });
  expect(useInspect.getState().submission?.id).not.toBe(opened?.id);
});

it('remembers what a draft was before it was edited and scored again, until it is edited anew', () => {
  openConversation(conversationOf({ turns: ['q'], responses: ['a', 'b'] }));
  const [first] = useInspect.getState().conversation.responses;
  const score = (text?: string) => {
    if (text !== undefined) editConversation((state) => setResponse(state, first?.id ?? -1, text));
    submitConversation();
    return useInspect.getState().submission?.responses.map(({ earlier }) => earlier?.text);
  };
  expect(score()).toEqual([undefined, undefined]);
  expect(score('a2')).toEqual(['a', undefined]);
  expect(score()).toEqual(['a', undefined]);
  expect(score('a3')).toEqual(['a2', undefined]);
  const turn = useInspect.getState().conversation.turns[0]?.id ?? -1;
  editConversation((state) => setTurn(state, turn, 'q2'));
  expect(score()).toEqual(['a3', 'b']);
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
