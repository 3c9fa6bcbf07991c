import { expect, test } from 'vitest';
import { comparisonsOf, nameAt, ScoredSetBuilder } from './scored-set.ts';
import type { ScoredRow } from './scored-set.ts';

const row = (change: Partial<ScoredRow> = {}): ScoredRow => ({
  score: 0.5,
  rewards: [1, 2],
  gateWeights: [0.25, 0.75],
  ...change,
});

test('rows are stored flat, and the gate once per prompt', () => {
  const builder = new ScoredSetBuilder(['a', 'b']);
  builder.addGroup('one', 7, [row({ role: 'chosen', subset: 's' }), row({ role: 'rejected', rewards: [3, 4] })]);
  builder.addGroup('two', 9, [row({ gateWeights: [0, 1] }), row({ gateWeights: [-0, 1], label: 3, subset: 's' })]);
  const set = builder.finish();
  expect(set).toMatchObject({ rows: 4, groups: 2, prompts: 3, ids: ['one', 'two'], texts: undefined });
  expect([...set.rewards]).toEqual([1, 2, 3, 4, 1, 2, 1, 2]);
  // −0 and 0 are different bits: two prompts, though of one group.
  expect([...set.promptOf]).toEqual([0, 0, 1, 2]);
  expect([...set.groupOf]).toEqual([0, 0, 1, 1]);
  expect([...set.groupStart]).toEqual([0, 2, 4]);
  expect([...set.sourceRows]).toEqual([7, 7, 9, 9]);
  expect([...set.labels]).toEqual([Number.NaN, Number.NaN, Number.NaN, 3]);
  expect([0, 1, 2, 3].map((at) => nameAt(set.subsets, at))).toEqual(['s', undefined, undefined, 's']);
  expect(set.gateLogits).toBeUndefined();
});

test('gate logits stay only while every prompt has them', () => {
  const builder = new ScoredSetBuilder(['a', 'b']);
  builder.addGroup('one', 1, [row({ gateLogits: [1, 2] }), row({ gateLogits: [1, 2] })]);
  expect([...(builder.finish().gateLogits ?? [])]).toEqual([1, 2]);
  builder.addGroup('two', 2, [row({ gateLogits: [3, 4] }), row({ gateLogits: [5, 4] })]);
  expect([...(builder.finish().gateLogits ?? [])]).toEqual([1, 2, 3, 4, 5, 4]);
  builder.addGroup('three', 3, [row()]);
  expect(builder.finish().gateLogits).toBeUndefined();
});

test('comparisons are all chosen against all rejected of one group', () => {
  const builder = new ScoredSetBuilder(['a', 'b']);
  builder.addGroup('pair', 1, [row({ role: 'rejected' }), row({ role: 'chosen' })]);
  builder.addGroup('list', 2, [row(), row(), row({ role: 'chosen' })]);
  builder.addGroup('styles', 3, [
    row({ role: 'chosen' }),
    row({ role: 'chosen' }),
    row({ role: 'rejected' }),
    row({ role: 'rejected' }),
  ]);
  const { chosen, rejected } = comparisonsOf(builder.finish());
  expect([...chosen]).toEqual([1, 5, 5, 6, 6]);
  expect([...rejected]).toEqual([0, 7, 8, 7, 8]);
});

test('a row of another width is the caller’s bug', () => {
  const builder = new ScoredSetBuilder(['a', 'b']);
  expect(() => builder.addGroup('x', 1, [row({ rewards: [1] })])).toThrow('row 0 has 1 values, 2 expected');
  expect(() => builder.addGroup('x', 1, [])).toThrow('at least one row');
});

test('100,000 rows are built', () => {
  const builder = new ScoredSetBuilder(['a', 'b']);
  for (let i = 0; i < 50_000; i++) builder.addGroup(`${i}`, i, [row({ role: 'chosen', score: i }), row({ score: -i })]);
  const set = builder.finish();
  expect(set.rows).toBe(100_000);
  expect(set.scores[99_998]).toBe(49_999);
  expect(set.rewards).toHaveLength(200_000);
});
