import { expect, test } from 'vitest';
import { assert, AssertionError, defined } from './assert.ts';

test('a broken promise throws its message; one that holds does not build it', () => {
  expect(() => assert(false, 'widths differ')).toThrow(new AssertionError('widths differ'));
  expect(() => assert(false, () => 'built late')).toThrow('built late');
  const unused = () => {
    throw new Error('built although nothing was wrong');
  };
  expect(() => assert(true, unused)).not.toThrow();
});

test('a present value is passed on, falsy ones too; a missing one is named', () => {
  expect(defined(0, 'count')).toBe(0);
  expect(defined('', 'name')).toBe('');
  expect(() => defined(undefined, 'layer 3')).toThrow('layer 3 is missing');
});
