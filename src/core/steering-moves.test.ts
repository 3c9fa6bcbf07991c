import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryCase, arbitrarySteering } from './fixtures/arbitrary-steering.ts';
import {
  identitySteering,
  type Steering,
  soundingObjectives,
  steeredGateWeights,
  steeringProblem,
} from './steering.ts';
import {
  gateWeightRange,
  moveGateWeight,
  moveGroupWeight,
  type OpenPrompt,
  resetObjective,
  setCoefficient,
  setGateWeights,
  setLocked,
  setLogitShift,
  setMuted,
  setPenalty,
  setPenaltyBase,
  setPenaltyScale,
  setSoloed,
  setTemperature,
} from './steering-moves.ts';

const weightsOf = ({ head, gateLogits }: OpenPrompt, steering: Steering) =>
  steeredGateWeights(head, gateLogits, steering);
const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

/** A step of a person at the sliders; indices are taken modulo k. */
const arbitraryStep = fc.oneof(
  fc.record({
    kind: fc.constant('weight' as const),
    j: fc.nat(7),
    to: fc.double({ min: -0.2, max: 1.2, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant('group' as const),
    j: fc.nat(7),
    width: fc.integer({ min: 1, max: 4 }),
    to: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ kind: fc.constantFrom('mute' as const, 'lock' as const), j: fc.nat(7), on: fc.boolean() }),
  fc.record({ kind: fc.constant('solo' as const), j: fc.nat(7), width: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('logit' as const), j: fc.nat(7), to: fc.double({ min: -20, max: 20, noNaN: true }) }),
  fc.record({
    kind: fc.constant('temperature' as const),
    to: fc.option(fc.double({ min: 0.5, max: 20, noNaN: true }), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('reset' as const), j: fc.nat(7) }),
);
type Step = typeof arbitraryStep extends fc.Arbitrary<infer T> ? T : never;

const groupOf = (k: number, j: number, width: number) => Array.from({ length: width }, (_, i) => (j + i) % k);

function take(prompt: OpenPrompt, steering: Steering, step: Step): Steering {
  const k = prompt.head.objectives;
  switch (step.kind) {
    case 'weight':
      return moveGateWeight(prompt, steering, step.j % k, step.to * prompt.head.gate.logitScale);
    case 'group':
      return moveGroupWeight(prompt, steering, groupOf(k, step.j, step.width), step.to * prompt.head.gate.logitScale);
    case 'mute':
      return setMuted(prompt, steering, step.j % k, step.on);
    case 'lock':
      return setLocked(steering, step.j % k, step.on);
    case 'solo':
      return setSoloed(prompt.head, steering, groupOf(k, step.j, step.width));
    case 'logit':
      return setLogitShift(prompt, steering, step.j % k, step.to);
    case 'temperature':
      return setTemperature(prompt, steering, step.to);
    case 'reset':
      return resetObjective(prompt, steering, step.j % k);
    default:
      throw new Error('no such step');
  }
}

describe('under any sequence of moves', () => {
  test('weights stay on the simplex, locks hold, the state fits the model and no value is mutated', () => {
    fc.assert(
      fc.property(arbitraryCase, fc.array(arbitraryStep, { maxLength: 40 }), (prompt, steps) => {
        const { logitScale } = prompt.head.gate;
        let steering = identitySteering;
        for (const step of steps) {
          const text = JSON.stringify(steering);
          const before = weightsOf(prompt, steering);
          const next = take(prompt, steering, step);
          const after = weightsOf(prompt, next);
          expect(JSON.stringify(steering)).toBe(text);
          expect(steeringProblem(next, prompt.head)).toBeUndefined();
          expect(Math.min(...after)).toBeGreaterThanOrEqual(0);
          expect(Math.abs(sum(after) - logitScale)).toBeLessThan(1e-12);
          for (const j of next.muted) expect(after[j]).toBe(0);
          const own = step.kind === 'mute' || step.kind === 'reset' ? step.j % prompt.head.objectives : undefined;
          const held = step.kind === 'solo' ? [] : steering.locked.filter((j) => j !== own);
          for (const j of held) expect(Math.abs(after[j]! - before[j]!)).toBeLessThan(1e-11);
          steering = next;
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a weight or group move is the plain one: the moved take the target, the locked hold, the others share in proportion', () => {
    fc.assert(
      fc.property(
        arbitraryCase.chain((one) => fc.tuple(fc.constant(one), arbitrarySteering(one.head))),
        fc.nat(7),
        fc.integer({ min: 1, max: 4 }),
        // A share a slider can name: below 1e-6 of the range only 0 itself.
        fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1, noNaN: true })),
        ([prompt, steering], j, width, at) => {
          const { head } = prompt;
          const group = groupOf(head.objectives, j, width);
          const { minimum, maximum } = gateWeightRange(prompt, steering, group);
          const target = minimum + at * (maximum - minimum);
          const before = weightsOf(prompt, steering);
          const after = weightsOf(prompt, moveGroupWeight(prompt, steering, group, target));
          const total = sum(group.map((i) => after[i]!));
          expect(Math.abs(total - (minimum === maximum ? sum(group.map((i) => before[i]!)) : target))).toBeLessThan(
            1e-12,
          );
          if (minimum === maximum) return;
          const held = (i: number) => steering.locked.includes(i) || (steering.muted.includes(i) && !group.includes(i));
          const heldSum = sum(group.filter((i) => steering.locked.includes(i)).map((i) => before[i]!));
          const movedBefore = sum(group.map((i) => before[i]!)) - heldSum;
          const othersBefore = sum(before.filter((_, i) => !group.includes(i) && !held(i)));
          const othersAfter = sum(after.filter((_, i) => !group.includes(i) && !held(i)));
          const expected = before.map((weight, i) => {
            if (held(i)) return weight;
            if (!group.includes(i)) return (weight / othersBefore) * othersAfter;
            return movedBefore === 0 ? after[i]! : (weight / movedBefore) * (target - heldSum);
          });
          // Proportions of what had almost nothing are only as exact as that almost nothing.
          const smallest = Math.min(othersBefore, movedBefore === 0 ? Infinity : movedBefore);
          expect(worst(after, expected)).toBeLessThan(1e-8 + 1e-14 / smallest);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('the three handles are one gate', () => {
  test('a weight move with nothing locked changes that objective’s shift alone', () => {
    fc.assert(
      fc.property(arbitraryCase, fc.nat(7), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (prompt, j, to) => {
        const { activeObjectives, logitScale } = prompt.head.gate;
        const objective = (activeObjectives ?? [...prompt.gateLogits.keys()])[
          j % (activeObjectives ?? prompt.gateLogits).length
        ]!;
        const steering = moveGateWeight(prompt, identitySteering, objective, to * logitScale);
        expect(Object.keys(steering.logitShifts)).toEqual([String(objective)]);
        expect(weightsOf(prompt, steering)[objective]).toBeCloseTo(to * logitScale, 12);
        // The same through the logit handle.
        const same = setLogitShift(prompt, identitySteering, objective, steering.logitShifts[objective]!);
        expect(weightsOf(prompt, same)).toEqual(weightsOf(prompt, steering));
      }),
    );
  });

  test('asking for a whole gate gives it, zeros exactly; what it leaves alone keeps its shift', () => {
    fc.assert(
      fc.property(
        arbitraryCase.chain((one) => fc.tuple(fc.constant(one), arbitrarySteering(one.head))),
        fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1, noNaN: true })), {
          minLength: 8,
          maxLength: 8,
        }),
        ([prompt, steering], parts) => {
          const { head } = prompt;
          const able = soundingObjectives(head, identitySteering);
          const shares = prompt.gateLogits.map((_, j) => (able.includes(j) ? parts[j]! : 0));
          if (sum(shares) === 0) shares[able[0]!] = 1;
          const weights = shares.map((share) => (share / sum(shares)) * head.gate.logitScale);
          const changed = setGateWeights(prompt, steering, weights);
          expect(steeringProblem(changed, head)).toBeUndefined();
          const after = weightsOf(prompt, changed);
          expect(worst(after, weights)).toBeLessThan(1e-12);
          expect(able.filter((j) => weights[j] === 0 && after[j] !== 0)).toEqual([]);
        },
      ),
    );
    const prompt: OpenPrompt = {
      head: {
        objectives: 4,
        transform: Float64Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0)),
        verbosityDimensions: [],
        gate: { temperature: 2, logitScale: 1 },
      },
      gateLogits: Float64Array.of(1, 0, -1, 2),
    };
    const weights = weightsOf(prompt, identitySteering);
    weights[0] = weights[0]! + weights[2]!;
    weights[2] = 0;
    const changed = setGateWeights(prompt, identitySteering, weights);
    expect(changed.muted).toEqual([2]);
    expect(Object.keys(changed.logitShifts)).toEqual(['0']);
  });

  test('muting and unmuting returns the weights, locks or not', () => {
    fc.assert(
      fc.property(arbitraryCase, fc.nat(7), fc.subarray([0, 1, 2, 3, 4, 5, 6, 7]), (prompt, index, locks) => {
        const objective = index % prompt.head.objectives;
        const steering = {
          ...identitySteering,
          locked: locks.filter((j) => j < prompt.head.objectives && j !== objective),
        };
        const muted = setMuted(prompt, steering, objective, true);
        const back = setMuted(prompt, muted, objective, false);
        expect(worst(weightsOf(prompt, back), weightsOf(prompt, steering))).toBeLessThan(1e-12);
      }),
    );
  });

  test('a slider at its end loses no proportions', () => {
    fc.assert(
      fc.property(arbitraryCase, fc.nat(7), (prompt, index) => {
        const objective = index % prompt.head.objectives;
        const start = weightsOf(prompt, identitySteering);
        const end = moveGateWeight(prompt, identitySteering, objective, Number.MAX_VALUE);
        const back = moveGateWeight(prompt, end, objective, start[objective]!);
        expect(worst(weightsOf(prompt, back), start)).toBeLessThan(1e-12);
      }),
    );
  });
});

describe('moves that cannot be made leave the value as it is', () => {
  const prompt: OpenPrompt = {
    head: {
      objectives: 3,
      transform: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
      verbosityDimensions: [1],
      gate: { temperature: 1, logitScale: 2, activeObjectives: [0, 1] },
    },
    gateLogits: Float64Array.of(0, 0, 0),
  };

  test('an objective the gate may not weigh', () => {
    expect(gateWeightRange(prompt, identitySteering, [2])).toEqual({ minimum: 0, maximum: 0 });
    expect(moveGateWeight(prompt, identitySteering, 2, 1)).toBe(identitySteering);
    expect(setSoloed(prompt.head, identitySteering, [2])).toEqual(identitySteering);
  });

  test('the only one that is not locked', () => {
    const locked = setLocked(identitySteering, 0, true);
    expect(gateWeightRange(prompt, locked, [1])).toEqual({ minimum: 1, maximum: 1 });
    expect(moveGateWeight(prompt, locked, 1, 0.5)).toBe(locked);
    expect(setMuted(prompt, locked, 1, true)).toBe(locked);
  });

  test('a locked one, and its logit', () => {
    const locked = setLocked(identitySteering, 0, true);
    expect(moveGateWeight(prompt, locked, 0, 0.5)).toBe(locked);
    expect(setLogitShift(prompt, locked, 0, 3)).toBe(locked);
  });

  test('the mute of the last that sounds', () => {
    const one = setMuted(prompt, identitySteering, 0, true);
    expect([...weightsOf(prompt, one)]).toEqual([0, 2, 0]);
    expect(setMuted(prompt, one, 1, true)).toBe(one);
    const solo = setSoloed(prompt.head, identitySteering, [1]);
    expect(setMuted(prompt, solo, 1, true)).toBe(solo);
  });

  test('wrong numbers are refused', () => {
    expect(() => moveGateWeight(prompt, identitySteering, 0, Number.NaN)).toThrow(/finite/);
    expect(() => setTemperature(prompt, identitySteering, 0)).toThrow(/positive/);
    expect(() => setCoefficient(identitySteering, 0, Infinity)).toThrow(/finite/);
    expect(() => setPenaltyScale(identitySteering, Number.NaN)).toThrow(/finite/);
    expect(() => setGateWeights(prompt, identitySteering, Float64Array.of(1, 2, 0))).toThrow(/sum to 3, not 2/);
    expect(() => setGateWeights(prompt, identitySteering, Float64Array.of(1, 0, 1))).toThrow(/may weigh/);
    expect(() => setGateWeights(prompt, identitySteering, Float64Array.of(3, -1, 0))).toThrow(/off the simplex/);
    const flat = { ...prompt, head: { ...prompt.head, gate: { ...prompt.head.gate, logitScale: 0 } } };
    expect(() => moveGateWeight(flat, identitySteering, 0, 1)).toThrow(/logitScale: is 0/);
  });
});

test('coefficients, penalties and temperature return to identity when taken back; one objective resets alone', () => {
  const prompt: OpenPrompt = {
    head: {
      objectives: 3,
      transform: Float64Array.of(1, 0, 0, -0.5, 0, -0.2, 0, 0, 1),
      verbosityDimensions: [1],
      gate: { temperature: 1, logitScale: 1 },
    },
    gateLogits: Float64Array.of(0, 1, 2),
  };
  const penalised = setPenalty(setCoefficient(identitySteering, 2, 0.5), 1, 0, 0.7);
  expect(penalised.penalties.overrides).toEqual({ 1: { 0: 0.7 } });
  expect(setPenalty(setCoefficient(penalised, 2, undefined), 1, 0, undefined)).toEqual(identitySteering);
  expect(setPenaltyBase(penalised, 'none').penalties).toEqual({ base: 'none', scale: 1, overrides: {} });
  expect(setPenaltyScale(penalised, 0.5).penalties).toEqual({
    base: 'model',
    scale: 0.5,
    overrides: { 1: { 0: 0.7 } },
  });
  expect(setTemperature(prompt, setTemperature(prompt, identitySteering, 3), 1)).toEqual(identitySteering);
  expect(setTemperature(prompt, identitySteering, 1e9).temperature).toBe(1000);
  const shifted = setLogitShift(prompt, setLogitShift(prompt, penalised, 0, 1), 2, -1);
  expect(resetObjective(prompt, shifted, 2)).toEqual(
    setLogitShift(prompt, setPenalty(identitySteering, 1, 0, 0.7), 0, 1),
  );
});

test('no move leaves a −0, which JSON could not carry', () => {
  const steering = setPenalty(setCoefficient(identitySteering, 1, -0), 4, 1, -0);
  expect(steering.coefficientOverrides[1]).toBe(0);
  expect(steering.penalties.overrides[4]?.[1]).toBe(0);
});
