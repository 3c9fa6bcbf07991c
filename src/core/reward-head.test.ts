import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { goldenHeadNames, loadGoldenHead as load } from './fixtures/golden-heads.ts';
import {
  adjustedRewards,
  assertRewardHead,
  coefficients,
  evaluateHead,
  gateLogits,
  gateWeights,
  type RewardHead,
  score,
} from './reward-head.ts';

function worstDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Math.max(...Array.from(actual, (value, i) => Math.abs(value - expected[i]!)));
}

// The golden's heads are f32 and its arithmetic f64, as here: what is left is the order of summation.
const tolerance = 1e-12;

describe.each(goldenHeadNames)('the golden head %s', (name) => {
  const { head, cases } = load(name);

  test('gives the rewards, gate and score of PyTorch in float64', () => {
    assertRewardHead(head);
    expect(cases).toHaveLength(3);
    for (const golden of cases) {
      const actual = evaluateHead(head, Float64Array.from(golden.feature), Float64Array.from(golden.gateFeature));
      for (const key of ['rewards', 'adjustedRewards', 'gateLogits', 'gateWeights', 'coefficients'] as const)
        expect(worstDifference(actual[key], golden[key])).toBeLessThan(tolerance);
      expect(Math.abs(actual.score - golden.score)).toBeLessThan(tolerance);
    }
  });
});

describe('the mask of active objectives', () => {
  const { head, cases } = load('multidomain-tiny');
  const { activeObjectives, logitScale } = head.gate;
  const golden = cases[0]!;
  const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

  test('acts before the softmax: the golden weights still sum to logit_scale', () => {
    expect(activeObjectives).toHaveLength(12);
    expect(sum(golden.gateWeights)).toBeCloseTo(logitScale, 12);
    const { activeObjectives: _, ...unmasked } = head.gate;
    const all = gateWeights({ ...head, gate: unmasked }, Float64Array.from(golden.gateLogits));
    // Zeroing after the softmax would lose the inactive objectives' share, which is large here.
    expect(sum(activeObjectives!.map((j) => all[j]!))).toBeLessThan(0.9 * logitScale);
  });

  test('leaves logits and rewards of inactive objectives alone, and their weight exactly 0', () => {
    const inactive = Array.from({ length: 23 }, (_, j) => j).filter((j) => !activeObjectives!.includes(j));
    const actual = evaluateHead(head, Float64Array.from(golden.feature), Float64Array.from(golden.gateFeature));
    for (const j of inactive) {
      expect(actual.gateWeights[j]).toBe(0);
      expect(golden.gateLogits[j]).not.toBe(0);
      expect(golden.adjustedRewards[j]).not.toBe(0);
    }
  });
});

const finite = fc.double({ min: -50, max: 50, noNaN: true });
const arbitraryHead = fc
  .record({
    k: fc.integer({ min: 1, max: 8 }),
    d: fc.integer({ min: 1, max: 6 }),
    hidden: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ k, d, hidden }) =>
    fc.record({
      head: fc
        .record({
          regression: values(k * d),
          first: values(hidden * d),
          firstBias: values(hidden),
          second: values(k * hidden),
          secondBias: values(k),
          transform: values(k * k),
          temperature: fc.double({ min: 0.1, max: 20, noNaN: true }),
          logitScale: fc.double({ min: 0.1, max: 3, noNaN: true }),
          activeObjectives: fc.option(
            fc.subarray(
              Array.from({ length: k }, (_, j) => j),
              { minLength: 1 },
            ),
            { nil: undefined },
          ),
        })
        .map((part): RewardHead => ({
          objectives: k,
          featureSize: d,
          regression: Float32Array.from(part.regression),
          gate: {
            layers: [
              {
                weight: Float32Array.from(part.first),
                bias: Float32Array.from(part.firstBias),
                inputSize: d,
                outputSize: hidden,
              },
              {
                weight: Float32Array.from(part.second),
                bias: Float32Array.from(part.secondBias),
                inputSize: hidden,
                outputSize: k,
              },
            ],
            temperature: part.temperature,
            logitScale: part.logitScale,
            ...(part.activeObjectives === undefined ? {} : { activeObjectives: part.activeObjectives }),
          },
          transform: Float64Array.from(part.transform),
        })),
      feature: values(d).map((v) => Float64Array.from(v)),
      gateFeature: values(d).map((v) => Float64Array.from(v)),
    }),
  );
function values(length: number) {
  return fc.array(finite, { minLength: length, maxLength: length });
}

describe('invariants', () => {
  test('gate weights are non-negative, sum to logitScale, and do not move when every logit shifts', () => {
    fc.assert(
      fc.property(arbitraryHead, finite, ({ head, gateFeature }, shift) => {
        const logits = gateLogits(head, gateFeature);
        const g = gateWeights(head, logits);
        expect(Math.min(...g)).toBeGreaterThanOrEqual(0);
        expect(Math.abs(g.reduce((a, b) => a + b, 0) - head.gate.logitScale)).toBeLessThan(1e-12);
        const scale = Math.max(1, ...logits.map(Math.abs)) / head.gate.temperature;
        const shifted = gateWeights(
          head,
          logits.map((l) => l + shift),
        );
        expect(worstDifference(shifted, g)).toBeLessThan(
          1e-14 * (100 + 10 * scale + Math.abs(shift) / head.gate.temperature),
        );
      }),
    );
  });

  test('g · r′ = c · r', () => {
    fc.assert(
      fc.property(arbitraryHead, ({ head, feature, gateFeature }) => {
        const e = evaluateHead(head, feature, gateFeature);
        const size = e.rewards.reduce((total, r) => total + Math.abs(r), 1) * 50 * head.gate.logitScale;
        expect(Math.abs(score(e.coefficients, e.rewards) - e.score)).toBeLessThanOrEqual(
          1e-14 * size * head.objectives,
        );
        expect(score(e.gateWeights, e.adjustedRewards)).toBe(e.score);
      }),
    );
  });

  test('the identity transform changes nothing', () => {
    const { head } = load('armorm-tiny-llama3');
    const identity = Float64Array.from({ length: 361 }, (_, i) => (i % 20 === 0 ? 1 : 0));
    const r = Float64Array.from({ length: 19 }, (_, i) => i - 7.5);
    expect(adjustedRewards({ ...head, transform: identity }, r)).toEqual(r);
    expect(coefficients({ ...head, transform: identity }, r)).toEqual(r);
  });

  test('logits of ±2000 neither overflow nor give NaN', () => {
    const { head } = load('armorm-tiny-llama3');
    const logits = new Float64Array(19).fill(-2000);
    logits[3] = 2000;
    const g = gateWeights({ ...head, gate: { ...head.gate, temperature: 1 } }, logits);
    expect([...g]).toEqual(Array.from({ length: 19 }, (_, j) => (j === 3 ? head.gate.logitScale : 0)));
  });

  test('NaN is never hidden', () => {
    const { head, cases } = load('armorm-tiny-llama3');
    const broken = Float64Array.from(cases[0]!.gateFeature);
    broken[5] = Number.NaN;
    const e = evaluateHead(head, Float64Array.from(cases[0]!.feature), broken);
    expect([...e.gateWeights].every(Number.isNaN)).toBe(true);
    expect(e.score).toBeNaN();
  });
});

test('shapes that do not fit are refused by name', () => {
  const { head } = load('multidomain-tiny');
  const withGate = (gate: Partial<RewardHead['gate']>) => ({ ...head, gate: { ...head.gate, ...gate } });
  expect(() => assertRewardHead({ ...head, regression: head.regression.subarray(1) })).toThrow(
    /regression has 1471 entries, 1472/,
  );
  expect(() => assertRewardHead({ ...head, transform: new Float64Array(4) })).toThrow(/transform has 4 entries, 529/);
  expect(() => assertRewardHead(withGate({ layers: [] }))).toThrow(/no layers/);
  expect(() => assertRewardHead(withGate({ layers: head.gate.layers.slice(0, 1) }))).toThrow(
    /ends in 64 outputs for 23/,
  );
  expect(() => assertRewardHead(withGate({ layers: head.gate.layers.slice(1).concat(head.gate.layers) }))).toThrow(
    /layer 1 takes 64 inputs, 23 arrive/,
  );
  expect(() => assertRewardHead(withGate({ temperature: 0 }))).toThrow(/temperature/);
  expect(() => assertRewardHead(withGate({ activeObjectives: [0, 23] }))).toThrow(/active objective 23/);
  expect(() => assertRewardHead(withGate({ activeObjectives: [1, 1] }))).toThrow(/twice/);
  expect(() => assertRewardHead(withGate({ activeObjectives: [] }))).toThrow(/no objective/);
  expect(() => evaluateHead(head, new Float32Array(63), new Float32Array(64))).toThrow(/feature has 63 entries, 64/);
});
