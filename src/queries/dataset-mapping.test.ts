import { expect, it } from 'vitest';
import {
  layoutWords,
  previewRecords,
  recordShapes,
  partsOf,
  shapeWords,
  wholeMapping,
  withPart,
  withShape,
} from './dataset-mapping.ts';

const columns = ['ask', 'one', 'two'];

it('a mapping is whole once every part its shape needs names a column that is there', () => {
  const begun = withPart({ shape: 'pair' }, 'chosen', 'one');
  expect(wholeMapping(begun, columns)).toBeUndefined();
  const whole = withPart(withPart(begun, 'rejected', 'two'), 'prompt', 'ask');
  expect(wholeMapping(whole, columns)).toEqual({ shape: 'pair', prompt: 'ask', chosen: 'one', rejected: 'two' });
  expect(wholeMapping(withPart(whole, 'rejected', 'three'), columns)).toBeUndefined();
  expect(withPart(whole, 'prompt', undefined)).toEqual({ shape: 'pair', chosen: 'one', rejected: 'two' });
});

it('another shape keeps the parts it knows and drops the others', () => {
  expect(withShape({ shape: 'pair', prompt: 'ask', chosen: 'one', subset: 's' }, 'response')).toEqual({
    shape: 'response',
    prompt: 'ask',
    subset: 's',
  });
  for (const shape of recordShapes) {
    expect(partsOf(shape).some(({ required }) => required)).toBe(true);
    expect(shapeWords[shape]).not.toBe('');
  }
  expect(new Set(Object.values(layoutWords)).size).toBe(Object.keys(layoutWords).length);
});

it('the first records are shown as they would be scored, or with what is wrong with them', () => {
  const samples = [
    { ask: 'Why?', one: 'So.', two: 'Hm.' },
    { ask: 'What?', one: 'Half' },
  ];
  const [first, second] = previewRecords(
    { samples },
    { shape: 'pair', prompt: 'ask', chosen: 'one', rejected: 'two' },
    5,
  );
  expect(first).toMatchObject({
    row: 1,
    item: { messages: [{ role: 'user', content: 'Why?' }], responses: [{ text: 'So.' }, { text: 'Hm.' }] },
  });
  expect(second).toEqual({ row: 2, problem: 'two: is missing.' });
});
