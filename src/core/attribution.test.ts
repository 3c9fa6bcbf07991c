import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acrossPrompts, bradleyTerry, marginSteps, scoreWaterfall, uncorrectedMargin } from './attribution.ts';

const objectives = fc.integer({ min: 1, max: 32 });
const value = fc.double({ min: -10, max: 10, noNaN: true });
const vectors = (count: number) =>
  objectives.chain((k) =>
    fc.tuple(...Array.from({ length: count }, () => fc.array(value, { minLength: k, maxLength: k }))),
  );
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * (b[i] ?? Number.NaN), 0);
const total = (terms: Iterable<number>) => [...terms].reduce((sum, term) => sum + term, 0);

/** Equal to 1e-12 of what went into either side, which doubles can promise above where they thin out. */
function expectSame(actual: number, expected: number, scale: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(Math.max(1e-12 * scale, 1e-300));
}
const size = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + Math.abs(x * (b[i] ?? 0)), 0);

describe('scoreWaterfall', () => {
  it('sums to c · r from any mean', () => {
    fc.assert(
      fc.property(vectors(3), ([c = [], r = [], mu = []]) => {
        const { base, steps, end } = scoreWaterfall(c, r, mu);
        const scale = size(c, r) + size(c, mu);
        expectSame(base, dot(c, mu), scale);
        expectSame(end, dot(c, r), scale);
        expectSame(base + total(steps), end, scale);
      }),
    );
  });
  it('has no step where a reward is at its mean', () => {
    const { steps } = scoreWaterfall([2, -3], [0.5, 1], [0.5, 3]);
    expect([...steps]).toEqual([0, 6]);
  });
  it('gives Shapley values: the mean step over every order of switching rewards on', () => {
    const [c, r, mu] = [
      [0.3, -0.7, 1.1],
      [0.2, 0.9, -0.4],
      [0.1, -0.2, 0.6],
    ] as const;
    const score = (on: ReadonlySet<number>) =>
      c.reduce((sum, ci, i) => sum + ci * ((on.has(i) ? r[i] : mu[i]) ?? 0), 0);
    const orders = [0, 1, 2].flatMap((a) => [0, 1, 2].filter((b) => b !== a).map((b) => [a, b, 3 - a - b]));
    const { steps } = scoreWaterfall(c, r, mu);
    for (const i of [0, 1, 2]) {
      const gains = orders.map((order) => {
        const before = new Set(order.slice(0, order.indexOf(i)));
        return score(new Set([...before, i])) - score(before);
      });
      expect(steps[i]).toBeCloseTo(total(gains) / orders.length, 14);
    }
  });
  it('lets NaN spread, and refuses other lengths', () => {
    expect(scoreWaterfall([1, 1], [Number.NaN, 1], [0, 0]).end).toBeNaN();
    expect(() => scoreWaterfall([1], [1, 2], [0])).toThrow(/rewards has 2 entries, 1 expected/);
  });
});

describe('a margin', () => {
  it('is the sum of its steps within one prompt', () => {
    fc.assert(
      fc.property(vectors(3), ([c = [], r1 = [], r2 = []]) => {
        expectSame(total(marginSteps(c, r1, r2)), dot(c, r1) - dot(c, r2), size(c, r1) + size(c, r2));
      }),
    );
  });
  it('is the sum of what the answers and what the gate changed across prompts', () => {
    fc.assert(
      fc.property(vectors(4), ([g1 = [], r1 = [], g2 = [], r2 = []]) => {
        const first = { gateWeights: g1, adjustedRewards: r1 };
        const second = { gateWeights: g2, adjustedRewards: r2 };
        const { rewardSteps, gateSteps, margin } = acrossPrompts(first, second);
        const scale = size(g1, r1) + size(g2, r2) + size(g1, r2) + size(g2, r1);
        expectSame(margin, dot(g1, r1) - dot(g2, r2), scale);
        expectSame(total(rewardSteps) + total(gateSteps), margin, scale);
        const swapped = acrossPrompts(second, first);
        expect([...swapped.rewardSteps].map((x) => -x + 0)).toEqual([...rewardSteps].map((x) => x + 0));
        expect([...swapped.gateSteps].map((x) => -x + 0)).toEqual([...gateSteps].map((x) => x + 0));
      }),
    );
  });
  it('owes nothing to the gate where the gate is shared', () => {
    const gateWeights = [0.4, 0.6];
    const { gateSteps, rewardSteps } = acrossPrompts(
      { gateWeights, adjustedRewards: [1, 2] },
      { gateWeights, adjustedRewards: [0, 5] },
    );
    expect([...gateSteps]).toEqual([0, 0]);
    expect([...rewardSteps]).toEqual([0.4, 0.6 * -3]);
  });
  it('without the correction is that of the raw rewards under the gate', () => {
    expect(uncorrectedMargin([0.5, 0.25], [1, 2], [0, 4])).toBe(0);
  });
});

describe('bradleyTerry', () => {
  it('is even at no margin, complementary, and ends at certainty', () => {
    expect(bradleyTerry(100, 0)).toBe(0.5);
    expect(bradleyTerry(100, 1e6)).toBe(1);
    expect(bradleyTerry(100, -1e6)).toBe(0);
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 200, noNaN: true }), value, (beta, margin) => {
        expect(bradleyTerry(beta, margin) + bradleyTerry(beta, -margin)).toBeCloseTo(1, 12);
      }),
    );
  });
});
