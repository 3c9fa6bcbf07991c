import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalTo, greaterEq, type Model, solve } from 'yalps';
import { arbitraryCase, arbitrarySteering } from './fixtures/arbitrary-steering.ts';
import { freeDirection, freeMass, scoreDirection, withFreeWeights } from './score-direction.ts';
import { type FlipProblem, nudgePast, smallestFlipKL, smallestFlipL1 } from './smallest-flip.ts';
import { applySteering, soundingObjectives } from './steering.ts';
import { setGateWeights } from './steering-moves.ts';

interface GoldenFlip {
  gate: number[];
  a: number[];
  b: number[];
  margin: number;
  possible: boolean;
  l1: number | null;
  kl_tilt: number | null;
  kl_gate: number[] | null;
  kl: number | null;
}
const golden: { flips: GoldenFlip[]; tolerance: number } = JSON.parse(
  readFileSync(new URL('./fixtures/steer.json', import.meta.url), 'utf8'),
);

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (value, i) => value * b[i]!).reduce((total, value) => total + value, 0);
const distance = (a: Float64Array, b: Float64Array) => sum(a.map((value, i) => Math.abs(value - b[i]!)));
const divergence = (to: Float64Array, from: Float64Array) =>
  sum(to.map((value, i) => (value > 0 ? value * Math.log(value / from[i]!) : 0))) / sum(from);

describe('the goldens', () => {
  const flips = golden.flips.map((flip, index) => {
    const gateWeights = Float64Array.from(flip.gate);
    const difference = Float64Array.from(flip.a, (value, i) => value - flip.b[i]!);
    return { ...flip, index, problem: { gateWeights, difference, free: [...gateWeights.keys()] } };
  });

  test.each(flips.filter(({ possible }) => possible))('flip $index is SciPy’s, in L1 and KL', (flip) => {
    const l1 = smallestFlipL1(flip.problem);
    const kl = smallestFlipKL(flip.problem);
    if (!l1.possible || !kl.possible) throw new Error('no flip was found');
    expect(Math.abs(l1.distance - flip.l1!)).toBeLessThan(golden.tolerance);
    expect(Math.abs(kl.tilt - flip.kl_tilt!)).toBeLessThan(golden.tolerance);
    expect(Math.abs(kl.divergence - flip.kl!)).toBeLessThan(golden.tolerance);
    const worst = Math.max(...kl.gateWeights.map((weight, i) => Math.abs(weight - flip.kl_gate![i]!)));
    expect(worst).toBeLessThan(golden.tolerance);
  });

  test.each(flips.filter(({ possible }) => !possible))('flip $index is impossible, with the proof', ({ problem }) => {
    const least = Math.min(...problem.difference);
    expect(least).toBeGreaterThanOrEqual(0);
    const proof = { possible: false, leastDifference: least, objective: problem.difference.indexOf(least) };
    expect(smallestFlipL1(problem)).toMatchObject(proof);
    expect(smallestFlipKL(problem)).toMatchObject(proof);
  });

  test('hold both kinds', () => {
    expect(flips.filter(({ possible }) => possible)).toHaveLength(11);
    expect(flips).toHaveLength(12);
  });
});

/** A gate (zeros among it), differences with ties, and a subset of at least one that is free; the margin is not negative. */
const arbitraryProblem: fc.Arbitrary<FlipProblem> = fc.integer({ min: 1, max: 7 }).chain((k) =>
  fc
    .record({
      parts: fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 1, noNaN: true })), {
        minLength: k,
        maxLength: k,
      }),
      difference: fc.array(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.double({ min: -3, max: 3, noNaN: true })), {
        minLength: k,
        maxLength: k,
      }),
      free: fc.subarray(
        Array.from({ length: k }, (_, i) => i),
        { minLength: 1 },
      ),
      scale: fc.double({ min: 0.5, max: 2, noNaN: true }),
    })
    .map(({ parts, difference, free, scale }) => {
      const total = sum(parts);
      const gateWeights = Float64Array.from(parts, (part) => (total === 0 ? 1 / k : part / total) * scale);
      const sign = dot(gateWeights, difference) < 0 ? -1 : 1;
      return { gateWeights, difference: Float64Array.from(difference, (value) => sign * value), free };
    }),
);

/** All free weight on the least difference. */
function lowestMargin(problem: FlipProblem): number {
  const { gateWeights, difference, free } = problem;
  const held = [...gateWeights.keys()].filter((i) => !free.includes(i));
  return (
    sum(held.map((i) => gateWeights[i]! * difference[i]!)) +
    freeMass(problem) * Math.min(...free.map((i) => difference[i]!))
  );
}

/** The least L1 distance by linear programming: g' = g + up − down. `undefined` where no gate has margin ≤ 0. */
function programDistance({ gateWeights, difference, free }: FlipProblem): number | undefined {
  const margin = dot(gateWeights, difference);
  const variables = new Map<string, Record<string, number>>();
  const constraints: Record<string, ReturnType<typeof equalTo>> = {
    sum: equalTo(0),
    margin: greaterEq(margin),
  };
  for (const i of free) {
    constraints[`left${i}`] = greaterEq(-gateWeights[i]!);
    variables.set(`up${i}`, { cost: 1, sum: 1, margin: -difference[i]!, [`left${i}`]: 1 });
    variables.set(`down${i}`, { cost: 1, sum: -1, margin: difference[i]!, [`left${i}`]: -1 });
  }
  const model: Model = { direction: 'minimize', objective: 'cost', constraints, variables };
  const { status, result } = solve(model, { precision: 1e-12 });
  return status === 'optimal' ? result : undefined;
}

describe('against brute force', () => {
  test('L1: the distance is the linear program’s, the gate is at it, on the simplex, with margin 0', () => {
    fc.assert(
      fc.property(arbitraryProblem, (problem) => {
        const { gateWeights, difference } = problem;
        const flip = smallestFlipL1(problem);
        const expected = programDistance(problem);
        // Where the lowest margin is within rounding of 0 the two may disagree on whether there is a way.
        const lowest = lowestMargin(problem);
        fc.pre(Math.abs(lowest) > 1e-6);
        expect(flip.possible).toBe(lowest < 0);
        expect(flip.possible).toBe(expected !== undefined);
        if (!flip.possible) return;
        expect(Math.abs(flip.distance - expected!)).toBeLessThan(1e-8);
        expect(Math.abs(distance(flip.gateWeights, gateWeights) - flip.distance)).toBeLessThan(1e-12);
        expectFlip(problem, flip.gateWeights);
        expect(dot(nudgePast(problem, flip), difference)).toBeLessThan(0);
      }),
      { numRuns: 500 },
    );
  });

  test('KL: margin 0, and no other gate with margin ≤ 0 on a grid is nearer', () => {
    fc.assert(
      fc.property(arbitraryProblem, (problem) => {
        const { gateWeights, difference } = problem;
        const flip = smallestFlipKL(problem);
        expect(flip.possible || flip.lowestMargin >= 0).toBe(true);
        if (!flip.possible) return;
        fc.pre(Number.isFinite(flip.tilt) && flip.tilt < 1e6);
        expectFlip(problem, flip.gateWeights);
        expect(Math.abs(divergence(flip.gateWeights, gateWeights) - flip.divergence)).toBeLessThan(1e-12);
        const support = problem.free.filter((i) => gateWeights[i]! > 0);
        for (const weights of grid(support.length, 8, freeMass(problem))) {
          const whole = withFreeWeights({ ...problem, free: support }, weights);
          const nearer = dot(whole, difference) <= 0 && divergence(whole, gateWeights) < flip.divergence - 1e-9;
          expect(nearer).toBe(false);
        }
        // A nudge goes a millionth of the way from a margin of 0 ± 1e-12 to the lowest: nearer to 0 than 1e-6 that is rounding.
        const past = dot(nudgePast(problem, flip), difference);
        expect(past < 0 || lowestMargin({ ...problem, free: support }) > -1e-6).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  function expectFlip({ gateWeights, difference, free }: FlipProblem, flipped: Float64Array): void {
    expect(Math.abs(dot(flipped, difference))).toBeLessThan(1e-12);
    expect(Math.abs(sum(flipped) - sum(gateWeights))).toBeLessThan(1e-12);
    expect(Math.min(...flipped)).toBeGreaterThanOrEqual(0);
    const held = [...gateWeights.keys()].filter((i) => !free.includes(i));
    expect(held.map((i) => flipped[i])).toEqual(held.map((i) => gateWeights[i]));
  }

  /** Every point of the simplex of Σ = mass with `parts` steps. */
  function* grid(dimensions: number, parts: number, mass: number): Generator<Float64Array> {
    const counts = new Float64Array(dimensions);
    function* fill(at: number, left: number): Generator<Float64Array> {
      counts[at] = left;
      if (at === dimensions - 1) yield counts.map((count) => (count / parts) * mass);
      else
        for (let count = 0; count <= left; count++) {
          counts[at] = count;
          yield* fill(at + 1, left - count);
        }
    }
    yield* fill(0, parts);
  }
});

describe('edges', () => {
  test('a tie needs no change; equal responses cannot flip', () => {
    const problem = { gateWeights: Float64Array.of(0.5, 0.5), difference: Float64Array.of(1, -1), free: [0, 1] };
    expect(smallestFlipL1(problem)).toMatchObject({ possible: true, distance: 0, gateWeights: problem.gateWeights });
    expect(smallestFlipKL(problem)).toMatchObject({ possible: true, tilt: 0, gateWeights: problem.gateWeights });
    const equal = { ...problem, difference: Float64Array.of(0, 0) };
    expect(smallestFlipL1(equal)).toMatchObject({ possible: false, lowestMargin: 0 });
  });

  test('no free weight, and a winner that is not one', () => {
    const problem = { gateWeights: Float64Array.of(1, 0), difference: Float64Array.of(1, -1), free: [1] };
    expect(smallestFlipL1(problem)).toMatchObject({ possible: false, objective: undefined, lowestMargin: 1 });
    expect(() => smallestFlipL1({ ...problem, difference: Float64Array.of(-1, 1) })).toThrow(/wins already/);
    expect(() => smallestFlipKL({ ...problem, difference: Float64Array.of(1) })).toThrow(/1 differences for 2/);
  });

  test('L1 lifts a weight from 0, a tilt cannot', () => {
    const problem = { gateWeights: Float64Array.of(1, 0), difference: Float64Array.of(1, -1), free: [0, 1] };
    expect(smallestFlipL1(problem)).toMatchObject({ distance: 1, gateWeights: Float64Array.of(0.5, 0.5) });
    expect(smallestFlipKL(problem)).toMatchObject({ possible: false, lowestMargin: 1, objective: 0 });
  });

  test('differences of any size have a root', () => {
    for (const size of [1e-12, 1, 1e12]) {
      const difference = Float64Array.of(1, 0.5, -1e-9).map((value) => value * size);
      const problem = { gateWeights: Float64Array.of(0.4, 0.3, 0.3), difference, free: [0, 1, 2] };
      const flip = smallestFlipKL(problem);
      expect(flip.possible && Math.abs(dot(flip.gateWeights, difference))).toBeLessThan(1e-15 * size);
      expect(dot(nudgePast(problem, smallestFlipL1(problem) as never), difference)).toBeLessThan(0);
    }
  });
});

test('the whole way: the flip of a steered pair, applied as steering, ties their scores; nudged past, the other wins', () => {
  fc.assert(
    fc.property(
      arbitraryCase.chain((one) =>
        fc.tuple(
          fc.constant(one),
          arbitrarySteering(one.head),
          fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 8, maxLength: 8 }),
        ),
      ),
      ([{ head, gateLogits, rewards }, steering, others]) => {
        const pair = [rewards, Float64Array.from(rewards, (_, j) => others[j]!)] as const;
        const score = (r: Float64Array, state = steering) =>
          applySteering(head, { rewards: r, gateLogits }, state).score;
        const [winner, loser] = score(pair[0]) >= score(pair[1]) ? pair : [pair[1], pair[0]];
        const { gateWeights } = applySteering(head, { rewards, gateLogits }, steering);
        const [a, b] = [winner, loser].map((r) => scoreDirection(head, steering, r));
        expect(Math.abs(dot(gateWeights, a!) - score(winner))).toBeLessThan(1e-11);
        const free = soundingObjectives(head, steering).filter((j) => !steering.locked.includes(j));
        const difference = a!.map((value, j) => value - b![j]!);
        const problem = { gateWeights, difference, free };
        const alone = free.length === 0 ? [] : freeDirection(problem, difference);
        const folded = dot(
          free.map((j) => gateWeights[j]!),
          alone,
        );
        expect(Math.abs(folded - (free.length === 0 ? 0 : dot(gateWeights, difference)))).toBeLessThan(1e-9);
        for (const flip of [smallestFlipL1(problem), smallestFlipKL(problem)]) {
          if (!flip.possible || flip.objective === undefined) continue;
          const margin = (weights: Float64Array) => {
            const steered = setGateWeights({ head, gateLogits }, steering, weights);
            return score(winner, steered) - score(loser, steered);
          };
          expect(Math.abs(margin(flip.gateWeights))).toBeLessThan(1e-11);
          const past = nudgePast(problem, flip, 1e-3);
          // Of a lowest margin that is itself rounding, a thousandth is not to be seen.
          const lowest = dot(nudgePast(problem, flip, 1), difference);
          expect(lowest > -1e-7 || margin(past) < 0).toBe(true);
        }
      },
    ),
    { numRuns: 150 },
  );
});
