import { expect, it } from 'vitest';
import type { ReportValue } from '@/queries/report-query.ts';
import { isTable, readableKey, tableOf } from './report-shape.ts';

it('takes lists of like records and records by name as tables', () => {
  const list: ReportValue = [
    { source: 'a', pairs: 3 },
    { source: 'b', accuracy: 0.5 },
  ];
  expect(isTable(list)).toBe(true);
  expect(tableOf(list)).toEqual({
    columns: ['source', 'pairs', 'accuracy'],
    rows: [
      ['a', 3, undefined],
      ['b', undefined, 0.5],
    ],
  });
  expect(tableOf({ x: { n: 1 }, y: { n: 2 } })).toEqual({
    columns: ['', 'n'],
    rows: [
      ['x', 1],
      ['y', 2],
    ],
  });
  expect(isTable([1, 2])).toBe(false);
  const nested: ReportValue = [
    { objective: 'a', rho: { before: 0.5, after: 0 } },
    { objective: 'b', rho: { before: 0.4, after: 0.1 } },
  ];
  expect(tableOf(nested)).toEqual({
    columns: ['objective', 'rho before', 'rho after'],
    rows: [
      ['a', 0.5, 0],
      ['b', 0.4, 0.1],
    ],
  });
  const varied: ReportValue = [{ n: { a: 1, b: 2, c: 3 } }, { n: { d: 4, e: 5 } }];
  expect(tableOf(varied)).toEqual({ columns: ['n'], rows: [['a 1; b 2; c 3'], ['d 4; e 5']] });
  expect(isTable({ a: { b: { c: { d: 1 } } }, e: { f: 1 } })).toBe(false);
});

it('makes keys readable', () => {
  expect(readableKey('testAccuracy')).toBe('test accuracy');
  expect(readableKey('longer_wins')).toBe('longer wins');
  expect(readableKey('helpsteer-verbosity')).toBe('helpsteer-verbosity');
});
