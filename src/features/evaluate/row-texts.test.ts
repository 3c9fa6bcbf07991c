import { expect, it } from 'vitest';
import { ScoredSetBuilder } from '@/core/scored-set.ts';
import { rowConversation, rowText } from './row-texts.ts';

function setOf(messages: string | undefined, responses: readonly (string | undefined)[]) {
  const builder = new ScoredSetBuilder(['a']);
  builder.addGroup(
    'g',
    7,
    responses.map((response) => ({ score: 0, rewards: [0], gateWeights: [1], role: 'candidate' as const, response })),
    messages,
  );
  return builder.finish();
}

const said = (...roles: readonly string[]) =>
  JSON.stringify(roles.map((role, at) => ({ role, content: `${role} ${at}` })));

it('the rows compared come first, the others of their group after them, as many as Inspect shows', () => {
  const set = setOf(said('system', 'user', 'assistant', 'user'), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  expect(rowConversation(set, 0, [4, 1])).toEqual({
    system: 'system 0',
    turns: ['user 1', 'assistant 2', 'user 3'],
    responses: ['4', '1', '0', '2', '3', '5', '6', '7'],
  });
});

it('a set without texts, and turns that Inspect cannot show, open nothing', () => {
  expect(rowConversation(setOf(undefined, [undefined]), 0, [0])).toBeUndefined();
  for (const messages of [said('user', 'user', 'user'), said('assistant'), said('user', 'assistant'), 'no json', '[1]'])
    expect(rowConversation(setOf(messages, ['x']), 0, [0]), messages).toBeUndefined();
});

it('a row is its text on one line, or what is known of it', () => {
  expect(rowText(setOf(said('user'), ['two\n\nlines']), 0)).toBe('two lines');
  expect(rowText(setOf(undefined, [undefined]), 0)).toBe('response, row 7');
});
