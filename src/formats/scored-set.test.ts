import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ScoredSetBuilder } from '@/core/scored-set.ts';
import type { ScoredRow, ScoredSet } from '@/core/scored-set.ts';
import { FormatError } from './errors.ts';
import { memorySource } from './memory-source.ts';
import { readScoredSet, scoredFormatOf, writeScoredSet } from './scored-set.ts';
import type { ScoredFormat } from './scored-set.ts';

const sourceOf = (text: string, name = 'scores.jsonl') => memorySource(name, new TextEncoder().encode(text));
const lines = (...values: readonly unknown[]) =>
  sourceOf(values.map((value) => `${typeof value === 'string' ? value : JSON.stringify(value)}\n`).join(''));

function bytesOf(set: ScoredSet, format: ScoredFormat): Uint8Array<ArrayBuffer> {
  const parts = [...writeScoredSet(set, format)];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function throughFile(set: ScoredSet, format: ScoredFormat): Promise<ScoredSet> {
  const source = memorySource(`x.${format}`, bytesOf(set, format));
  expect(await scoredFormatOf(source)).toBe(format);
  const { set: read, rejected } = await readScoredSet(source);
  expect(rejected).toEqual([]);
  return read;
}

/** Any finite f64, −0 and subnormals included. */
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const k = 3;
const vector = fc.array(number, { minLength: k, maxLength: k });
const someText = fc.oneof(fc.string(), fc.constantFrom('a,b', '"q"', ' pad ', 'two\nlines', '\r\n', '😀é', ''));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const whole = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const scoredRow: fc.Arbitrary<ScoredRow> = fc.record({
  score: number,
  rewards: vector,
  gateWeights: vector,
  gateLogits: vector,
  role: fc.constantFrom('candidate', 'chosen', 'rejected'),
  style: maybe(fc.constantFrom(0, 1, 2)),
  label: maybe(number),
  responseTokens: maybe(whole),
  characters: maybe(whole),
  subset: maybe(someText.filter((text) => text !== '')),
  section: maybe(someText.filter((text) => text !== '')),
  warnings: maybe(fc.array(fc.record({ code: someText, message: someText }), { minLength: 1, maxLength: 2 })),
  extra: fc.constantFrom('', '{"a":1.50}', '{ "id": 12345678901234567890 }'),
  response: someText,
});
const scoredSet = fc
  .record({
    groups: fc.array(
      fc.record({ id: fc.string({ minLength: 1 }), rows: fc.array(scoredRow, { minLength: 1, maxLength: 3 }) }),
      { minLength: 1, maxLength: 5 },
    ),
    transform: fc.array(number, { minLength: k * k, maxLength: k * k }),
    temperature: fc.double({ min: 1e-300, max: 1e300, noNaN: true }),
  })
  .map(({ groups, transform, temperature }) => {
    const head = { transform: Float64Array.from(transform), temperature, logitScale: -0, activeObjectives: [2, 0] };
    const builder = new ScoredSetBuilder(['verbosity', 'a "b", c', '😀'], 'model@0123', head);
    for (const [i, { id, rows }] of groups.entries())
      builder.addGroup(id, i + 3, rows, '[{"role":"user","content":"x\\ny"}]');
    return builder.finish();
  });

describe('a set comes back from its export', () => {
  test.each(['jsonl', 'parquet'] as const)('%s: everything, to the bit', async (format) => {
    await fc.assert(
      fc.asyncProperty(scoredSet, async (set) => {
        // toEqual tells −0 from 0.
        expect(await throughFile(set, format)).toEqual(set);
      }),
      { numRuns: 60 },
    );
  });

  test('csv: everything but the model and its head', async () => {
    await fc.assert(
      fc.asyncProperty(scoredSet, async (set) => {
        expect(await throughFile(set, 'csv')).toEqual({ ...set, modelId: undefined, head: undefined });
      }),
      { numRuns: 60 },
    );
  });

  test.each(['jsonl', 'csv', 'parquet'] as const)('%s: without texts, logits, labels', async (format) => {
    const builder = new ScoredSetBuilder(['a']);
    builder.addGroup('1', 1, [{ score: 1, rewards: [2], gateWeights: [3] }]);
    const set = builder.finish();
    expect(await throughFile(set, format)).toEqual(set);
  });
});

const scored = (change: object = {}) => ({
  score: 0.5,
  rewards: [1, 2],
  adjustedRewards: [1, 1],
  gateWeights: [0.5, 0.5],
  coefficients: [0.5, 0],
  tokens: 20,
  responseTokens: 8,
  characters: 30,
  ...change,
});

describe('what npm run score writes', () => {
  test('pairs and responses, with their own fields kept digit for digit', async () => {
    const { set, rejected } = await readScoredSet(
      lines(
        '{"id":"p1","subset":"hep-cpp","big":12345678901234567890,"chosen":' +
          `${JSON.stringify(scored())},"rejected":${JSON.stringify(scored({ score: 0.25 }))},"margin":0.25}`,
        { ...scored(), label: 4 },
        { ...scored(), label: 2 },
        { ...scored({ gateWeights: [1, 0] }), warnings: [{ code: 'whitespace', message: 'w' }] },
      ),
      { objectives: ['x', 'y'] },
    );
    expect(rejected).toEqual([]);
    expect(set).toMatchObject({ rows: 5, groups: 3, prompts: 3, objectives: ['x', 'y'], ids: ['p1', '2', '4'] });
    expect([...set.roles]).toEqual([1, 2, 0, 0, 0]);
    expect([...set.labels]).toEqual([Number.NaN, Number.NaN, 4, 2, Number.NaN]);
    expect([...set.responseTokens]).toEqual([8, 8, 8, 8, 8]);
    expect(set.extras[0]).toBe('{"big":12345678901234567890}');
    expect(set.subsets.names).toEqual(['hep-cpp']);
    expect(set.warnings.get(4)).toEqual([{ code: 'whitespace', message: 'w' }]);
  });

  test('without the model, the transform is recovered from the adjusted rewards', async () => {
    const rows = [
      [1, 2],
      [0.5, -1],
      [3, 0.25],
    ].map((rewards) => scored({ rewards, adjustedRewards: [rewards[0]! - 0.5 * rewards[1]!, 0] }));
    const { set } = await readScoredSet(lines(...rows));
    expect(set.head).toEqual({ transform: Float64Array.of(1, 0, -0.5, 0) });
    const bad = rows.map((row, i) => ({ ...row, adjustedRewards: [i, i] }));
    expect((await readScoredSet(lines(...bad))).set.head).toBeUndefined();
  });

  test('a named group holds lines together, and apart', async () => {
    const { set } = await readScoredSet(
      lines(
        { ...scored(), prompt_id: 1 },
        { ...scored({ gateWeights: [1, 0] }), prompt_id: 1 },
        { ...scored(), group: 'g' },
      ),
    );
    expect([...set.groupOf]).toEqual([0, 0, 1]);
    expect(set.objectives).toEqual(['objective-1', 'objective-2']);
  });
});

describe('rows that cannot be used are listed with line, field and reason', () => {
  const own = { group: 0, role: 'candidate', score: 1, rewards: [1, 2], gateWeights: [1, 0] };
  const header = { armoscope: { kind: 'scored-set', version: 1, objectives: ['a', 'b'] } };
  test.each([
    ['{"score":', '', /not valid JSON/],
    ['[1]', '', /must be a JSON object/],
    [JSON.stringify({ line: 3, error: 'too long' }), '', /was not scored: too long/],
    [scored({ rewards: [1] }), 'rewards', /has 1 numbers where the rows before have 2/],
    [scored({ rewards: [1, 'x'] }), 'rewards[1]', /finite number, not "x"/],
    [scored({ rewards: [1, null] }), 'rewards[1]', /not null/],
    [scored({ rewards: 3 }), 'rewards', /array of numbers, not 3/],
    [scored({ gateWeights: undefined }), 'gateWeights', /not absent/],
    [scored({ gateWeights: [1] }), 'gateWeights', /has 1 numbers/],
    [scored({ score: '1' }), 'score', /finite number/],
    [scored({ score: undefined }), 'score', /is missing/],
    [scored({ label: 'good' }), 'label', /finite number/],
    [scored({ responseTokens: 1.5 }), 'responseTokens', /whole number/],
    [scored({ subset: {} }), 'subset', /must be a text/],
    [scored({ warnings: [1] }), 'warnings[0]', /"code" and "message"/],
    [{ chosen: scored(), rejected: scored({ score: null }) }, 'rejected.score', /finite number/],
  ])('%j', async (bad, field, reason) => {
    const { set, rejected } = await readScoredSet(lines(scored(), bad, scored()));
    expect(set.rows).toBe(2);
    expect(rejected).toMatchObject([{ row: 2, field, text: typeof bad === 'string' ? bad : JSON.stringify(bad) }]);
    expect(rejected[0]?.reason).toMatch(reason);
  });

  test.each([
    [{ ...own, group: undefined }, 'group', /is missing/],
    [{ ...own, group: -1 }, 'group', /at least 0/],
    [{ ...own, role: 'best' }, 'role', /one of candidate, chosen, rejected/],
    [{ ...own, style: 3 }, 'style', /0, 1 or 2/],
    [{ ...own, extra: 1 }, 'extra', /object/],
    [{ ...own, gateLogits: [1] }, 'gateLogits', /has 1 numbers/],
  ])('own export: %j', async (bad, field, reason) => {
    const { set, rejected } = await readScoredSet(lines(header, own, bad));
    expect(set.rows).toBe(1);
    expect(rejected).toMatchObject([{ row: 3, field }]);
    expect(rejected[0]?.reason).toMatch(reason);
  });

  test('csv: cells, field counts and quotes', async () => {
    const text = [
      'group,score,reward.a,gate.a,extra',
      '0,1,2,3,',
      '1,x,2,3,',
      '2,1,,3,',
      '3,1,2',
      '4,1,"2"5,3,',
      '5,1,2,3,"{bad}"',
      '6,1,2,Infinity,',
      '',
      '7,1,2,3,"{""a"":',
      '1}"',
      '8,1,2,3,"',
      '9,1,2,3,',
    ].join('\n');
    const { set, rejected } = await readScoredSet(sourceOf(text, 'x.csv'));
    expect([...set.sourceRows]).toEqual([2, 10, 13]);
    expect(set.extras).toEqual(['', '{"a":\n1}', '']);
    expect(rejected.map(({ row, field }) => [row, field])).toEqual([
      [3, 'score'],
      [4, 'reward.a'],
      [5, ''],
      [6, ''],
      [7, 'extra'],
      [8, 'gate.a'],
      [12, ''],
    ]);
    expect(rejected.map(({ reason }) => reason).join('\n')).toMatch(/3 fields where the header has 5[\s\S]*malformed/);
  });
});

describe('files that are not scores are refused with a reason', () => {
  test.each([
    ['a dataset', lines({ prompt: 'x', chosen: 'a', rejected: 'b' }), /is not a file of scores/],
    ['empty', sourceOf(''), /is not a file of scores/],
    ['nothing usable', lines(scored({ rewards: [] })), /row 1, rewards: must not be empty. No other row/],
    ['another version', lines({ armoscope: { kind: 'scored-set', version: 2 } }), /version 2 .* reads version 1/],
    ['a header without names', lines({ armoscope: { kind: 'scored-set', version: 1 } }), /"objectives"/],
    ['names twice', lines({ armoscope: { kind: 'scored-set', version: 1, objectives: ['a', 'a'] } }), /one twice/],
    [
      'a transform of another size',
      lines({ armoscope: { kind: 'scored-set', version: 1, objectives: ['a'], head: { transform: [1, 2] } } }),
      /must be 1 finite numbers/,
    ],
    ['csv without gates', sourceOf('group,score,reward.a\n1,1,1\n', 'x.csv'), /"reward.a" but no "gate.a"/],
    ['csv with a column twice', sourceOf('score,score,reward.a\n1,1,1\n', 'x.csv'), /two columns are named "score"/],
  ])('%s', async (_, source, message) => {
    const failure = readScoredSet(source);
    await expect(failure).rejects.toThrow(FormatError);
    await expect(failure).rejects.toThrow(message);
  });

  test('a cut or damaged Parquet file', async () => {
    const builder = new ScoredSetBuilder(['a']);
    for (let i = 0; i < 50; i++) builder.addGroup(`${i}`, i, [{ score: i, rewards: [i], gateWeights: [1] }]);
    const bytes = bytesOf(builder.finish(), 'parquet');
    await expect(readScoredSet(memorySource('x', bytes.slice(0, 200)))).rejects.toThrow(FormatError);
    const outcomes = new Set<string>();
    for (let at = 4; at < bytes.length - 8; at += 7) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      const outcome = readScoredSet(memorySource('x', damaged)).then(
        () => 'read',
        (error: unknown) => (error instanceof FormatError ? 'refused' : String(error)),
      );
      outcomes.add(await outcome);
    }
    expect([...outcomes].sort()).toEqual(['read', 'refused']);
  });
});
