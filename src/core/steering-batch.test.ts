import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { arbitraryCase, arbitrarySteering } from './fixtures/arbitrary-steering.ts';
import { goldenHeadNames, loadGoldenHead } from './fixtures/golden-heads.ts';
import { evaluateHead } from './reward-head.ts';
import { applySteering, identitySteering, type SteerableHead, type Steering } from './steering.ts';
import { makeBatchScores, makeSteeringBatch, scoreBatch, steerableSet, type SteerableSet } from './steering-batch.ts';

/** A set with groups of the given sizes, one prompt a group, some rewards repeated so that scores tie. */
function randomSet(k: number, sizes: readonly number[], seed: number): SteerableSet {
  const random = new SeededRandom(seed);
  const rows = sizes.reduce((a, b) => a + b, 0);
  const groupStart = new Int32Array(sizes.length + 1);
  for (const [group, size] of sizes.entries()) groupStart[group + 1] = groupStart[group]! + size;
  const promptOf = Int32Array.from({ length: rows }, (_, row) => groupStart.findLastIndex((start) => start <= row));
  const rewards = Float64Array.from({ length: rows * k }, () => random.normal());
  for (let row = 1; row < rows; row += 3) rewards.copyWithin(row * k, (row - 1) * k, row * k);
  const gateLogits = Float64Array.from({ length: sizes.length * k }, () => 5 * random.normal());
  return { rows, prompts: sizes.length, groups: sizes.length, rewards, promptOf, groupStart, gateLogits };
}
const bits = (values: ArrayLike<number>) => [...new BigUint64Array(Float64Array.from(values).buffer)];

describe('many at once are the same as one by one', () => {
  test('scores, gates and coefficients to the bit; ranks, leads, winners and flips by comparing all', () => {
    fc.assert(
      fc.property(
        arbitraryCase.chain(({ head }) => fc.tuple(fc.constant(head), arbitrarySteering(head))),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 20, max: 40 })), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.nat(),
        ([head, steering], sizes, seed) => {
          const k = head.objectives;
          const set = randomSet(k, sizes, seed);
          const batch = makeSteeringBatch(head, set);
          const { scores, ranks, leads, winners, flips, flipCount, gateWeights, coefficients } = scoreBatch(
            batch,
            steering,
            makeBatchScores(head, set),
          );
          const alone = (which: Steering) =>
            Array.from({ length: set.rows }, (_, row) => {
              const prompt = set.promptOf[row]!;
              return applySteering(
                head,
                {
                  rewards: set.rewards.subarray(row * k, (row + 1) * k),
                  gateLogits: set.gateLogits.subarray(prompt * k, (prompt + 1) * k),
                },
                which,
              );
            });
          const steered = alone(steering);
          expect(bits(scores)).toEqual(bits(steered.map(({ score }) => score)));
          expect(bits(batch.baseline.scores)).toEqual(bits(alone(identitySteering).map(({ score }) => score)));
          for (const [row, one] of steered.entries()) {
            const at = set.promptOf[row]! * k;
            expect(bits(gateWeights.subarray(at, at + k))).toEqual(bits(one.gateWeights));
            const pinned = Object.keys(steering.coefficientOverrides).length > 0;
            expect(bits(pinned ? coefficients.subarray(at, at + k) : one.coefficients)).toEqual(bits(one.coefficients));
          }
          const flipped: number[] = [];
          for (let group = 0; group < set.groups; group++) {
            const rows = [...Array.from({ length: sizes[group]! }).keys()].map((i) => set.groupStart[group]! + i);
            const best = (of: Float64Array) => rows.reduce((a, b) => (of[b]! > of[a]! ? b : a));
            expect(winners[group]).toBe(best(scores));
            if (scores[best(scores)]! > scores[best(batch.baseline.scores)]!) flipped.push(group);
            for (const row of rows) {
              const others = rows.filter((other) => other !== row).map((other) => scores[other]!);
              expect(ranks[row]).toBe(1 + others.filter((score) => score > scores[row]!).length);
              expect(leads[row]).toEqual(others.length === 0 ? Number.NaN : scores[row]! - Math.max(...others));
            }
          }
          expect([...flips.subarray(0, flipCount)]).toEqual(flipped);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('one group of 10,000: ranks by sorting are ranks by counting', () => {
    const head: SteerableHead = {
      objectives: 2,
      transform: Float64Array.of(1, 0, 0, 1),
      verbosityDimensions: [],
      gate: { temperature: 1, logitScale: 1 },
    };
    const { baseline } = makeSteeringBatch(head, randomSet(2, [10_000], 7));
    const order = [...baseline.scores].sort((a, b) => b - a);
    const first = new Map<number, number>();
    for (const [i, score] of order.entries()) if (!first.has(score)) first.set(score, i + 1);
    expect([...baseline.ranks]).toEqual([...baseline.scores].map((score) => first.get(score)));
  });
});

test.each(goldenHeadNames)('identity on the golden head %s gives evaluateHead’s scores to the bit', (name) => {
  const { head, cases } = loadGoldenHead(name);
  const evaluations = cases.map(({ feature, gateFeature }) =>
    evaluateHead(head, Float64Array.from(feature), Float64Array.from(gateFeature)),
  );
  const n = evaluations.length;
  const set: SteerableSet = {
    rows: n,
    prompts: n,
    groups: 1,
    rewards: Float64Array.from(evaluations.flatMap(({ rewards }) => [...rewards])),
    gateLogits: Float64Array.from(evaluations.flatMap(({ gateLogits }) => [...gateLogits])),
    promptOf: Int32Array.from({ length: n }, (_, i) => i),
    groupStart: Int32Array.of(0, n),
  };
  const batch = makeSteeringBatch({ ...head, verbosityDimensions: [4] }, set);
  expect(bits(batch.baseline.scores)).toEqual(bits(evaluations.map(({ score }) => score)));
  expect(batch.baseline.flipCount).toBe(0);
  // A buffer that held other numbers is wholly overwritten.
  const target = makeBatchScores(batch.head, set);
  scoreBatch(batch, { ...identitySteering, muted: [1, 2], coefficientOverrides: { 0: 2 } }, target);
  const { scores, ranks, leads, winners, gateWeights } = scoreBatch(batch, identitySteering, target);
  expect({ scores, ranks, leads, winners, gateWeights }).toEqual({
    scores: batch.baseline.scores,
    ranks: batch.baseline.ranks,
    leads: batch.baseline.leads,
    winners: batch.baseline.winners,
    gateWeights: batch.baseline.gateWeights,
  });
});

test('a tie with the baseline’s winner is no flip; strictly better is', () => {
  const head: SteerableHead = {
    objectives: 2,
    transform: Float64Array.of(1, 0, 0, 1),
    verbosityDimensions: [],
    gate: { temperature: 1, logitScale: 1 },
  };
  const set: SteerableSet = {
    rows: 4,
    prompts: 1,
    groups: 2,
    rewards: Float64Array.of(1, 0, 1, 1, 2, 0, 1, 5),
    promptOf: new Int32Array(4),
    groupStart: Int32Array.of(0, 2, 4),
    gateLogits: new Float64Array(2),
  };
  const batch = makeSteeringBatch(head, set);
  const steered = scoreBatch(batch, { ...identitySteering, muted: [1] }, makeBatchScores(head, set));
  expect([...batch.baseline.winners]).toEqual([1, 3]);
  expect([...steered.winners]).toEqual([0, 2]);
  expect([...steered.flips.subarray(0, steered.flipCount)]).toEqual([1]);
});

test('a set without gate logits is steered by its weights, as closely as they are known', () => {
  fc.assert(
    fc.property(
      arbitraryCase.chain(({ head }) => fc.tuple(fc.constant(head), arbitrarySteering(head))),
      fc.nat(),
      ([head, steering], seed) => {
        const set = randomSet(head.objectives, [2, 3], seed);
        const { gateWeights } = makeSteeringBatch(head, set).baseline;
        const withLogits = steerableSet({ ...set, gateWeights }, head);
        expect(withLogits.gateLogits).toBe(set.gateLogits);
        const without = steerableSet({ ...set, gateWeights, gateLogits: undefined }, head);
        const scores = [withLogits, without].map(
          (which) => scoreBatch(makeSteeringBatch(head, which), steering, makeBatchScores(head, which)).scores,
        );
        const worst = Math.max(...scores[0]!.map((score, i) => Math.abs(score - scores[1]![i]!)));
        expect(worst).toBeLessThan(1e-10);
      },
    ),
    { numRuns: 60 },
  );
  const head: SteerableHead = {
    objectives: 2,
    transform: Float64Array.of(1, 0, 0, 1),
    verbosityDimensions: [],
    gate: { temperature: 1, logitScale: 0 },
  };
  const set = { ...randomSet(2, [2], 1), gateWeights: Float64Array.of(0, 0), gateLogits: undefined };
  expect(() => steerableSet(set, head)).toThrow(/gate weights\[0\]: is 0, no share of a gate of 0/);
});

test('numbers that are not finite are refused by name, shapes too', () => {
  const head: SteerableHead = {
    objectives: 2,
    transform: Float64Array.of(1, 0, 0, 1),
    verbosityDimensions: [],
    gate: { temperature: 1, logitScale: 1 },
  };
  const set = randomSet(2, [2, 2], 1);
  const rewards = Float64Array.from(set.rewards);
  rewards[5] = Number.NaN;
  expect(() => makeSteeringBatch(head, { ...set, rewards })).toThrow('rewards, row 2, objective 1: is NaN');
  expect(() => makeSteeringBatch(head, { ...set, rows: 3 })).toThrow(/8 rewards are not 3 × 2/);
  expect(() => makeSteeringBatch(head, { ...set, groups: 1 })).toThrow(/groups must cover/);
  const gateLogits = Float64Array.of(0, 1, Infinity, 0);
  expect(() => makeSteeringBatch(head, { ...set, gateLogits })).toThrow(
    'gate logits, prompt 1, objective 0: is Infinity',
  );
});
