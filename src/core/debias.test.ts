import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import {
  authorsPenaltyGrid,
  exactPenalty,
  findPenalties,
  gridPenalty,
  pearsonPenalty,
  transformFromPenalties,
} from './debias.ts';
import { DataError } from './errors.ts';
import { pearson, spearman } from './rank-correlation.ts';

interface DebiasFixture {
  tolerance: number;
  sets: {
    verbosity: number[];
    rewards: number[][];
    objectives: {
      rho_before: number;
      pearson_lambda: number;
      crossing: [number, number];
      rho_left: number;
      rho_right: number;
      authors_grid: number | null;
    }[];
  }[];
}
const fixture: DebiasFixture = JSON.parse(readFileSync(new URL('./fixtures/debias.json', import.meta.url), 'utf8'));
const goldens = fixture.sets.flatMap(({ verbosity, rewards, objectives }, set) =>
  objectives.map((golden, j) => ({ name: `${set}.${j}`, verbosity, r: rewards.map((row) => row[j]!), golden })),
);
const adjust = (r: readonly number[], v: readonly number[], lambda: number) =>
  r.map((value, i) => value - lambda * v[i]!);

describe.each(goldens)('golden $name', ({ verbosity, r, golden }) => {
  test('the exact root stands where brute force over all breakpoints finds it', () => {
    const root = exactPenalty(r, verbosity);
    // The golden's ends are rounded to 12 decimals.
    expect(Math.abs(root.crossing[0] - golden.crossing[0])).toBeLessThan(fixture.tolerance);
    expect(Math.abs(root.crossing[1] - golden.crossing[1])).toBeLessThan(fixture.tolerance);
    expect(Math.abs(root.rhoLeft - golden.rho_left)).toBeLessThan(fixture.tolerance);
    expect(Math.abs(root.rhoRight - golden.rho_right)).toBeLessThan(fixture.tolerance);
    expect(root.penalty).toBe(root.crossing[0]);
  });

  test('Spearman before, the Pearson root, the grid', () => {
    expect(Math.abs(spearman(r, verbosity) - golden.rho_before)).toBeLessThan(fixture.tolerance);
    expect(Math.abs(pearsonPenalty(r, verbosity) - golden.pearson_lambda)).toBeLessThan(fixture.tolerance);
    // The golden's grid has a point, 0.875, that the published script's has not: the rule is proven on that grid.
    const grid = [...authorsPenaltyGrid, 0.875].sort((a, b) => a - b);
    const expected = { penalty: golden.authors_grid ?? 1, found: golden.authors_grid !== null };
    expect(gridPenalty(r, verbosity, grid)).toEqual(expected);
    const published = gridPenalty(r, verbosity);
    expect(published.penalty).toBe(expected.penalty === 0.875 ? 0.9 : expected.penalty);
  });
});

const reference = fc.integer({ min: 2, max: 14 }).chain((n) =>
  fc
    .record({
      r: fc.array(fc.integer({ min: -6, max: 6 }), { minLength: n, maxLength: n }),
      v: fc.array(fc.integer({ min: -5, max: 5 }), { minLength: n, maxLength: n }),
    })
    .filter(({ v }) => new Set(v).size > 1),
);

/** Every breakpoint once, ascending: quotients of small integers are equal in f64 exactly when they are equal. */
function breakpoints(r: readonly number[], v: readonly number[]): number[] {
  const all = new Set<number>();
  for (let i = 0; i < r.length; i++)
    for (let j = 0; j < i; j++) if (v[i] !== v[j]) all.add((r[i]! - r[j]!) / (v[i]! - v[j]!) + 0);
  return [...all].sort((a, b) => a - b);
}

describe('the exact root, on heavily tied integers', () => {
  test('is brute force’s, and the step next to zero', () => {
    fc.assert(
      fc.property(reference, ({ r, v }) => {
        const ends = [...breakpoints(r, v), Infinity];
        const inside = ends.map((end, i) =>
          end === Infinity ? ends[i - 1]! + 1 : i === 0 ? end - 1 : (end + ends[i - 1]!) / 2,
        );
        const rho = inside.map((lambda) => spearman(adjust(r, v, lambda), v));
        const first = rho.findIndex((value) => value <= 0);
        const root = exactPenalty(r, v);
        expect(root.crossing[0]).toBeCloseTo(ends[first - 1]!, 12);
        expect(root.crossing[1] === Infinity ? Infinity : root.crossing[1]).toBeCloseTo(ends[first]!, 12);
        expect(root.rhoRight).toBeCloseTo(rho[first]!, 12);
        expect(root.rhoLeft).toBeCloseTo(rho[first - 1]!, 12);
        expect(root.rhoLeft).toBeGreaterThan(0);
        expect(root.rhoRight).toBeLessThanOrEqual(0);
      }),
      { numRuns: 500 },
    );
  });

  test('ρ never rises with λ', () => {
    fc.assert(
      fc.property(
        reference,
        fc.tuple(fc.integer({ min: -40, max: 40 }), fc.integer({ min: 1, max: 20 })),
        ({ r, v }, [a, d]) => {
          const [low, high] = [a / 7, (a + d) / 7].map((lambda) => spearman(adjust(r, v, lambda), v));
          expect(Number.isNaN(low) || Number.isNaN(high) || high! <= low! + 1e-12).toBe(true);
        },
      ),
    );
  });

  test('shifts with the slope, scales with the rewards', () => {
    fc.assert(
      fc.property(
        reference,
        fc.integer({ min: -3, max: 3 }),
        fc.integer({ min: 1, max: 4 }),
        ({ r, v }, slope, factor) => {
          const { penalty } = exactPenalty(r, v);
          const moved = r.map((value, i) => factor * value + slope * v[i]!);
          expect(exactPenalty(moved, v).penalty).toBeCloseTo(factor * penalty + slope, 10);
        },
      ),
    );
  });
});

test('where a whole interval has ρ = 0, the root is inside it', () => {
  // Four rows whose ranking 2, 4, 1, 3 has no correlation with 1, 2, 3, 4.
  const v = [1, 2, 3, 4];
  const r = [2, 4, 1, 3];
  const root = exactPenalty(r, v);
  expect(root.rhoRight).toBe(0);
  expect(root.penalty).toBeGreaterThan(root.crossing[0]);
  expect(root.penalty).toBeLessThan(root.crossing[1]);
  expect(spearman(adjust(r, v, root.penalty), v)).toBe(0);
});

test('a reward that is the verbosity itself has root 1 exactly, one that is unrelated to it a flat root', () => {
  const v = [0.3, 1.1, -2.7, 0.9, 5.5];
  expect(exactPenalty(v, v)).toEqual({ penalty: 1, crossing: [1, Infinity], rhoLeft: 1, rhoRight: -1 });
  expect(exactPenalty([7, 7, 7, 7, 7], v).penalty).toBeCloseTo(0, 15);
});

test('5,000 real-valued rows: the measured ρ at the root is within one step of zero', () => {
  const random = new SeededRandom(11);
  const v = Float64Array.from({ length: 5000 }, () => random.normal());
  const r = v.map((value) => 0.7 * value + random.normal());
  const root = exactPenalty(r, v);
  const adjusted = r.map((value, i) => value - root.penalty * v[i]!);
  const rho = spearman(adjusted, v);
  expect(root.rhoLeft).toBeGreaterThan(0);
  expect(root.rhoLeft - root.rhoRight).toBeLessThan(2e-6);
  expect(rho).toBeLessThanOrEqual(root.rhoLeft);
  expect(rho).toBeGreaterThanOrEqual(root.rhoRight);
  expect(Math.abs(root.penalty - 0.7)).toBeLessThan(0.05);
});

test('the Pearson root leaves no Pearson correlation', () => {
  fc.assert(
    fc.property(reference, ({ r, v }) => {
      const rest = adjust(r, v, pearsonPenalty(r, v));
      expect(rest.every((x) => Math.abs(x - rest[0]!) < 1e-9) || Math.abs(pearson(rest, v)) < 1e-9).toBe(true);
    }),
  );
});

describe('penalties and transform', () => {
  const random = new SeededRandom(3);
  const k = 6;
  const rewards = Float64Array.from({ length: 400 * k }, () => random.normal());
  for (let i = 0; i < 400; i++) for (const j of [0, 3]) rewards[i * k + j]! += 0.8 * rewards[i * k + 1]!;

  test('one dimension: r M is uncorrelated with verbosity, whose own column is dead', () => {
    const found = findPenalties(rewards, k, 1);
    const transform = transformFromPenalties(k, [found]);
    expect(found.penalties[1]).toBe(1);
    const verbosity = Array.from({ length: 400 }, (_, i) => rewards[i * k + 1]!);
    for (let j = 0; j < k; j++) {
      const adjusted = Array.from({ length: 400 }, (_, i) => {
        let sum = 0;
        for (let m = 0; m < k; m++) sum += rewards[i * k + m]! * transform[m * k + j]!;
        return sum;
      });
      const rho = spearman(adjusted, verbosity);
      expect(j === 1 ? adjusted.every((value) => value === 0) : Math.abs(rho) < 1e-4).toBe(true);
    }
  });

  test('several dimensions: a row each, every verbosity column dead', () => {
    const dimensions = [1, 4];
    const transform = transformFromPenalties(
      k,
      dimensions.map((v) => findPenalties(rewards, k, v, 'pearson', dimensions)),
    );
    for (let i = 0; i < k; i++)
      for (let j = 0; j < k; j++) {
        const value = transform[i * k + j];
        const kind = value === 0 ? 'zero' : value === 1 ? 'one' : 'penalty';
        const dead = dimensions.includes(j);
        expect(kind).toBe(dead ? 'zero' : dimensions.includes(i) ? 'penalty' : i === j ? 'one' : 'zero');
      }
  });

  test('each method gives what its function gives', () => {
    const column = (j: number) => Array.from({ length: 400 }, (_, i) => rewards[i * k + j]!);
    expect(findPenalties(rewards, k, 1, 'exact').penalties[3]).toBe(exactPenalty(column(3), column(1)).penalty);
    expect(findPenalties(rewards, k, 1, 'pearson').penalties[3]).toBe(pearsonPenalty(column(3), column(1)));
    expect(findPenalties(rewards, k, 1, 'authors-grid').penalties[3]).toBe(gridPenalty(column(3), column(1)).penalty);
  });

  test('no penalties, no change; bad dimensions are refused', () => {
    expect([...transformFromPenalties(2, [])]).toEqual([1, 0, 0, 1]);
    const one = { dimension: 0, penalties: Float64Array.of(1, 0.5) };
    expect([...transformFromPenalties(2, [one])]).toEqual([0, -0.5, 0, 1]);
    expect(() => transformFromPenalties(2, [one, one])).toThrow(/twice/);
    expect(() => transformFromPenalties(2, [{ ...one, dimension: 2 }])).toThrow(/dimension 2/);
    expect(() => transformFromPenalties(3, [one])).toThrow(/2 penalties for 3/);
  });
});

test('data without an answer is refused by name', () => {
  expect(() => exactPenalty([1, 2, 3], [4, 4, 4])).toThrow(DataError);
  expect(() => pearsonPenalty([1, 2, 3], [4, 4, 4])).toThrow(/verbosity: is the same in every row/);
  expect(() => exactPenalty([1, Number.NaN, 3], [1, 2, 3])).toThrow(/x\[1\]/);
  expect(() => findPenalties(Float64Array.of(1, 2, Number.NaN, 3), 2, 1)).toThrow('objective 0, x[1]: is NaN');
});
