import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packJson } from '@/formats/packed-json.ts';
import { MAX_RESPONSES } from './conversation.ts';
import { decodeLink, encodeLink, packedState, type LinkState } from './link-codec.ts';
import { anyLinkSteering } from './test-steering.ts';

const state: LinkState = {
  v: 1,
  model: { from: 'embedded', id: 'armoscope-embedded@0123456789ab' },
  view: { name: 'inspect', rewards: 'adjusted' },
  conversation: { system: '', turns: ['Why?'], responses: ['Because.', ''] },
};

const anyText = fc.string({ unit: 'binary', maxLength: 200 });
const anyName = fc.string({ minLength: 1, maxLength: 200 });
const id = fc.option(anyName, { nil: undefined });
const optional = <T>(key: string, arbitrary: fc.Arbitrary<T>) =>
  fc.option(arbitrary, { nil: undefined }).map((value) => (value === undefined ? {} : { [key]: value }));
const model = fc.oneof(
  id.map((known) => ({ from: 'embedded' as const, ...(known === undefined ? {} : { id: known }) })),
  fc.tuple(fc.webUrl({ withQueryParameters: true }), optional('id', anyName)).map(([url, rest]) => ({
    from: 'url' as const,
    url,
    ...rest,
  })),
  fc.tuple(anyName, optional('id', anyName)).map(([name, rest]) => ({ from: 'folder' as const, name, ...rest })),
);
const conversation = fc
  .record({
    system: optional('system', anyText),
    turns: fc.array(anyText, { minLength: 1, maxLength: 9 }).filter((turns) => turns.length % 2 === 1),
    responses: fc.array(anyText, { maxLength: MAX_RESPONSES }),
  })
  .map(({ system, ...rest }) => ({ ...system, ...rest }));
const anyState: fc.Arbitrary<LinkState> = fc
  .record({
    model,
    view: fc
      .record({
        name: fc.constantFrom('inspect', 'steer', 'debias', 'evaluate', 'models'),
        rewards: optional('rewards', fc.constantFrom('raw' as const, 'adjusted' as const, 'native' as const)),
      })
      .map(({ name, rewards }) => ({ name, ...rewards })),
    conversation: optional('conversation', conversation),
    steering: optional('steering', anyLinkSteering),
  })
  .map(({ conversation: texts, steering, ...rest }) => ({ v: 1 as const, ...rest, ...texts, ...steering }));

function problemOf(packed: string) {
  const result = decodeLink(packed);
  if (result.ok) throw new Error('was not refused');
  return result.problem;
}

describe('a link', () => {
  it('gives back any state', () => {
    fc.assert(
      fc.property(anyState, (any) => {
        const link = encodeLink(any);
        if (!link.ok) throw new Error(link.problem.message);
        const back = decodeLink(link.packed);
        expect(back).toEqual({ ok: true, state: JSON.parse(JSON.stringify(any)) });
      }),
    );
  });
  it('is found in the query of a fragment', () => {
    expect(packedState('?s=ab-_&x=1')).toBe('ab-_');
    expect(packedState('example=flattery')).toBeUndefined();
    expect(packedState('')).toBeUndefined();
  });
  it('of texts too long is not made, and says what to do', () => {
    const long = Array.from({ length: 200_000 }, (_, index) => Math.imul(index, 2654435761).toString(36)).join(' ');
    const link = encodeLink({ ...state, conversation: { turns: [long], responses: [] } });
    expect(link).toMatchObject({ ok: false, problem: { code: 'too-large' } });
  });
});

describe('a link is refused, in words,', () => {
  it('when it is damaged', () => {
    const link = encodeLink(state);
    if (!link.ok) throw new Error(link.problem.message);
    expect(problemOf(link.packed.slice(0, -3))).toMatchObject({ code: 'damaged' });
    expect(problemOf('')).toMatchObject({ code: 'damaged' });
    expect(problemOf('javascript:alert(1)')).toMatchObject({ code: 'damaged' });
  });
  it('when it is of another version', () => {
    expect(problemOf(packJson({ ...state, v: 2 }))).toMatchObject({
      code: 'other-version',
      message: expect.stringContaining('newer Armoscope') as string,
    });
    expect(problemOf(packJson({ ...state, v: 0 })).message).toContain('version 0');
  });
  it('when it is oversized', () => {
    expect(problemOf('A'.repeat(300_000))).toMatchObject({ code: 'too-large' });
  });
  it('when a section is not what it must be, naming the place', () => {
    const wrong: readonly [unknown, string][] = [
      [{ ...state, view: { name: '../x' } }, 'view.name'],
      [{ ...state, view: { name: 'inspect', rewards: 'all' } }, 'view.rewards'],
      [{ ...state, model: { from: 'url', url: 'javascript:alert(1)' } }, 'model.url'],
      [{ ...state, model: { from: 'url', url: './here/' } }, 'model.url'],
      [{ ...state, model: { from: 'disk' } }, 'model.from'],
      [{ ...state, conversation: { turns: ['a', 'b'], responses: [] } }, 'conversation.turns'],
      [{ ...state, conversation: { turns: ['a'], responses: Array(9).fill('x') } }, 'conversation.responses'],
      [{ ...state, conversation: { turns: [1], responses: [] } }, 'conversation.turns.0'],
      [{ ...state, extra: 1 }, 'extra'],
      [{ v: 1 }, 'model'],
    ];
    for (const [value, where] of wrong) {
      const problem = problemOf(packJson(value));
      expect(problem.code, where).toBe('not-valid');
      expect(problem.message).toContain(`(${where}: `);
    }
    for (const value of [null, 7, 'x', [], { v: '1' }]) expect(problemOf(packJson(value)).code).toBe('not-valid');
  });
  it('whatever was written there, without ever throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.jsonValue().map(packJson)), (packed) => {
        const result = decodeLink(packed);
        expect(result.ok || result.problem.message.length > 0).toBe(true);
      }),
    );
  });
  it('and a key named __proto__ changes nothing', () => {
    const hostile = JSON.parse(
      '{"v":1,"model":{"from":"embedded"},"view":{"name":"inspect"},"__proto__":{"polluted":1}}',
    );
    expect(decodeLink(packJson(hostile)).ok).toBe(false);
    expect('polluted' in {}).toBe(false);
  });
});
