import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConversationJson } from './conversation-json.ts';

const read = (value: unknown) => readConversationJson(typeof value === 'string' ? value : JSON.stringify(value));
const refusal = (value: unknown): string => {
  const result = read(value);
  return result.ok ? `read as ${JSON.stringify(result.conversation)}` : result.message;
};
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });

describe('every layout is read', () => {
  const cases: readonly [string, unknown, unknown][] = [
    ['messages', [user('q'), assistant('a')], { turns: ['q'], responses: ['a'] }],
    ['messages without an answer', [user('q')], { turns: ['q'], responses: [] }],
    [
      'several turns with a system turn',
      { messages: [{ role: 'developer', content: 's' }, user('q'), assistant('a'), user('r'), assistant('b')] },
      { system: 's', turns: ['q', 'a', 'r'], responses: ['b'] },
    ],
    [
      'messages and responses',
      { messages: [user('q')], responses: ['a', 'b'] },
      { turns: ['q'], responses: ['a', 'b'] },
    ],
    ['prompt and response', { prompt: 'q', response: 'a', id: 7 }, { turns: ['q'], responses: ['a'] }],
    ['prompt messages', { prompt: [user('q')], responses: ['a'] }, { turns: ['q'], responses: ['a'] }],
    ['prompt alone', { prompt: 'q' }, { turns: ['q'], responses: [] }],
    ['a pair of texts', { prompt: 'q', chosen: 'a', rejected: 'b' }, { turns: ['q'], responses: ['a', 'b'] }],
    [
      'a pair of conversations',
      { prompt: 'q', chosen: [user('q'), assistant('a')], rejected: [user('q'), assistant('b')] },
      { turns: ['q'], responses: ['a', 'b'] },
    ],
    [
      'ShareGPT',
      {
        conversations: [
          { from: 'system', value: 's' },
          { from: 'human', value: 'q' },
          { from: 'gpt', value: 'a' },
        ],
      },
      { system: 's', turns: ['q'], responses: ['a'] },
    ],
    [
      'parts of text',
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'q1 ' },
            { type: 'text', text: 'q2' },
          ],
        },
      ],
      { turns: ['q1 q2'], responses: [] },
    ],
    [
      'an answer of a chat API',
      { choices: [{ message: assistant('a') }, { message: assistant('b') }] },
      { turns: undefined, responses: ['a', 'b'] },
    ],
    ['a list of texts', ['a', 'b'], { turns: undefined, responses: ['a', 'b'] }],
    ['an array of one', [{ prompt: 'q', response: 'a' }], { turns: ['q'], responses: ['a'] }],
  ];
  it.each(cases)('%s', (_name, value, conversation) => {
    expect(read(value)).toEqual({ ok: true, conversation });
  });
  it('inside a code fence', () => {
    expect(read('```json\n{"prompt":"q","response":"a"}\n```')).toMatchObject({ ok: true });
  });
});

describe('what cannot be read is refused in words', () => {
  const cases: readonly [unknown, RegExp][] = [
    ['', /nothing to read/],
    ['{"a":', /not valid JSON/],
    ['{"prompt":"q"}\n{"prompt":"r"}', /2 JSON lines.*Evaluate/],
    [7, /array of messages or an object/],
    [[], /empty/],
    [{}, /the object is empty/],
    [{ text: 'x', label: 1 }, /"text", "label"/],
    [
      [
        { prompt: 'q', response: 'a' },
        { prompt: 'r', response: 'b' },
      ],
      /2 conversations/,
    ],
    [[assistant('a')], /no message of the user/],
    [[user('q'), user('r')], /Message 2 is the user’s, but the assistant’s is due/],
    [[user('q'), { role: 'system', content: 's' }, user('q')], /Message 2 is a system turn/],
    [[{ role: 'tool', content: 'x' }], /message 1\.role must be.*not "tool"/],
    [[{ role: '__proto__', content: 'x' }], /message 1\.role must be/],
    [[{ role: 'user', content: 5 }], /message 1\.content must be a text/],
    [[{ role: 'user', content: [{ type: 'image_url' }] }], /message 1\.content\[0\] is not text/],
    [{ messages: 'x' }, /"messages" must be an array/],
    [{ messages: [user('q'), assistant('a')], response: 'b' }, /one or the other/],
    [{ prompt: 'q', chosen: 'a' }, /"rejected" is missing/],
    [{ chosen: 'a', rejected: 'b' }, /"prompt" \(or "messages"\) is missing/],
    [
      { prompt: 'x', chosen: [user('q'), assistant('a')], rejected: [user('q'), assistant('b')] },
      /is not the one in "prompt"/,
    ],
    [{ prompt: 'q', responses: Array(9).fill('a') }, /9 responses; Inspect takes 8/],
    [{ prompt: 'q', responses: 'a' }, /"responses" must be an array/],
    [{ prompt: 'q', response: 'a', responses: ['b'] }, /one or the other/],
    [{ choices: [{}] }, /choices\[0\]\.message\.content must be a text/],
  ];
  it.each(cases)('%j', (value, words) => {
    expect(refusal(value)).toMatch(words);
  });
  it('and nothing ever throws', () => {
    const keys = fc.constantFrom(
      'role',
      'content',
      'messages',
      'prompt',
      'chosen',
      'rejected',
      'response',
      'from',
      'value',
    );
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>(null, 1, '', 'user', 'assistant', 'text'),
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(keys, tie('node'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(fc.property(fc.oneof(node, fc.jsonValue()), (value) => refusal(value).length > 0));
  });
});
