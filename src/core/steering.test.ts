import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryCase, arbitrarySteering } from './fixtures/arbitrary-steering.ts';
import { goldenHeadNames, loadGoldenHead } from './fixtures/golden-heads.ts';
import { evaluateHead, score } from './reward-head.ts';
import {
  applySteering,
  identitySteering,
  isIdentitySteering,
  type SteerableHead,
  type Steering,
  steeredPenalties,
  steeredTransform,
  steeringProblem,
} from './steering.ts';

/** Verbosity rows of the goldens: ArmoRM's own (armorm.md I5), and the descendant's two. */
const verbosityDimensions = { 'armorm-tiny-llama3': [4], 'armorm-tiny-smollm': [4], 'multidomain-tiny': [4, 10] };

function golden(name: (typeof goldenHeadNames)[number]) {
  const { head, cases } = loadGoldenHead(name);
  const steerable: SteerableHead = { ...head, verbosityDimensions: verbosityDimensions[name] };
  return {
    head: steerable,
    evaluations: cases.map(({ feature, gateFeature }) =>
      evaluateHead(head, Float64Array.from(feature), Float64Array.from(gateFeature)),
    ),
  };
}
const bits = (values: Float64Array) => [...new BigUint64Array(Float64Array.from(values).buffer)];
const worst = (a: Float64Array, b: ArrayLike<number>) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe.each(goldenHeadNames)('identity steering on the golden head %s', (name) => {
  const { head, evaluations } = golden(name);
  const locks: Steering = { ...identitySteering, locked: [0, 3] };

  test.each([
    ['itself', identitySteering],
    ['after JSON', JSON.parse(JSON.stringify(identitySteering)) as Steering],
    ['with locks', locks],
  ])('%s changes nothing to the bit', (_, steering) => {
    expect(isIdentitySteering(steering)).toBe(true);
    for (const evaluation of evaluations) {
      const steered = applySteering(head, evaluation, steering);
      for (const key of ['rewards', 'adjustedRewards', 'gateLogits', 'gateWeights', 'coefficients'] as const)
        expect(bits(steered[key]), key).toEqual(bits(evaluation[key]));
      expect(bits(Float64Array.of(steered.score))).toEqual(bits(Float64Array.of(evaluation.score)));
    }
  });
});

describe('the steered head', () => {
  test('the gate is the softmax of shifted logits over what sounds, and sums to logitScale', () => {
    fc.assert(
      fc.property(
        arbitraryCase.chain((one) => fc.tuple(fc.constant(one), arbitrarySteering(one.head))),
        ([{ head, gateLogits, rewards }, steering]) => {
          const steered = applySteering(head, { rewards, gateLogits }, steering);
          const { logitScale, activeObjectives } = head.gate;
          const tau = steering.temperature ?? head.gate.temperature;
          const powers = Float64Array.from(gateLogits, (logit, j) => {
            const silent =
              steering.muted.includes(j) ||
              (steering.soloed.length > 0 && !steering.soloed.includes(j)) ||
              activeObjectives?.includes(j) === false;
            return silent ? 0 : Math.exp((logit + (steering.logitShifts[j] ?? 0)) / tau - 40 / tau);
          });
          const sum = powers.reduce((total, power) => total + power, 0);
          expect(
            worst(
              steered.gateWeights,
              powers.map((power) => (power / sum) * logitScale),
            ),
          ).toBeLessThan(1e-11);
          expect(Math.abs(steered.gateWeights.reduce((a, b) => a + b, 0) - logitScale)).toBeLessThan(1e-12);
          expect([...powers.keys()].filter((j) => powers[j] === 0 && steered.gateWeights[j] !== 0)).toEqual([]);
        },
      ),
    );
  });

  test('g · r′ = c · r, and a pinned coefficient moves the score by its change times its reward', () => {
    fc.assert(
      fc.property(
        arbitraryCase.chain((one) => fc.tuple(fc.constant(one), arbitrarySteering(one.head))),
        ([{ head, gateLogits, rewards }, steering]) => {
          const free = applySteering(head, { rewards, gateLogits }, { ...steering, coefficientOverrides: {} });
          expect(Math.abs(free.score - score(free.coefficients, rewards))).toBeLessThan(1e-11);
          const pinned = applySteering(head, { rewards, gateLogits }, steering);
          let expected = free.score;
          for (const [j, value] of Object.entries(steering.coefficientOverrides))
            expected += (value - free.coefficients[Number(j)]!) * rewards[Number(j)]!;
          expect(Math.abs(pinned.score - expected)).toBeLessThan(1e-11);
          expect(pinned.gateWeights).toEqual(free.gateWeights);
          for (const [j, value] of Object.entries(steering.coefficientOverrides))
            expect(pinned.coefficients[Number(j)]).toBe(value);
        },
      ),
    );
  });

  test('odds change by one factor on every prompt', () => {
    fc.assert(
      fc.property(
        arbitraryCase.chain((one) => fc.tuple(fc.constant(one), arbitrarySteering(one.head))),
        fc.double({ min: -3, max: 3, noNaN: true }),
        ([{ head, gateLogits, rewards }, steering], tilt) => {
          const unmasked = { ...steering, temperature: undefined, muted: [], soloed: [] };
          const factors = [gateLogits, gateLogits.map((logit, j) => logit + tilt * j)].map((logits) => {
            const before = applySteering(head, { rewards, gateLogits: logits }, identitySteering).gateWeights;
            const after = applySteering(head, { rewards, gateLogits: logits }, unmasked).gateWeights;
            const active = head.gate.activeObjectives ?? [...before.keys()];
            return active.map(
              (j) => Math.log(after[j]! / before[j]!) - Math.log(after[active[0]!]! / before[active[0]!]!),
            );
          });
          expect(worst(Float64Array.from(factors[0]!), factors[1]!)).toBeLessThan(1e-9);
        },
      ),
    );
  });
});

describe('penalties', () => {
  const { head, evaluations } = golden('armorm-tiny-llama3');
  const withPenalties = (penalties: Partial<Steering['penalties']>): Steering => ({
    ...identitySteering,
    penalties: { ...identitySteering.penalties, ...penalties },
  });

  test('none: M = I, adjusted rewards are the rewards', () => {
    const steered = applySteering(head, evaluations[0]!, withPenalties({ base: 'none' }));
    expect(steered.adjustedRewards).toEqual(evaluations[0]!.rewards);
    expect(steered.coefficients).toEqual(evaluations[0]!.gateWeights);
  });

  test('ignore verbosity: its coefficient is zero, the others are the gate', () => {
    const { gateWeights, rewards } = evaluations[0]!;
    const steered = applySteering(head, evaluations[0]!, withPenalties({ base: 'ignore-verbosity' }));
    const without = (values: Float64Array) => values.map((value, j) => (j === 4 ? 0 : value));
    expect(steered.coefficients).toEqual(without(gateWeights));
    expect(steered.adjustedRewards).toEqual(without(rewards));
  });

  test('paper correction: the model’s own array', () => {
    expect(steeredTransform(head, identitySteering.penalties)).toBe(head.transform);
  });

  test('scale 0 is none where only penalties shape M; half is half way', () => {
    const identity = steeredTransform(head, { base: 'none', scale: 1, overrides: {} });
    expect(steeredTransform(head, { base: 'model', scale: 0, overrides: {} })).toEqual(identity);
    const half = steeredTransform(head, { base: 'model', scale: 0.5, overrides: {} });
    expect(
      worst(
        half,
        head.transform.map((entry, i) => (entry + identity[i]!) / 2),
      ),
    ).toBeLessThan(1e-15);
  });

  test('an override replaces one λ, keeps the bits of all others, and is scaled', () => {
    const changed = steeredTransform(head, { base: 'model', scale: 1, overrides: { 4: { 7: 0.25 } } });
    const expected = Float64Array.from(head.transform);
    expected[4 * 19 + 7] = -0.25;
    expect(bits(changed)).toEqual(bits(expected));
    expect(steeredTransform(head, { base: 'none', scale: 2, overrides: { 4: { 4: 0.25 } } })[4 * 19 + 4]).toBe(0.5);
  });

  test('the penalties in force are those in the transform, on both dimensions', () => {
    fc.assert(
      fc.property(
        arbitraryCase.chain((one) => fc.tuple(fc.constant(one), arbitrarySteering(one.head))),
        ([one, { penalties }]) => {
          const k = one.head.objectives;
          const transform = steeredTransform(one.head, penalties);
          for (const v of one.head.verbosityDimensions) {
            const lambda = steeredPenalties(one.head, penalties, v);
            const expected = Float64Array.from(lambda, (value, j) => (j === v ? 1 : 0) - value);
            expect(worst(transform.subarray(v * k, (v + 1) * k), expected)).toBeLessThan(1e-14);
          }
        },
      ),
    );
  });
});

describe('what a link may carry', () => {
  const { head } = golden('multidomain-tiny');

  test('any steering that fits survives JSON and is accepted', () => {
    fc.assert(
      fc.property(
        arbitraryCase.chain((one) => fc.tuple(fc.constant(one), arbitrarySteering(one.head))),
        ([one, steering]) => {
          expect(steeringProblem(steering, one.head)).toBeUndefined();
          expect(applySteering(one.head, one, JSON.parse(JSON.stringify(steering)))).toEqual(
            applySteering(one.head, one, steering),
          );
        },
      ),
    );
  });

  test.each<[RegExp, Partial<Steering>]>([
    [/logit shift of objective 23, the model has 23/, { logitShifts: { 23: 1 } }],
    [/logit shift of objective 01/, { logitShifts: { '01': 1 } as unknown as Steering['logitShifts'] }],
    [/coefficient of 1e\+?300/, { coefficientOverrides: { 2: 1e300 } }],
    [/coefficient of NaN/, { coefficientOverrides: { 2: Number.NaN } }],
    [/temperature of 0/, { temperature: 0 }],
    [/penalty scale of Infinity/, { penalties: { base: 'model', scale: Infinity, overrides: {} } }],
    [/penalises by objective 3/, { penalties: { base: 'model', scale: 1, overrides: { 3: { 1: 1 } } } }],
    [/penalty of objective 40/, { penalties: { base: 'model', scale: 1, overrides: { 4: { 40: 1 } } } }],
    [/objective -1 muted/, { muted: [-1] }],
    [/locked objectives out of order/, { locked: [3, 2] }],
    [/locked objectives out of order/, { locked: [2, 2] }],
    [/mutes and solos/, { muted: [2], soloed: [2] }],
    [/mutes every objective/, { muted: [...Array.from({ length: 23 }).keys()] }],
  ])('refused in words: %s', (words, change) => {
    expect(steeringProblem({ ...identitySteering, ...change }, head)).toMatch(words);
  });

  test('a solo of what the gate may not weigh is refused', () => {
    const inactive = [...Array.from({ length: 23 }).keys()].find((j) => !head.gate.activeObjectives!.includes(j))!;
    expect(steeringProblem({ ...identitySteering, soloed: [inactive] }, head)).toMatch(/mutes every/);
  });
});
