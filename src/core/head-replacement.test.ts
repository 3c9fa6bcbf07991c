import { describe, expect, it } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { assertReplacement, canReplace, evaluateReplacement, type HeadReplacement } from './head-replacement.ts';
import { evaluateHead, type RewardHead } from './reward-head.ts';

const objectives = 7;
const featureSize = 12;

function seededHead(seed: number): RewardHead {
  const random = new SeededRandom(seed);
  const f32 = (length: number) => Float32Array.from({ length }, () => random.normal());
  const layer = (inputSize: number, outputSize: number) => ({
    weight: f32(inputSize * outputSize),
    bias: f32(outputSize),
    inputSize,
    outputSize,
  });
  return {
    objectives,
    featureSize,
    regression: f32(objectives * featureSize),
    gate: { layers: [layer(featureSize, 5), layer(5, objectives)], temperature: 3, logitScale: 0.5 + random.uniform() },
    transform: Float64Array.from({ length: objectives ** 2 }, () => random.normal()),
  };
}

const own = seededHead(1);
const other = seededHead(2);
const random = new SeededRandom(3);
const features = {
  feature: Float32Array.from({ length: featureSize }, () => random.normal()),
  gateFeature: Float32Array.from({ length: featureSize }, () => random.normal()),
};
const ownEvaluation = evaluateHead(own, features.feature, features.gateFeature);

/** Every subset of the three parts. */
const subsets = Array.from({ length: 8 }, (_, bits): readonly [string, HeadReplacement] => {
  const parts: HeadReplacement = {
    ...(bits & 1 ? { regression: other.regression } : {}),
    ...(bits & 2 ? { gate: other.gate } : {}),
    ...(bits & 4 ? { transform: other.transform } : {}),
  };
  return [Object.keys(parts).join(', ') || 'nothing', parts];
});

describe.each(subsets)('replacing %s', (_, parts) => {
  it('is evaluating the mixed head, to the bit', () => {
    const mixed: RewardHead = { ...own, ...parts };
    expect(evaluateReplacement(parts, ownEvaluation, own.transform, features)).toEqual(
      evaluateHead(mixed, features.feature, features.gateFeature),
    );
  });
});

it('keeps the very evaluation where nothing is replaced', () => {
  expect(evaluateReplacement({}, ownEvaluation, own.transform, {})).toBe(ownEvaluation);
});

it('needs a feature only for a part that reads it', () => {
  expect(canReplace({ transform: other.transform }, {})).toBe(true);
  expect(canReplace({ regression: other.regression }, { gateFeature: features.gateFeature })).toBe(false);
  expect(canReplace({ gate: other.gate }, { feature: features.feature })).toBe(false);
  expect(canReplace(other, features)).toBe(true);
  expect(() => evaluateReplacement({ gate: other.gate }, ownEvaluation, own.transform, {})).toThrow(/gate feature/);
});

it('refuses by name what does not fit or is not finite', () => {
  expect(() => assertReplacement(other, objectives, featureSize)).not.toThrow();
  expect(() => assertReplacement(other, objectives, featureSize + 1)).toThrow(/regression has 84 entries, 91/);
  expect(() => assertReplacement({ gate: other.gate }, objectives + 1, featureSize)).toThrow(/7 outputs for 8/);
  expect(() => assertReplacement({ transform: new Float64Array(48) }, objectives, featureSize)).toThrow(/transform/);
  const broken = other.transform.with(3, Number.NaN);
  expect(() => assertReplacement({ transform: broken }, objectives, featureSize)).toThrow(/not finite/);
});
