import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalTo, lessEq, type Model, solve } from 'yalps';
import { SeededRandom } from '@/base/random.ts';
import { solveMatrixGame } from './matrix-game.ts';

/** The value by an independent linear program: max z, z ≤ what the mixture gets against each column. */
function programValue(payoffs: Float64Array, rows: number, columns: number): number {
  const constraints: Model['constraints'] = Object.fromEntries([
    ['sum', equalTo(1)],
    ...Array.from({ length: columns }, (_, b) => [`column${b}`, lessEq(0)]),
  ]);
  const variables = new Map<string, Record<string, number>>();
  for (let i = 0; i < rows; i++) {
    const variable: Record<string, number> = { sum: 1, z: 0 };
    for (let b = 0; b < columns; b++) variable[`column${b}`] = -payoffs[i * columns + b]!;
    variables.set(`row${i}`, variable);
  }
  const against = (sign: number) =>
    Object.fromEntries([['z', sign], ...Array.from({ length: columns }, (_, b) => [`column${b}`, sign])]) as Record<
      string,
      number
    >;
  variables.set('up', against(1));
  variables.set('down', against(-1));
  const { status, result } = solve(
    { direction: 'maximize', objective: 'z', constraints, variables },
    { precision: 1e-12 },
  );
  if (status !== 'optimal') throw new Error(status);
  return result;
}

test('the value is that of an independent linear program, between bounds that touch', () => {
  fc.assert(
    fc.property(
      fc
        .record({ rows: fc.integer({ min: 1, max: 8 }), columns: fc.integer({ min: 1, max: 8 }) })
        .chain(({ rows, columns }) =>
          fc.tuple(
            fc.constant({ rows, columns }),
            // Small whole numbers make ties, the degenerate programs on which a simplex can cycle; entries near 1e-12 are left
            // out, on which the other solver is off in the sixth digit while the bounds here touch.
            fc.array(
              fc.oneof(
                fc.integer({ min: -2, max: 2 }),
                fc.integer({ min: -2000, max: 2000 }).map((value) => value / 1000),
              ),
              {
                minLength: rows * columns,
                maxLength: rows * columns,
              },
            ),
          ),
        ),
      ([{ rows, columns }, numbers]) => {
        const payoffs = Float64Array.from(numbers);
        const { lower, upper, rowMixture, columnMixture } = solveMatrixGame(payoffs, rows, columns);
        expect(upper).toBeGreaterThanOrEqual(lower - 1e-15);
        expect(upper - lower).toBeLessThan(1e-11);
        expect(Math.abs(lower - programValue(payoffs, rows, columns))).toBeLessThan(1e-8);
        for (const mixture of [rowMixture, columnMixture]) {
          expect(Math.min(...mixture)).toBeGreaterThanOrEqual(0);
          expect(Math.abs(mixture.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-14);
        }
      },
    ),
    { numRuns: 400 },
  );
});

test('games whose solution is known', () => {
  const pennies = solveMatrixGame(Float64Array.of(1, -1, -1, 1), 2, 2);
  expect(pennies.lower).toBeCloseTo(0, 15);
  for (const weight of [...pennies.rowMixture, ...pennies.columnMixture]) expect(weight).toBeCloseTo(0.5, 15);
  const saddle = solveMatrixGame(Float64Array.of(4, 2, 3, 1), 2, 2);
  expect(saddle).toMatchObject({
    lower: 2,
    upper: 2,
    rowMixture: Float64Array.of(1, 0),
    columnMixture: Float64Array.of(0, 1),
  });
  expect(solveMatrixGame(new Float64Array(6).fill(-3), 2, 3)).toMatchObject({ lower: -3, upper: -3 });
});

test('large games end too, with touching bounds', () => {
  const random = new SeededRandom(9);
  for (const columns of [50, 2000]) {
    const payoffs = Float64Array.from({ length: 23 * columns }, () => random.normal());
    const { lower, upper } = solveMatrixGame(payoffs, 23, columns);
    expect(upper - lower).toBeLessThan(1e-10);
    expect(upper).toBeGreaterThanOrEqual(lower - 1e-14);
  }
});

test('bounds touch where rows are equal but for a trace, which pivots would take for rounding', () => {
  const random = new SeededRandom(5);
  for (let game = 0; game < 4000; game++) {
    const [rows, columns] = [1 + random.integer(8), 1 + random.integer(8)];
    const trace = 10 ** -(6 + random.integer(9));
    const shared = Float64Array.from({ length: columns }, () => random.normal());
    const payoffs = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      const near = random.uniform() < 0.6;
      for (let b = 0; b < columns; b++)
        payoffs[i * columns + b] = near ? shared[b]! + trace * random.normal() : random.normal();
    }
    const { lower, upper } = solveMatrixGame(payoffs, rows, columns);
    const range = Math.max(...payoffs) - Math.min(...payoffs);
    expect(upper - lower).toBeLessThanOrEqual(1e-12 * range + Number.EPSILON);
  }
});

test('shapes and numbers are refused', () => {
  expect(() => solveMatrixGame(new Float64Array(), 0, 0)).toThrow(/needs a row/);
  expect(() => solveMatrixGame(new Float64Array(5), 2, 3)).toThrow(/5 payoffs are not 2 × 3/);
  expect(() => solveMatrixGame(Float64Array.of(Number.NaN), 1, 1)).toThrow(/finite/);
});
