import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { arbitraryCase, arbitrarySteering } from './fixtures/arbitrary-steering.ts';
import { kendallTauB } from './rank-correlation.ts';
import { identitySteering, steeredGateWeights } from './steering.ts';
import { accuracySteps, crossingsOf, kendallAlong, pieceAt, rankSteps, scoresAt } from './steered-path.ts';

/** Thousandths, with many equal ones: either equal or apart by far more than rounding. */
const numbers = (n: number) =>
  fc
    .array(
      fc.oneof(
        fc.integer({ min: -3, max: 3 }).map((value) => 1000 * value),
        fc.integer({ min: -3000, max: 3000 }),
      ),
      {
        minLength: n,
        maxLength: n,
      },
    )
    .map((values) => Float64Array.from(values, (value) => value / 1000));
const arbitraryEnds = fc.integer({ min: 1, max: 9 }).chain((n) => fc.tuple(numbers(n), numbers(n)));

/** Middles of the pieces wide enough for rounding not to decide the order there. */
function middles(breakpoints: Float64Array): { piece: number; t: number }[] {
  const ends = [0, ...breakpoints, 1];
  return ends
    .slice(1)
    .map((end, piece) => ({ piece, t: (ends[piece]! + end) / 2, width: end - ends[piece]! }))
    .filter(({ width }) => width > 1e-7);
}
/** 1 + how many score higher. */
const ranksOf = (scores: Float64Array) => [...scores].map((own) => 1 + scores.filter((other) => other > own).length);

describe('exact steps against a look at every piece', () => {
  test('ranks and τ between breakpoints are those of the scores there', () => {
    fc.assert(
      fc.property(arbitraryEnds, ([from, to]) => {
        const n = from.length;
        const { breakpoints, ranks, tau } = rankSteps(from, to);
        expect([...breakpoints].every((t, i) => t > 0 && t < 1 && (i === 0 || t > breakpoints[i - 1]!))).toBe(true);
        expect(ranks).toHaveLength((breakpoints.length + 1) * n);
        for (const { piece, t } of middles(breakpoints)) {
          const scores = scoresAt(from, to, t, new Float64Array(n));
          // Responses apart by less than rounding at an end may stand either way in the middle.
          const gap = Math.min(...pairsOf(n).map(([a, b]) => Math.abs(scores[a]! - scores[b]!) || Infinity));
          if (gap < 1e-12) continue;
          expect([...ranks.subarray(piece * n, (piece + 1) * n)]).toEqual(ranksOf(scores));
          const expected = kendallTauB(from, scores);
          expect(Number.isNaN(expected) ? Number.isNaN(tau[piece]!) : Math.abs(tau[piece]! - expected) < 1e-12).toBe(
            true,
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  test('nobody swaps anywhere else: a crossing is a pair whose order at the ends is strict and differs, and it ties there', () => {
    fc.assert(
      fc.property(arbitraryEnds, ([from, to]) => {
        const crossings = crossingsOf(from, to);
        const expected = pairsOf(from.length).filter(
          ([a, b]) => (from[a]! - from[b]!) * Math.sign(to[a]! - to[b]!) < 0,
        );
        expect(
          new Set(crossings.map(({ leader, overtaker }) => [leader, overtaker].sort((a, b) => a - b).join())),
        ).toEqual(new Set(expected.map(String)));
        for (const { t, leader, overtaker } of crossings) {
          const scores = scoresAt(from, to, t, new Float64Array(from.length));
          expect(Math.abs(scores[leader]! - scores[overtaker]!)).toBeLessThan(1e-14);
          expect(from[leader]! > from[overtaker]! && to[leader]! < to[overtaker]!).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('accuracy between breakpoints is that of the margins there', () => {
    fc.assert(
      fc.property(arbitraryEnds, ([from, to]) => {
        const { breakpoints, accuracy } = accuracySteps(from, to);
        for (const { piece, t } of middles(breakpoints)) {
          const margins = scoresAt(from, to, t, new Float64Array(from.length));
          if (margins.some((margin) => margin !== 0 && Math.abs(margin) < 1e-10)) continue;
          const expected = margins.filter((margin) => margin > 0).length / margins.length;
          expect(accuracy[piece]).toBeCloseTo(expected, 14);
          expect(pieceAt(breakpoints, t)).toBe(piece);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('τ at any t is kendallTauB’s, ties and all', () => {
    fc.assert(
      fc.property(
        arbitraryEnds,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
        ([from, to], ts) => {
          const points = [0, ...ts, 1];
          const along = kendallAlong(from, to, points);
          for (const [i, t] of points.entries()) {
            const expected = kendallTauB(from, scoresAt(from, to, t, new Float64Array(from.length)));
            expect(Number.isNaN(expected) ? Number.isNaN(along[i]!) : Math.abs(along[i]! - expected) < 1e-14).toBe(
              true,
            );
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('mixing scores is mixing gates', () => {
  fc.assert(
    fc.property(
      arbitraryCase.chain((one) => fc.tuple(fc.constant(one), arbitrarySteering(one.head))),
      fc.double({ min: 0, max: 1, noNaN: true }),
      ([{ head, gateLogits, rewards }, steering], t) => {
        const [g, steered] = [identitySteering, steering].map((which) => steeredGateWeights(head, gateLogits, which));
        const score = (weights: Float64Array) => weights.reduce((sum, weight, j) => sum + weight * rewards[j]!, 0);
        const mixed = scoresAt(Float64Array.of(score(g!)), Float64Array.of(score(steered!)), t, new Float64Array(1));
        expect(Math.abs(mixed[0]! - score(scoresAt(g!, steered!, t, new Float64Array(g!.length))))).toBeLessThan(1e-12);
      },
    ),
  );
});

test('10,000 responses: τ along the way starts at 1 and ends at that of the ends; the ends are untouched', () => {
  const random = new SeededRandom(2);
  const from = Float64Array.from({ length: 10_000 }, () => random.normal());
  const to = from.map((score) => score + random.normal());
  const along = kendallAlong(from, to, [0, 0.25, 0.5, 1]);
  expect(along[0]).toBe(1);
  expect(along[3]).toBeCloseTo(kendallTauB(from, to), 14);
  expect(along[1]! > along[2]! && along[2]! > along[3]!).toBe(true);
  expect(scoresAt(from, to, 0, new Float64Array(10_000))).toEqual(from);
  expect(scoresAt(from, to, 1, new Float64Array(10_000))).toEqual(to);
});

test('edges: one response, all equal, lengths that differ', () => {
  expect(rankSteps(Float64Array.of(1), Float64Array.of(2))).toEqual({
    breakpoints: new Float64Array(),
    ranks: Uint32Array.of(1),
    tau: Float64Array.of(Number.NaN),
  });
  expect([...rankSteps(new Float64Array(3), new Float64Array(3)).ranks]).toEqual([1, 1, 1]);
  expect(accuracySteps(new Float64Array(), new Float64Array()).accuracy).toEqual(Float64Array.of(Number.NaN));
  expect(accuracySteps(Float64Array.of(1, -1, 0, 0, 1), Float64Array.of(-1, 3, 0, 1, 0))).toEqual({
    breakpoints: Float64Array.of(0.25, 0.5),
    accuracy: Float64Array.of(0.6, 0.8, 0.6),
  });
  expect(() => crossingsOf(new Float64Array(1), new Float64Array(2))).toThrow(/1 scores at the start, 2/);
  expect(() => kendallAlong(new Float64Array(1), new Float64Array(2), [0])).toThrow(/at the end/);
  expect(() => kendallAlong(Float64Array.of(1, Number.NaN), new Float64Array(2), [0])).toThrow(/NaN/);
});

function pairsOf(n: number): [number, number][] {
  return Array.from({ length: n }, (_, a) =>
    Array.from({ length: n - a - 1 }, (_, i): [number, number] => [a, a + 1 + i]),
  ).flat();
}
