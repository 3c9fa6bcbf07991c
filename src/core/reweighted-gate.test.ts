import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applySteering, identitySteering, steeredGateWeights, type SteerableHead, type Steering } from './steering.ts';
import { makeBatchScores, makeSteeringBatch, scoreBatch } from './steering-batch.ts';

const k = 4;
const identity = Float64Array.from({ length: k * k }, (_, i) => (i % (k + 1) === 0 ? 1 : 0));

/** What a softmax is, without anything kept: shifted logits, largest taken off, exponentials, sum. */
function plainWeights({ gate }: SteerableHead, logits: Float64Array, steering: Steering): Float64Array {
  const temperature = steering.temperature ?? gate.temperature;
  const shifted = logits.map((logit, j) => {
    const silent = steering.muted.includes(j) || (steering.soloed.length > 0 && !steering.soloed.includes(j));
    return silent ? -Infinity : logit + (steering.logitShifts[j] ?? 0);
  });
  const largest = Math.max(...shifted);
  const powers = shifted.map((value) => Math.exp((value - largest) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => (power / sum) * gate.logitScale);
}

const number = (size: number) => fc.double({ min: -size, max: size, noNaN: true });
const extremes = fc.record({
  temperature: fc.constantFrom(1e-3, 0.1, 10, 1e3),
  logits: fc.array(fc.oneof(number(5), number(1e3)), { minLength: k, maxLength: k }),
  shifts: fc.array(fc.oneof(fc.constant(0), number(10), number(1e6)), { minLength: k, maxLength: k }),
  sounding: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 1 }),
  solo: fc.boolean(),
  logitScale: fc.constantFrom(1, 1.7, -0.5),
});

describe('weights by factors', () => {
  test('are those of the plain softmax from the mildest to the most extreme shift, one by one and all at once', () => {
    fc.assert(
      fc.property(extremes, ({ temperature, logits, shifts, sounding, solo, logitScale }) => {
        const head = {
          objectives: k,
          transform: identity,
          verbosityDimensions: [0],
          gate: { temperature: 10, logitScale },
        };
        const ascending = sounding.toSorted((a, b) => a - b);
        const steering: Steering = {
          ...identitySteering,
          temperature,
          logitShifts: Object.fromEntries(shifts.flatMap((shift, j) => (shift === 0 ? [] : [[j, shift]]))),
          ...(solo ? { soloed: ascending } : { muted: [0, 1, 2, 3].filter((j) => !ascending.includes(j)) }),
        };
        const gateLogits = Float64Array.from(logits);
        const expected = plainWeights(head, gateLogits, steering);
        const weights = steeredGateWeights(head, gateLogits, steering);
        // l + δ rounds at the size of δ, and the difference to the largest with it.
        const tolerance = 1e-12 + (4 * Number.EPSILON * Math.max(...shifts.map(Math.abs), 1e3)) / temperature;
        const silent = [0, 1, 2, 3].filter((j) => !ascending.includes(j));
        expect(silent.map((j) => weights[j])).toEqual(silent.map(() => 0));
        for (const [j, weight] of weights.entries()) expect(Math.abs(weight - expected[j]!)).toBeLessThan(tolerance);

        const rewards = Float64Array.of(1, -2, 3, 0.5);
        const set = {
          rows: 1,
          prompts: 1,
          groups: 1,
          rewards,
          gateLogits,
          promptOf: Int32Array.of(0),
          groupStart: Int32Array.of(0, 1),
        };
        const { gateWeights, scores } = scoreBatch(makeSteeringBatch(head, set), steering, makeBatchScores(head, set));
        expect([...gateWeights]).toEqual([...weights]);
        expect(scores[0]).toBe(applySteering(head, { rewards, gateLogits }, steering).score);
      }),
      { numRuns: 400 },
    );
  });

  test('that are beyond a double beside what is silent are still shared out', () => {
    const head = {
      objectives: k,
      transform: identity,
      verbosityDimensions: [0],
      gate: { temperature: 1, logitScale: 2 },
    };
    const logits = Float64Array.of(2000, 1, 1 + Math.log(3), -2000);
    const among = (soloed: number[]) => [...steeredGateWeights(head, logits, { ...identitySteering, soloed })];
    const shares = among([1, 2]);
    expect(shares[1]).toBeCloseTo(0.5, 14);
    expect(shares[2]).toBeCloseTo(1.5, 14);
    expect(among([3])).toEqual([0, 0, 0, 2]);
  });
});

test('a buffer serves any order of moves: each gives what a fresh one gives', () => {
  const head = {
    objectives: k,
    transform: identity,
    verbosityDimensions: [0],
    gate: { temperature: 2, logitScale: 1 },
  };
  const set = {
    rows: 3,
    prompts: 2,
    groups: 2,
    rewards: Float64Array.from({ length: 12 }, (_, i) => Math.sin(i)),
    gateLogits: Float64Array.from({ length: 8 }, (_, i) => Math.cos(3 * i)),
    promptOf: Int32Array.of(0, 0, 1),
    groupStart: Int32Array.of(0, 2, 3),
  };
  const batch = makeSteeringBatch(head, set);
  const shared = makeBatchScores(head, set);
  const shifted = { ...identitySteering, logitShifts: { 1: 2 } };
  const penalised = (of: Steering): Steering => ({
    ...of,
    penalties: { base: 'none', scale: 1, overrides: { 0: { 2: 0.4 } } },
  });
  const moves: readonly Steering[] = [
    shifted,
    penalised(shifted),
    { ...shifted, temperature: 5 },
    penalised(identitySteering),
    { ...identitySteering, muted: [2] },
    { ...identitySteering, soloed: [2] },
    { ...shifted, coefficientOverrides: { 3: 1 } },
    identitySteering,
    { ...identitySteering, temperature: 5 },
    shifted,
  ];
  for (const steering of moves) {
    const { scores, gateWeights, flipCount } = scoreBatch(batch, steering, shared);
    const fresh = scoreBatch(makeSteeringBatch(head, set), steering, makeBatchScores(head, set));
    expect({ scores, gateWeights, flipCount }).toEqual({
      scores: fresh.scores,
      gateWeights: fresh.gateWeights,
      flipCount: fresh.flipCount,
    });
  }
});
