import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { trainCorrectedProbe, verbosityReference } from './corrected-probe.ts';
import type { Group } from './dataset.ts';
import { indexExamples } from './label-rows.ts';
import type { Example, LabelRow } from './label-rows.ts';
import { featureSpread, trainProbe } from './train-heads.ts';
import type { TrainingData } from './train-heads.ts';

const D = 5;
/** What the verbosity reward reads. */
const verbosityWeights = Float64Array.of(0, 1, 0.5, 0, 0);

/** 300 responses whose second and fourth features go together, so that a label of the fourth brings verbosity along. */
function makeData(): TrainingData {
  const random = new SeededRandom(11);
  const examples = Array.from({ length: 300 }, (_, i): Example => {
    const split = i % 4 === 0 ? 'dev' : 'train';
    const group: Group = {
      key: `g${i}`,
      prompt: [],
      split,
      source: 's',
      licences: new Set(),
      responses: ['a'],
      ratings: [],
      preferences: [],
      contrasts: [],
    };
    return { group, response: 0, text: 'a', split, tokens: 3 };
  });
  const features = new Float32Array(examples.length * D);
  for (let row = 0; row < examples.length; row += 1) {
    const length = random.normal();
    const values = [1, length, random.normal(), 0.7 * length + 0.5 * random.normal(), 3 * random.normal()];
    features.set(values, row * D);
  }
  return {
    featureSize: D,
    groups: examples.map(({ group }) => group),
    examples,
    index: indexExamples(examples),
    features,
    gateFeatureOf: () => new Float32Array(D),
  };
}

const data = makeData();
const spread = featureSpread(data);
const reference = data.examples.flatMap(({ split }, row) => (split === 'train' ? [row] : []));
const rewards = (weights: Float64Array): number[] =>
  reference.map((row) => weights.reduce((sum, weight, i) => sum + weight * data.features[row * D + i]!, 0));

function covariance(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  return a.reduce((sum, value, i) => sum + (value - meanA) * (b[i]! - meanB), 0) / a.length;
}

describe('a probe whose labels say what the correction leaves', () => {
  const rows = data.examples.map((_, example): LabelRow => {
    const label = 0.5 + 0.1 * data.features[example * D + 3]! - 0.05 * data.features[example * D + 4]!;
    return { example, raw: label, label, weight: 1, source: 's' };
  });
  const verbosity = verbosityReference(verbosityWeights, reference, data, spread);
  const probe = trainCorrectedProbe(rows, data, spread, verbosity);
  const free = trainProbe(rows, data, spread);
  const own = rewards(verbosityWeights);
  const slope = covariance(rewards(free.weights), own) / covariance(own, own);
  const left = probe.weights.map((weight, i) => weight - slope * verbosityWeights[i]!);

  it('keeps the share of verbosity that its labels bring along, which the free fit has too', () => {
    expect(slope).toBeGreaterThan(0.03);
    expect(covariance(rewards(probe.weights), own)).toBeCloseTo(covariance(rewards(free.weights), own), 8);
  });

  it('has nothing of it left once λ r_v is taken away', () => {
    expect(Math.abs(covariance(rewards(left), own))).toBeLessThan(1e-9);
  });

  it('is the ridge constrained so: no weights orthogonal to the covariance have a lower penalised error', () => {
    const used = rows.filter(({ example }) => data.examples[example]?.split === 'train');
    const cost = (weights: Float64Array): number =>
      used.reduce((sum, { example, label }) => {
        const error = weights.reduce((total, weight, i) => total + weight * data.features[example * D + i]!, 0) - label;
        return sum + error * error;
      }, 0) +
      probe.alpha * weights.reduce((sum, weight, i) => sum + (weight * spread[i]!) ** 2, 0);
    const least = cost(left);
    const random = new SeededRandom(3);
    const square = verbosity.covariance.reduce((sum, value) => sum + value * value, 0);
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const step = Float64Array.from({ length: D }, () => 1e-3 * random.normal());
      const along = step.reduce((sum, value, i) => sum + value * verbosity.covariance[i]!, 0) / square;
      const moved = left.map((weight, i) => weight + (step[i]! - along * verbosity.covariance[i]!) / spread[i]!);
      expect(cost(moved)).toBeGreaterThan(least);
    }
  });
});
