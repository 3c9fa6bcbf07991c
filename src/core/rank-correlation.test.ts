import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from './errors.ts';
import { kendallTauB, midRanks, pearson, spearman } from './rank-correlation.ts';

interface CorrelationFixture {
  tolerance: number;
  correlations: { x: number[]; y: number[]; spearman: number; pearson: number; kendall_tau_b: number }[];
}
const fixture: CorrelationFixture = JSON.parse(
  readFileSync(new URL('./fixtures/correlations.json', import.meta.url), 'utf8'),
);

test.each(fixture.correlations.map((golden, index) => ({ index, golden })))('SciPy’s golden $index', ({ golden }) => {
  expect(Math.abs(spearman(golden.x, golden.y) - golden.spearman)).toBeLessThan(fixture.tolerance);
  expect(Math.abs(pearson(golden.x, golden.y) - golden.pearson)).toBeLessThan(fixture.tolerance);
  expect(Math.abs(kendallTauB(golden.x, golden.y) - golden.kendall_tau_b)).toBeLessThan(fixture.tolerance);
});

test('mid-ranks share the mean of their places', () => {
  expect([...midRanks([30, 10, 20, 10, 30, 30])]).toEqual([5, 1.5, 3, 1.5, 5, 5]);
  expect([...midRanks([Infinity, 0, -Infinity, -0])]).toEqual([4, 2.5, 1, 2.5]);
  expect([...midRanks(Float32Array.of(2, 2, 2))]).toEqual([2, 2, 2]);
  expect([...midRanks([Infinity, 1, Infinity])]).toEqual([2.5, 1, 2.5]);
});

describe('what has no correlation', () => {
  test('NaN is refused, with its place', () => {
    for (const statistic of [spearman, pearson, kendallTauB]) {
      expect(() => statistic([1, 2, 3], [1, Number.NaN, 3])).toThrow(DataError);
      expect(() => statistic([1, Number.NaN, 3], [1, 2, 3])).toThrow(/x\[1\]/);
      expect(() => statistic([1, 2], [1, 2, 3])).toThrow(/2 entries, y 3/);
    }
    expect(() => pearson([1, Infinity, 3], [1, 2, 3])).toThrow(/x\[1\]: is Infinity/);
  });

  test('a constant side or fewer than two rows give NaN', () => {
    for (const statistic of [spearman, pearson, kendallTauB]) {
      expect(statistic([0.1, 0.1, 0.1], [1, 2, 3])).toBeNaN();
      expect(statistic([1, 2, 3], [0.1, 0.1, 0.1])).toBeNaN();
      expect(statistic([1], [1])).toBeNaN();
      expect(statistic([], [])).toBeNaN();
    }
  });
});

const tied = fc.integer({ min: 2, max: 40 }).chain((n) =>
  fc.record({
    x: fc.array(fc.integer({ min: -4, max: 4 }), { minLength: n, maxLength: n }),
    y: fc.array(fc.integer({ min: -4, max: 4 }), { minLength: n, maxLength: n }),
  }),
);

describe('invariants, on heavily tied data', () => {
  const gap = (a: number, b: number) => (Number.isNaN(a) && Number.isNaN(b) ? 0 : Math.abs(a - b));

  test('τ-b is what counting all pairs gives', () => {
    fc.assert(
      fc.property(tied, ({ x, y }) => {
        let difference = 0;
        let untiedX = 0;
        let untiedY = 0;
        for (let i = 0; i < x.length; i++)
          for (let j = 0; j < i; j++) {
            const dx = Math.sign(x[i]! - x[j]!);
            const dy = Math.sign(y[i]! - y[j]!);
            difference += dx * dy;
            untiedX += Math.abs(dx);
            untiedY += Math.abs(dy);
          }
        expect(gap(kendallTauB(x, y), difference / Math.sqrt(untiedX * untiedY))).toBeLessThan(1e-12);
      }),
    );
  });

  test('ρ is Pearson’s correlation of the ranks', () => {
    fc.assert(
      fc.property(tied, ({ x, y }) => {
        expect(gap(spearman(x, y), pearson(midRanks(x), midRanks(y)))).toBeLessThan(1e-12);
      }),
    );
  });

  test('mid-ranks count the smaller, and half the equal', () => {
    fc.assert(
      fc.property(tied, ({ x }) => {
        const counted = x.map((a) => x.reduce((rank, b) => rank + (b < a ? 1 : b === a ? 0.5 : 0), 0.5));
        expect([...midRanks(x)]).toEqual(counted);
      }),
    );
  });

  test('symmetric, odd, within [−1, 1], blind to monotone maps', () => {
    fc.assert(
      fc.property(tied, ({ x, y }) => {
        for (const statistic of [spearman, pearson, kendallTauB]) {
          const value = statistic(x, y);
          expect(gap(value, statistic(y, x))).toBeLessThan(1e-12);
          const negated = y.map((v) => -v);
          expect(gap(value, -statistic(x, negated))).toBeLessThan(1e-12);
          expect(Number.isNaN(value) || Math.abs(value) <= 1).toBe(true);
        }
        for (const statistic of [spearman, kendallTauB])
          expect(gap(statistic(x, y), statistic(x.map(Math.exp), y))).toBeLessThan(1e-12);
      }),
    );
  });

  test('perfect order gives exactly ±1', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { minLength: 2, maxLength: 50 }), (x) => {
        expect(spearman(x, x)).toBe(1);
        expect(
          spearman(
            x,
            x.map((v) => -v),
          ),
        ).toBe(-1);
        expect(kendallTauB(x, x)).toBe(1);
      }),
    );
  });
});
