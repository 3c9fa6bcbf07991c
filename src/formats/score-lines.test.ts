import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatScoreLine, parseScoreLine } from './score-lines.ts';

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const system = (content: string) => ({ role: 'system', content });
const parse = (value: unknown) => parseScoreLine(typeof value === 'string' ? value : JSON.stringify(value), 7);

describe('parseScoreLine', () => {
  it.each<[string, unknown, unknown]>([
    ['prompt and response', { prompt: 'q', response: 'a' }, { kind: 'response', messages: [user('q')], response: 'a' }],
    ['an empty response', { prompt: 'q', response: '' }, { kind: 'response', response: '' }],
    [
      'messages',
      { messages: [system('s'), user('q'), assistant('x'), user('r'), assistant('a')] },
      { kind: 'response', messages: [system('s'), user('q'), assistant('x'), user('r')], response: 'a' },
    ],
    ['messages and response', { messages: [user('q')], response: 'a' }, { messages: [user('q')], response: 'a' }],
    ['prompt as messages', { prompt: [user('q')], response: 'a' }, { messages: [user('q')] }],
    ['null as absent', { prompt: 'q', response: 'a', messages: null, chosen: null }, { kind: 'response' }],
    [
      'a pair of texts',
      { prompt: 'q', chosen: 'a', rejected: 'b' },
      { kind: 'pair', messages: [user('q')], chosen: 'a', rejected: 'b' },
    ],
    [
      'a pair after messages',
      { messages: [user('q')], chosen: 'a', rejected: 'b' },
      { kind: 'pair', messages: [user('q')] },
    ],
    [
      'a pair of conversations',
      { chosen: [user('q'), assistant('a')], rejected: [user('q'), assistant('b')] },
      { kind: 'pair', messages: [user('q')], chosen: 'a', rejected: 'b' },
    ],
    [
      'a pair of conversations with the prompt repeated',
      {
        prompt: 'q',
        chosen: [system('s'), user('q'), assistant('a')],
        rejected: [system('s'), user('q'), assistant('b')],
      },
      { messages: [system('s'), user('q')] },
    ],
    [
      'a pair of single messages',
      { prompt: 'q', chosen: [assistant('a')], rejected: [assistant('b')] },
      { messages: [user('q')], chosen: 'a' },
    ],
    [
      'a text and a conversation',
      { chosen: [user('q'), assistant('a')], rejected: 'b' },
      { messages: [user('q')], rejected: 'b' },
    ],
  ])('reads %s', (_name, value, expected) => {
    expect(parse(value)).toMatchObject({ line: 7, ...(expected as object) });
  });

  it.each<[unknown, string]>([
    ['{', 'not valid JSON'],
    ['[]', 'must be a JSON object.'],
    ['3', 'must be a JSON object.'],
    [{}, 'needs "prompt" and "response"'],
    [{ prompt: 'q' }, '"response" (or "chosen" and "rejected") is missing'],
    [{ response: 'a' }, '"prompt" (or "messages") is missing beside "response".'],
    [{ prompt: 'q', response: 3 }, '"response" must be a text.'],
    [{ prompt: 3, response: 'a' }, '"prompt" must be a text or an array of messages.'],
    [{ messages: 3 }, '"messages" must be an array of messages.'],
    [{ messages: [user('q')] }, '"messages" must end with the assistant\'s message'],
    [{ messages: [] }, '"messages" must end with the assistant\'s message'],
    [{ messages: [assistant('a')] }, "must end with the user's message."],
    [{ messages: [user('q'), assistant('x')], response: 'a' }, "must end with the user's message."],
    [{ messages: [3] }, 'messages[0] must be an object'],
    [
      { messages: [user('q'), { role: 'tool', content: 'x' }] },
      'messages[1].role must be "system", "user" or "assistant", not "tool".',
    ],
    [{ messages: [{ role: 'user', content: [] }] }, 'messages[0].content must be a text.'],
    [{ prompt: 'q', chosen: 'a' }, '"rejected" is missing beside "chosen".'],
    [{ prompt: 'q', rejected: 'a' }, '"chosen" is missing beside "rejected".'],
    [{ chosen: 'a', rejected: 'b' }, '"prompt" (or "messages") is missing'],
    [{ prompt: 'q', chosen: 'a', rejected: 'b', response: 'c' }, 'has both "response" and "chosen"'],
    [{ prompt: 'q', messages: [user('q')], response: 'c' }, 'has both "prompt" and "messages"'],
    [{ prompt: 'q', chosen: [], rejected: 'b' }, '"chosen" must end with the assistant\'s message.'],
    [
      { chosen: [user('q'), assistant('a')], rejected: [user('p'), assistant('b')] },
      'must answer the same conversation.',
    ],
    [{ prompt: 'p', chosen: [user('q'), assistant('a')], rejected: 'b' }, 'is not the one in "prompt"'],
  ])('says what is wrong with %j', (value, message) => {
    const result = parse(value);
    expect(result).toMatchObject({ kind: 'error', line: 7 });
    expect('message' in result ? result.message : '').toContain(message);
  });

  it('keeps other fields as they were written, also of a bad line', () => {
    const text =
      ' {"id": 12345678901234567890, "prompt":"a,\\"b}", "x":{"y":[1.0,"],"]} , "response":"r", "z\\u0041":1e3, "n":null}\r';
    const extra = new Map([
      ['id', '12345678901234567890'],
      ['x', '{"y":[1.0,"],"]}'],
      ['zA', '1e3'],
      ['n', 'null'],
    ]);
    expect(parse(text)).toMatchObject({ kind: 'response', extra });
    expect(parse(text.replace('"response":"r"', '"response":4'))).toMatchObject({ kind: 'error', extra });
  });

  it('finds the fields of any object that JSON.parse finds', () => {
    const property = fc.property(
      fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
      fc.constantFrom(undefined, 1, '\t'),
      (object, space) => {
        const { prompt: _p, messages: _m, response: _r, chosen: _c, rejected: _j, ...others } = object;
        const { extra } = parseScoreLine(JSON.stringify(object, undefined, space), 1);
        const found = Object.fromEntries([...extra].map(([key, text]) => [key, JSON.parse(text) as unknown]));
        return JSON.stringify(found) === JSON.stringify(others);
      },
    );
    expect(fc.check(property, { numRuns: 500 })).toMatchObject({ failed: false });
  });

  it('never throws', () => {
    const keys = fc.constantFrom('prompt', 'messages', 'response', 'chosen', 'rejected', 'id');
    const message = fc.record({ role: fc.constantFrom('user', 'assistant', 'system', 'tool'), content: fc.string() });
    const value = fc.oneof(fc.string(), fc.array(message, { maxLength: 3 }), fc.jsonValue());
    const property = fc.property(fc.dictionary(keys, value), (object) => {
      const result = parseScoreLine(JSON.stringify(object), 3);
      return result.line === 3 && (result.kind === 'error' || result.messages.at(-1)?.role === 'user');
    });
    expect(fc.check(property, { numRuns: 2000 })).toMatchObject({ failed: false });
  });
});

describe('formatScoreLine', () => {
  it('puts kept fields first, exactly, and lets results win', () => {
    const extra = new Map([
      ['id', '12345678901234567890'],
      ['score', '"old"'],
      ['a"b', '1.0'],
    ]);
    expect(formatScoreLine(extra, { score: 0.1, rewards: new Float64Array([1 / 3, -0.5]), skipped: undefined })).toBe(
      '{"id":12345678901234567890,"a\\"b":1.0,"score":0.1,"rewards":[0.3333333333333333,-0.5]}',
    );
  });

  it('refuses numbers that JSON cannot hold', () => {
    expect(() => formatScoreLine(new Map(), { score: Number.NaN })).toThrow(RangeError);
    expect(() => formatScoreLine(new Map(), { chosen: { rewards: new Float64Array([Infinity]) } })).toThrow(RangeError);
  });
});
