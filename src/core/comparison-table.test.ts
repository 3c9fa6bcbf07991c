import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparisonColumns, filterComparisons, type ComparisonQuery } from './comparison-table.ts';
import { orderRows } from './row-order.ts';
import { comparisonsOf } from './scored-set.ts';
import { randomPairs } from './test-scored-set.ts';

describe('rows in the order of a column', () => {
  const value = fc.oneof(
    fc.double(),
    fc.constantFrom(0, -0, 1, -1, Infinity, -Infinity, Number.NaN, 5e-324, -5e-324),
    fc.integer({ min: -3, max: 3 }),
  );
  test.each(['ascending', 'descending'] as const)('%s: what a stable sort gives, NaN last', (direction) => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 60 }).chain((keys) =>
          fc.record({
            keys: fc.constant(keys),
            rows: fc.array(fc.integer({ min: 0, max: keys.length - 1 }), { maxLength: 80 }),
          }),
        ),
        ({ keys, rows }) => {
          const sign = direction === 'ascending' ? 1 : -1;
          const expected = rows.toSorted((a, b) => {
            const [x, y] = [keys[a]!, keys[b]!];
            if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
            return x === y ? 0 : sign * (x < y ? -1 : 1);
          });
          expect([...orderRows(Uint32Array.from(rows), Float64Array.from(keys), direction)]).toEqual(expected);
        },
      ),
    );
  });

  test('a row that is none is the caller’s bug', () => {
    expect(() => orderRows(Uint32Array.of(3), new Float64Array(3))).toThrow('row 3 is not one of 3');
  });
});

describe('the table of comparisons', () => {
  const set = randomPairs({ pairs: 200 });
  const comparisons = comparisonsOf(set);
  const other = set.scores.map((score, row) => score + (row % 5 === 0 ? 2 : 0));
  const columns = comparisonColumns(comparisons, other, set.scores);
  const all = Array.from(comparisons.chosen.keys());
  const margin = (scores: Float64Array, i: number) =>
    scores[comparisons.chosen[i]!]! - scores[comparisons.rejected[i]!]!;
  const difference = (i: number) =>
    set.responseTokens[comparisons.chosen[i]!]! - set.responseTokens[comparisons.rejected[i]!]!;

  test('says margins and flips, into the same arrays when asked', () => {
    expect([...columns.margins]).toEqual(all.map((i) => margin(other, i)));
    expect([...columns.baseline]).toEqual(all.map((i) => margin(set.scores, i)));
    const flipped = all.map((i) => (Math.sign(margin(other, i)) === Math.sign(margin(set.scores, i)) ? 0 : 1));
    expect([...columns.flipped]).toEqual(flipped);
    expect(flipped.filter(Boolean).length).toBeGreaterThan(5);
    const again = comparisonColumns(comparisons, set.scores, set.scores, columns);
    expect(again).toBe(columns);
    expect(again.flipped.every((flip) => flip === 0)).toBe(true);
    comparisonColumns(comparisons, other, set.scores, columns);
  });

  const queries: [ComparisonQuery, (i: number) => boolean][] = [
    [{}, () => true],
    [{ subsets: new Set([1]) }, (i) => set.subsets.codes[comparisons.chosen[i]!] === 1],
    [{ margin: { from: -0.5, to: 1 } }, (i) => margin(other, i) >= -0.5 && margin(other, i) <= 1],
    [{ outcome: 'wrong' }, (i) => margin(other, i) < 0],
    [{ outcome: 'right', flipped: true }, (i) => margin(other, i) > 0 && margin(set.scores, i) < 0],
    [{ outcome: 'tied' }, () => false],
    [{ lengthDifference: { from: -20, to: 20 } }, (i) => Math.abs(difference(i)) <= 20],
  ];
  test.each(queries)('lets %o through', (query, expected) => {
    expect([...filterComparisons(set, comparisons, columns, query)]).toEqual(all.filter(expected));
  });
});
