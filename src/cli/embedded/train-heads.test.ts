import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { initialGateLayers } from '@/core/gate-network.ts';
import { evaluateHead } from '@/core/reward-head.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import type { Group } from './dataset.ts';
import { areaUnderCurve, pairAccuracy, preferencePairs, summariseGate } from './evaluate.ts';
import { indexExamples } from './label-rows.ts';
import type { Example, LabelRow } from './label-rows.ts';
import {
  adjustedDifferences,
  allRewards,
  debias,
  featureSpread,
  foldScaling,
  pairWeights,
  systematicSample,
  trainGate,
  trainProbe,
} from './train-heads.ts';
import type { TrainingData } from './train-heads.ts';

const random = new SeededRandom(7);
const D = 6;

/** 240 prompts with two responses; the first feature is 1, so that it can stand for an intercept. */
function makeData(): TrainingData {
  const groups: Group[] = [];
  const examples: Example[] = [];
  for (let i = 0; i < 240; i += 1) {
    const split = i % 5 === 0 ? 'dev' : 'train';
    const group: Group = {
      key: `g${i}`,
      prompt: [],
      split,
      source: i % 2 === 0 ? 'ultrafeedback_subset' : 'ilf_mbpp',
      licences: new Set(),
      responses: ['a', 'b'],
      ratings: [],
      preferences: [{ chosen: 0, rejected: 1, source: 's', subset: '' }],
      contrasts: [],
    };
    groups.push(group);
    for (const response of [0, 1]) examples.push({ group, response, text: 'ab'[response] ?? '', split, tokens: 3 });
  }
  const features = Float32Array.from({ length: examples.length * D }, (_, i) => (i % D === 0 ? 1 : random.normal()));
  const gateRows = new Map(
    groups.map((group, i) => [
      group,
      Float32Array.from({ length: D }, (_, t) => (t === 0 ? (i % 2 === 0 ? 5 : -5) : random.normal())),
    ]),
  );
  return {
    featureSize: D,
    groups,
    examples,
    index: indexExamples(examples),
    features,
    gateFeatureOf: (group) => gateRows.get(group) ?? new Float32Array(D),
  };
}

const data = makeData();

describe('probes', () => {
  it('finds planted weights on features as they are, whatever the rows weigh', () => {
    const planted = [0.5, 0.3, -0.2, 0, 0.1, 0.05];
    const rows: LabelRow[] = data.examples.map((_, example) => {
      const label = planted.reduce((sum, w, i) => sum + w * (data.features[example * D + i] ?? 0), 0);
      return { example, raw: label, label, weight: example % 3 === 0 ? 5 : 1, source: 's' };
    });
    const probe = trainProbe(rows, data, featureSpread(data));
    for (const [i, w] of planted.entries()) expect(probe.weights[i]).toBeCloseTo(w, 2);
    expect(probe.trainRows + probe.validationRows).toBe(rows.length);
    expect(probe.validationRows).toBe(rows.length / 5);
  });

  it('a row of weight 3 counts like three rows', () => {
    const label = (example: number): number => Math.sin(example);
    const row = (example: number, weight: number): LabelRow => ({
      example,
      raw: 0,
      label: label(example),
      weight,
      source: 's',
    });
    const spread = featureSpread(data);
    const weighted = trainProbe(
      [...data.examples.keys()].map((e) => row(e, e < 100 ? 3 : 1)),
      data,
      spread,
    );
    const repeated = trainProbe(
      [...data.examples.keys()].flatMap((e) => (e < 100 ? [row(e, 1), row(e, 1), row(e, 1)] : [row(e, 1)])),
      data,
      spread,
    );
    // The mean weight scales α, so the two agree as far as α does not matter.
    for (let i = 0; i < D; i += 1) expect(weighted.weights[i]).toBeCloseTo(repeated.weights[i] ?? 0, 1);
  });
});

describe('drawing pairs', () => {
  const pair = (label: string) => ({ better: 0, worse: 1, label });

  it('contrasts have their share, rare kinds more than their number, preferences are all alike', () => {
    const contrasts = [
      ...Array.from({ length: 90 }, () => pair('off-topic')),
      ...Array.from({ length: 10 }, () => pair('rude')),
    ];
    const weights = pairWeights([pair('s'), pair('s')], contrasts, 0.8);
    for (const weight of weights.slice(0, 2)) expect(weight).toBeCloseTo(0.1, 12);
    expect(weights.slice(2).reduce((sum, value) => sum + value, 0)).toBeCloseTo(0.8, 12);
    expect((weights[101] ?? 0) / (weights[2] ?? 1)).toBeCloseTo(9 ** 0.3, 12);
    expect(pairWeights([], contrasts, 0.8).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
  });

  it('balanced by length, as much weight prefers a longer answer as a shorter one, and equal lengths keep theirs', () => {
    const tokens = [10, 20];
    const preferences = [
      ...Array.from({ length: 6 }, () => ({ better: 1, worse: 0, label: 's' })),
      { better: 0, worse: 1, label: 's' },
      { better: 0, worse: 0, label: 's' },
    ];
    const weights = pairWeights(preferences, [], 0.8, (example) => tokens[example] ?? 0);
    const sum = (part: Float64Array): number => part.reduce((total, value) => total + value, 0);
    expect(sum(weights)).toBeCloseTo(1, 12);
    expect(sum(weights.slice(0, 6))).toBeCloseTo(weights[6] ?? 0, 12);
    expect(weights[7]).toBeCloseTo(1 / 8, 12);
  });

  it('systematic sampling gives every index its weight, rounded to a neighbour', () => {
    const weights = Float64Array.of(0.5, 0.125, 0.25, 0, 0.125);
    const drawn = systematicSample(weights, 80);
    expect(drawn.length).toBe(80);
    for (const [index, weight] of weights.entries())
      expect(Math.abs(drawn.filter((one) => one === index).length - 80 * weight)).toBeLessThanOrEqual(1);
  });

  it('a difference row teaches the difference of two rewards', () => {
    const planted = [0.5, 0.3, -0.2, 0, 0.1, 0.05];
    const value = (example: number): number =>
      planted.reduce((sum, w, i) => sum + w * (data.features[example * D + i] ?? 0), 0);
    const rows: LabelRow[] = data.examples.flatMap((_, example) =>
      example === 0 ? [] : [{ example, worse: 0, raw: 1, label: value(example) - value(0), weight: 1, source: 's' }],
    );
    const probe = trainProbe(rows, data, featureSpread(data));
    // The first feature is 1 everywhere, so differences say nothing about it.
    for (const [i, w] of planted.entries()) expect(probe.weights[i]).toBeCloseTo(i === 0 ? 0 : w, 2);
  });
});

describe('gate', () => {
  const head: RewardHead = {
    objectives: 3,
    featureSize: D,
    regression: Float32Array.from({ length: 3 * D }, () => random.normal()),
    gate: { layers: initialGateLayers([D, 5, 3], 3), temperature: 10, logitScale: 1 },
    transform: Float64Array.of(1, 0, 0, 0, 1, 0, -0.3, -0.2, 0),
  };

  it('folding the scaling into the first layer changes nothing', () => {
    const scale = Float64Array.from({ length: D }, () => 0.5 + random.uniform());
    const centre = Float64Array.from({ length: D }, () => random.normal());
    const folded: RewardHead = { ...head, gate: foldScaling(head.gate, scale, centre) };
    const feature = Float32Array.from({ length: D }, () => random.normal());
    const scaled = feature.map((value, i) => (value - (centre[i] ?? 0)) / (scale[i] ?? 1));
    const zero = new Float32Array(D);
    const expected = evaluateHead(head, zero, scaled).gateLogits;
    for (const [j, logit] of evaluateHead(folded, zero, feature).gateLogits.entries())
      expect(logit).toBeCloseTo(expected[j] ?? 0, 5);
  });

  it('reward differences of pairs are those of the whole head', () => {
    const pairs = preferencePairs(data.groups, data.index, 'dev').slice(0, 4);
    const rewards = allRewards(head.regression, 3, data);
    const differences = adjustedDifferences(pairs, rewards, head.transform, 3);
    for (const [row, { better, worse }] of pairs.entries()) {
      const of = (example: number): Float64Array =>
        evaluateHead(head, data.features.slice(example * D, (example + 1) * D), new Float32Array(D)).adjustedRewards;
      for (let j = 0; j < 3; j += 1)
        expect(differences[row * 3 + j]).toBeCloseTo((of(better)[j] ?? 0) - (of(worse)[j] ?? 0), 9);
    }
  });

  it('learns to weigh the objective that a kind of prompt needs, and the same twice', async () => {
    // On even prompts objective 0 says which is better, on odd ones objective 1; the other says the contrary.
    const rewards = new Float64Array(data.examples.length * 3);
    for (const [row, { group, response }] of data.examples.entries()) {
      const even = Number(group.key.slice(1)) % 2 === 0;
      const better = response === 0 ? 0.1 : 0;
      rewards[row * 3] = even ? better : -better;
      rewards[row * 3 + 1] = even ? -better : better;
    }
    const identity = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    const settings = {
      hidden: [16],
      temperature: 1,
      beta: 100,
      steps: 80,
      batchSize: 64,
      learningRate: 0.02,
      weightDecay: 0.01,
      dropout: 0,
      seed: 5,
      contrastShare: 0.5,
    };
    const { gate } = await trainGate(data, rewards, identity, 3, settings);
    const trained: RewardHead = { ...head, gate, transform: identity };
    const weights = (group: Group): Float64Array =>
      evaluateHead(trained, new Float32Array(D), data.gateFeatureOf(group)).gateWeights;
    const dev = data.groups.filter(({ split }) => split === 'dev');
    for (const [i, group] of dev.entries()) {
      const [first = 0, second = 0] = weights(group);
      expect(first > second, `prompt ${i}`).toBe(Number(group.key.slice(1)) % 2 === 0);
    }
    const again = await trainGate(data, rewards, identity, 3, settings);
    expect(again.gate.layers.map(({ weight }) => [...weight])).toEqual(gate.layers.map(({ weight }) => [...weight]));
    const summary = summariseGate(dev, weights);
    expect(summary.code?.meanWeights[1]).toBeGreaterThan(0.5);
    expect(summary.all?.meanEntropy).toBeLessThan(Math.log(3));
  });
});

describe('Eq 3 on the reference set', () => {
  it('leaves no rank correlation with verbosity', () => {
    const k = 19;
    const n = 400;
    const rewards = Float64Array.from({ length: n * k }, () => random.normal());
    for (let i = 0; i < n; i += 1)
      for (let j = 0; j < k; j += 1) if (j !== 4) rewards[i * k + j]! += 0.8 * (rewards[i * k + 4] ?? 0);
    const found = debias(rewards, k, [...Array(n).keys()]);
    expect(Math.min(...found.before.filter((_, j) => j !== 4))).toBeGreaterThan(0.4);
    expect(Math.max(...found.after.map(Math.abs))).toBeLessThan(1e-3);
    expect(found.transform[4 * k + 4]).toBe(0);
  });
});

describe('measures', () => {
  it('area under the curve: closed forms', () => {
    expect(areaUnderCurve([3, 2, 1], [true, true, false])).toBe(1);
    expect(areaUnderCurve([1, 1], [true, false])).toBe(0.5);
    expect(areaUnderCurve([1, 2, 3, 4], [true, false, true, false])).toBe(0.25);
  });

  it('a tie counts half', () => {
    const pair = (better: number, worse: number) => ({ better, worse, label: '' });
    expect(pairAccuracy([pair(0, 1), pair(1, 0), pair(2, 1), pair(2, 1)], (example) => [1, 1, 3][example] ?? 0)).toBe(
      0.75,
    );
  });
});
