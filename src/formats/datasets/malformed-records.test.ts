import { describe, expect, test } from 'vitest';
import { lines, read, readBytes } from './test-reading.ts';

describe('records that cannot be used are listed with row, field and reason', () => {
  const message = (role: string, content: unknown) => ({ role, content });
  const pair = { prompt: 'p', chosen: 'a', rejected: 'b' };
  const styles = { prompt: 'p', chosen: ['a', 'b', 'c'], rejected: ['d', 'e', 'f'] };
  const hh = { chosen: '\n\nHuman: x\n\nAssistant: y', rejected: '\n\nHuman: x\n\nAssistant: z' };
  const list = { instruction: 'p', completions: [{ response: 'a' }] };
  const rated = { prompt: 'p', response: 'a', helpfulness: 1 };
  const talk = { messages: [message('user', 'x'), message('assistant', 'y')] };
  const cases: [string, unknown, unknown, string, RegExp][] = [
    ['not JSON', pair, '{"prompt": "p"', '', /not valid JSON/],
    ['not an object', pair, [1], '', /JSON object/],
    ['a missing side', pair, { ...pair, rejected: undefined }, 'rejected', /is missing/],
    ['a null side', pair, { ...pair, chosen: null }, 'chosen', /is missing/],
    ['a side that is a number', pair, { ...pair, chosen: 3 }, 'chosen', /text or an array/],
    ['no prompt at all', pair, { ...pair, prompt: undefined }, 'prompt', /is missing/],
    [
      'a prompt that ends with the assistant',
      pair,
      { ...pair, prompt: [message('assistant', 'x')] },
      'prompt',
      /end with the user/,
    ],
    ['an unknown role', pair, { ...pair, prompt: [message('tool', 'x')] }, 'prompt[0].role', /"system", "user"/],
    [
      'content that is no text',
      pair,
      { ...pair, prompt: [message('user', [1])] },
      'prompt[0].content',
      /must be a text/,
    ],
    [
      'a side that ends with the user',
      pair,
      { ...pair, chosen: [message('user', 'x')] },
      'chosen',
      /assistant's message/,
    ],
    [
      'sides that answer different conversations',
      { ...pair, prompt: undefined, chosen: talk.messages, rejected: talk.messages },
      { chosen: talk.messages, rejected: [message('user', 'other'), message('assistant', 'y')] },
      'rejected',
      /same conversation/,
    ],
    [
      'a label that is no number',
      { ...pair, score_chosen: 1 },
      { ...pair, score_chosen: 'x' },
      'score_chosen',
      /finite number/,
    ],
    ['two styles', styles, { ...styles, chosen: ['a', 'b'] }, 'chosen', /three texts.* not 2/],
    ['a style that is no text', styles, { ...styles, rejected: ['a', 'b', 3] }, 'rejected[2]', /must be a text, not 3/],
    [
      'a transcript that begins with the assistant',
      hh,
      { ...hh, chosen: '\n\nAssistant: y' },
      'chosen',
      /begin with "Human:"/,
    ],
    [
      'a transcript that ends with the human',
      hh,
      { ...hh, rejected: `${hh.rejected}\n\nHuman: more` },
      'rejected',
      /assistant says/,
    ],
    [
      'a speaker who speaks twice',
      hh,
      { ...hh, rejected: '\n\nHuman: x\n\nHuman: x\n\nAssistant: z' },
      'rejected',
      /turn 2.* same speaker/,
    ],
    [
      'transcripts of different conversations',
      hh,
      { ...hh, rejected: '\n\nHuman: q\n\nAssistant: z' },
      'rejected',
      /same conversation/,
    ],
    ['no completion', list, { ...list, completions: [] }, 'completions', /holds no response/],
    ['completions that are no array', list, { ...list, completions: 'a' }, 'completions', /must be an array/],
    [
      'a completion without a text',
      list,
      { ...list, completions: [{ model: 'a' }] },
      'completions[0]',
      /no text under/,
    ],
    ['a completion that is a number', list, { ...list, completions: [7] }, 'completions[0]', /text or an object/],
    ['a rating that is a word', rated, { ...rated, helpfulness: 'high' }, 'helpfulness', /finite number/],
    ['a response that is missing', rated, { ...rated, response: undefined }, 'response', /is missing/],
    ['messages without an answer', talk, { messages: [message('user', 'x')] }, 'messages', /assistant's message/],
    ['messages that are a text', talk, { messages: 5 }, 'messages', /text or an array/],
    [
      'an input without messages',
      { input: { messages: [message('user', 'x')] }, preferred_output: 'a', non_preferred_output: 'b' },
      { input: {}, preferred_output: 'a', non_preferred_output: 'b' },
      'input.messages',
      /array of messages/,
    ],
    ['a subset that is an object', { ...pair, subset: 'x' }, { ...pair, subset: {} }, 'subset', /must be a text/],
    [
      'a second system message',
      { ...pair, system: 's' },
      { ...pair, system: 's', prompt: [message('system', 't'), message('user', 'x')] },
      'system',
      /already has a system/,
    ],
    [
      'labels of another length',
      { prompt: 'p', responses: ['a'], scores: [1] },
      { prompt: 'p', responses: ['a'], scores: [1, 2] },
      'scores',
      /2 labels for 1/,
    ],
  ];
  test.each(cases)('%s', async (_, fine, bad, field, reason) => {
    const { items, rejected } = await read(lines(fine, bad, fine));
    expect(items.flatMap(({ responses }) => responses).length).toBeGreaterThan(1);
    expect(rejected).toMatchObject([{ row: 2, field, text: typeof bad === 'string' ? bad : JSON.stringify(bad) }]);
    expect(rejected[0]?.reason).toMatch(reason);
    // The good records around it are all there.
    expect(new Set(items.map(({ row }) => row)).has(1)).toBe(true);
  });

  test('elements of a JSON array', async () => {
    const { items, rejected } = await read(`[${JSON.stringify(pair)}, {"a": }, 5, ${JSON.stringify(pair)}`);
    expect(items.map(({ row }) => row)).toEqual([1]);
    expect(rejected.map(({ row, reason }) => `${row} ${reason}`)).toEqual([
      expect.stringMatching(/^2 is not valid JSON/),
      '3 must be a JSON object.',
      '4 the array does not end.',
    ]);
    const { rejected: after } = await read(`[${JSON.stringify(pair)}] {"more": 1}`);
    expect(after.map(({ reason }) => reason)).toEqual(['something follows the end of the array.']);
  });

  test('rows of a CSV file', async () => {
    const { items, rejected } = await read('prompt,chosen,rejected\np,a,b\np,a\np,"a"x,b\np,a,b\n');
    expect(items.map(({ row }) => row)).toEqual([2, 5]);
    expect(rejected.map(({ row }) => row)).toEqual([3, 4]);
  });

  test('lines that are not UTF-8', async () => {
    const good = new TextEncoder().encode(lines(pair));
    const bytes = new Uint8Array([...good, 0x7b, 0xff, 0x7d, 0x0a, ...good]);
    const { items, rejected } = await readBytes(bytes);
    expect(items.map(({ row }) => row)).toEqual([1, 3]);
    expect(rejected).toMatchObject([{ row: 2, reason: 'the line is not valid UTF-8.' }]);
  });
});
