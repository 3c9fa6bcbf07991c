import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { pairWinRegion, wilsonInterval, winRegion, worstMargin } from './win-region.ts';

const golden: { never_wins: { rewards: number[][]; best_worst_margin: number[] }[]; tolerance: number } = JSON.parse(
  readFileSync(new URL('./fixtures/steer.json', import.meta.url), 'utf8'),
);
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (value, i) => value * b[i]!).reduce((total, value) => total + value, 0);

/**
 * Share of the simplex with Σ p_i d_i > 0 by partial fractions, Σ over d_i > 0 of d_i^(f−1) / Π_(j≠i) (d_i − d_j), in whole-number
 * arithmetic without any rounding. Needs whole, distinct d.
 */
function shareByPartialFractions(difference: readonly bigint[]): number {
  let numerator = 0n;
  let denominator = 1n;
  for (const [i, value] of difference.entries()) {
    if (value <= 0n) continue;
    const top = value ** BigInt(difference.length - 1);
    let bottom = 1n;
    for (const [j, other] of difference.entries()) if (j !== i) bottom *= value - other;
    numerator = numerator * bottom + top * denominator;
    denominator *= bottom;
  }
  if (numerator === 0n) return 0;
  // Enough binary places that 53 are left of however small a share.
  const places = 1100n;
  const quotient = (numerator << places) / denominator;
  const extra = BigInt(Math.max(0, quotient.toString(2).length - 60));
  return Number(quotient >> extra) * 2 ** Number(extra - places);
}

describe('two responses, exactly', () => {
  const wholeDifferences = fc
    .uniqueArray(fc.integer({ min: -1_000_000, max: 1_000_000 }), { minLength: 1, maxLength: 23 })
    .filter((values) => values.some((value) => value !== 0));

  test('the share is that of partial fractions in exact arithmetic, up to 23 objectives, to 13 digits however small', () => {
    fc.assert(
      fc.property(wholeDifferences, (values) => {
        const { first, second, tie } = pairWinRegion(Float64Array.from(values));
        const expected = [
          shareByPartialFractions(values.map(BigInt)),
          shareByPartialFractions(values.map((v) => -BigInt(v))),
        ];
        expect(Math.abs(first - expected[0]!)).toBeLessThanOrEqual(1e-13 * expected[0]!);
        expect(Math.abs(second - expected[1]!)).toBeLessThanOrEqual(1e-13 * expected[1]!);
        expect(Math.abs(first + second - 1)).toBeLessThan(1e-13);
        expect(tie).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('equal entries, and entries near each other, are as exact as their neighbours', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 2, maxLength: 23 }), (values) => {
        fc.pre(values.some((value) => value !== 0));
        // Moved apart by 10⁻¹⁵ so that the closed form has no zero denominator.
        const apart = values.map((value, i) => BigInt(value) * 10n ** 15n + BigInt(i) * 2n - BigInt(values.length));
        const { first } = pairWinRegion(Float64Array.from(values));
        const zeros = values.includes(0);
        // An entry of 0 moved off 0 changes which side it is on, but hardly any volume.
        expect(Math.abs(first - shareByPartialFractions(apart))).toBeLessThan(zeros ? 1e-9 : 1e-11);
      }),
      { numRuns: 200 },
    );
  });

  test('known volumes', () => {
    expect(pairWinRegion(Float64Array.of(1, -1))).toEqual({ first: 0.5, second: 0.5, tie: 0 });
    expect(pairWinRegion(Float64Array.of(3, -1))).toEqual({ first: 0.75, second: 0.25, tie: 0 });
    // One against all of n: the corner cut off at half its edges, (1/2)^(n−1).
    const corner = Float64Array.from({ length: 19 }, (_, i) => (i === 7 ? 1 : -1));
    expect(pairWinRegion(corner).first).toBe(2 ** -18);
    expect(pairWinRegion(Float64Array.of(2, 0, 1))).toEqual({ first: 1, second: 0, tie: 0 });
    expect(pairWinRegion(Float64Array.of(-2))).toEqual({ first: 0, second: 1, tie: 0 });
    expect(pairWinRegion(new Float64Array(5))).toEqual({ first: 0, second: 0, tie: 1 });
  });

  test('sampled gates agree within five standard errors', () => {
    const random = new SeededRandom(20261124);
    for (let round = 0; round < 6; round++) {
      const difference = Float64Array.from({ length: 23 }, () => random.normal() + 0.3);
      const { first } = pairWinRegion(difference);
      const samples = 20_000;
      let wins = 0;
      for (let sample = 0; sample < samples; sample++)
        if (difference.reduce((sum, value) => sum - value * Math.log1p(-random.uniform()), 0) > 0) wins++;
      expect(Math.abs(wins / samples - first)).toBeLessThan(5 * Math.sqrt((first * (1 - first)) / samples) + 1e-9);
    }
  });
});

describe('never wins', () => {
  test.each(golden.never_wins.map((program, index) => ({ ...program, index })))(
    'golden $index: the largest smallest margins are HiGHS’s, and prove who never wins',
    ({ rewards, best_worst_margin }) => {
      const directions = rewards.map((row) => Float64Array.from(row));
      const { responses } = winRegion(directions, { samples: 2000 });
      for (const [index, expected] of best_worst_margin.entries()) {
        const { lower, upper } = worstMargin(directions, index);
        expect(Math.abs(lower - expected)).toBeLessThan(golden.tolerance);
        expect(Math.abs(upper - expected)).toBeLessThan(golden.tolerance);
        expect(responses[index]!.neverWins).toBe(expected < 0);
      }
      expect(best_worst_margin.some((margin) => margin < 0)).toBe(responses.some(({ neverWins }) => neverWins));
    },
  );

  const arbitraryDirections = fc
    .record({ f: fc.integer({ min: 1, max: 5 }), n: fc.integer({ min: 2, max: 6 }) })
    .chain(({ f, n }) =>
      fc.array(
        fc
          .array(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.double({ min: -2, max: 2, noNaN: true })), {
            minLength: f,
            maxLength: f,
          })
          .map((row) => Float64Array.from(row)),
        { minLength: n, maxLength: n },
      ),
    );

  test('the proof holds when checked by hand: the mixture of the others is ahead on every objective', () => {
    fc.assert(
      fc.property(arbitraryDirections, fc.nat(5), (directions, at) => {
        const index = at % directions.length;
        const { lower, upper, gate, mixture } = worstMargin(directions, index);
        const own = directions[index]!;
        expect(upper - lower).toBeLessThan(1e-11);
        expect(Math.abs(mixture.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-12);
        expect(mixture[index]).toBe(0);
        for (const [i, value] of own.entries())
          expect(
            value -
              dot(
                mixture,
                directions.map((row) => row[i]!),
              ),
          ).toBeLessThan(upper + 1e-12);
        for (const [b, other] of directions.entries())
          expect(b === index || dot(gate, own) - dot(gate, other) > lower - 1e-12).toBe(true);
      }),
      {
        numRuns: 300,
        // Two objectives that differ by 3e-11: in one order of the simplex method, a pivot made of rounding.
        examples: [
          [
            [
              [0, 0, 0],
              [2.9999419614823226e-11, 0, 1],
              [0, 0, 0],
              [1, 1, 0],
              [0, 0, 0],
            ].map((row) => Float64Array.from(row)),
            2,
          ],
        ],
      },
    );
  });

  test('no gate of a grid gives more, and one near it gives almost as much', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc
            .array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 3, maxLength: 3 })
            .map((row) => Float64Array.from(row)),
          { minLength: 2, maxLength: 5 },
        ),
        (directions) => {
          const { upper } = worstMargin(directions, 0);
          let best = -Infinity;
          const parts = 60;
          for (let i = 0; i <= parts; i++)
            for (let j = 0; j <= parts - i; j++) {
              const gate = [i / parts, j / parts, (parts - i - j) / parts];
              best = Math.max(
                best,
                Math.min(...directions.slice(1).map((other) => dot(gate, directions[0]!) - dot(gate, other))),
              );
            }
          expect(best).toBeLessThan(upper + 1e-12);
          // A margin changes by at most twice the largest |difference|, 4, per share, and a grid point is within 2/60 of any gate.
          expect(best).toBeGreaterThan(upper - (4 * 2 * 2) / parts);
        },
      ),
    );
  });
});

describe('several responses', () => {
  const random = new SeededRandom(5);
  const directions = Array.from({ length: 5 }, () => Float64Array.from({ length: 19 }, () => random.normal()));
  // Worse than the middle of the first two everywhere, though worse than neither alone.
  directions.push(directions[0]!.map((value, i) => (value + directions[1]![i]!) / 2 - 0.01));

  test('shares sum to 1 with the ties, intervals hold them, and the same seed gives the same', () => {
    const region = winRegion(directions, { samples: 5000, seed: 3 });
    expect(region.responses.reduce((sum, { share }) => sum + share, region.tieShare)).toBeCloseTo(1, 12);
    for (const { low, share, high } of region.responses) expect(low <= share && share <= high).toBe(true);
    expect(winRegion(directions, { samples: 5000, seed: 3 })).toEqual(region);
    expect(winRegion(directions, { samples: 5000, seed: 4 })).not.toEqual(region);
    expect(region.responses.map(({ neverWins }) => neverWins)).toEqual([false, false, false, false, false, true]);
    expect(region.responses[5]).toMatchObject({ share: 0, low: 0, high: 0, exact: true });
  });

  test('sampling agrees with the exact pair: a third that never wins changes nothing', () => {
    const [a, b] = directions;
    const exact = pairWinRegion(a!.map((value, i) => value - b![i]!));
    const hopeless = new Float64Array(19).fill(-100);
    const { responses } = winRegion([a!, b!, hopeless], { samples: 20_000, seed: 11 });
    const error = 5 * Math.sqrt((exact.first * exact.second) / 20_000);
    expect(Math.abs(responses[0]!.share - exact.first)).toBeLessThan(error);
    expect(responses[2]).toMatchObject({ neverWins: true, exact: true, share: 0 });
  });

  test('two are exact, one always wins, equal ones tie', () => {
    const two = winRegion(directions.slice(0, 2));
    expect(two).toMatchObject({ samples: 0, tieShare: 0 });
    expect(two.responses.every(({ exact, share, low, high }) => exact && low === share && high === share)).toBe(true);
    expect(winRegion([directions[0]!]).responses[0]).toMatchObject({ share: 1, exact: true, neverWins: false });
    const same = winRegion([directions[0]!, directions[0]!, directions[0]!], { samples: 100 });
    expect(same.tieShare).toBe(1);
    expect(same.responses.map(({ neverWins }) => neverWins)).toEqual([false, false, false]);
  });

  test('shapes are refused', () => {
    expect(() => winRegion([])).toThrow(/needs a response/);
    expect(() => winRegion([new Float64Array(2), new Float64Array(3)])).toThrow(/differ in length/);
    expect(() => pairWinRegion(new Float64Array())).toThrow(/no objective/);
    expect(() => worstMargin([new Float64Array(2)], 0)).toThrow(/another response/);
  });
});

test('Wilson’s interval: published values, and the ends', () => {
  // Newcombe 1998 (Statistics in Medicine 17), table I, method 3: 81/263, 15/148, 0/20, 1/29.
  const table = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const;
  for (const [successes, samples, low, high] of table) {
    const interval = wilsonInterval(successes, samples);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  }
  expect(wilsonInterval(10, 10).high).toBe(1);
});
