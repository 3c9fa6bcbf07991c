import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { histogramBins } from './histogram-bins.ts';

describe('histogramBins', () => {
  it('counts every value once, in the bin whose edges hold it', () => {
    const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, values, (a, b) => {
        const { edges, counts } = histogramBins([a, b]);
        [a, b].forEach((series, at) => {
          const expected = edges.slice(1).map((upper, bin) => {
            const from = bin === 0 ? Number.NEGATIVE_INFINITY : (edges[bin] ?? Number.NaN);
            const to = bin === edges.length - 2 ? Number.POSITIVE_INFINITY : upper;
            return series.filter((x) => x >= from && x < to).length;
          });
          expect(counts[at]).toEqual(expected);
        });
      }),
    );
  });
  it('leaves NaN out, and survives one value', () => {
    const { counts } = histogramBins([[1, Number.NaN, 1]]);
    expect(counts[0]?.reduce((sum, count) => sum + count, 0)).toBe(2);
  });
});
