import { expect, test } from 'vitest';
import type { DatasetItem } from '@/formats/datasets/dataset.ts';
import { defaultLabelColumns, labelsOf, nativeColumn, pairsOf } from './feature-plan.ts';

const helpSteer = { scale: 5, offset: -0.5 };
const objectives = [
  { name: 'helpsteer-helpfulness', nativeScale: helpSteer },
  { name: 'ultrafeedback-helpfulness' },
  { name: 'code-style' },
];

test('labels by name as they are, by place, or by the layout’s own names on their published scale', () => {
  expect(defaultLabelColumns(objectives, ['code-style', 'labels[1]', 'helpfulness'], undefined)).toEqual([
    { key: 'helpsteer-helpfulness' },
    { key: 'labels[1]' },
    { key: 'code-style' },
  ]);
  expect(defaultLabelColumns(objectives, ['helpfulness'], 'helpsteer')).toEqual([
    { key: 'helpfulness', scale: helpSteer },
    { key: 'ultrafeedback-helpfulness' },
    { key: 'code-style' },
  ]);
  expect(defaultLabelColumns(objectives, ['helpfulness'], 'ultrafeedback')[1]).toEqual({ key: 'helpfulness' });
  expect(nativeColumn('score', objectives[1]!)).toEqual({ key: 'score' });
});

test('a label is r: the inverse of rating = 5 r − 0.5; NaN where there is none', () => {
  const labels = labelsOf([{ key: 'h', scale: helpSteer }, { key: 'raw' }, null, { key: 'absent' }], { h: 4, raw: 7 });
  expect([...labels]).toEqual([Math.fround(0.9), 7, NaN, NaN]);
});

test('pairs: each chosen with each rejected; among rated ones the best with the worst; none where nothing differs', () => {
  const item = (responses: readonly (readonly [DatasetItem['responses'][number]['role'], number?])[]): DatasetItem => ({
    row: 1,
    id: '1',
    messages: [],
    responses: responses.map(([role, label]) => ({ text: '', role, ...(label === undefined ? {} : { label }) })),
    extra: '',
  });
  expect(pairsOf(item([['chosen'], ['rejected'], ['rejected']]))).toEqual([
    [0, 1],
    [0, 2],
  ]);
  expect(pairsOf(item([['chosen', 1]]))).toEqual([]);
  expect(
    pairsOf(item([['candidate', 2], ['candidate', 9], ['candidate'], ['candidate', 1], ['candidate', 9]])),
  ).toEqual([[1, 3]]);
  expect(
    pairsOf(
      item([
        ['candidate', 2],
        ['candidate', 2],
      ]),
    ),
  ).toEqual([]);
});
