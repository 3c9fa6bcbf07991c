import { beforeEach, expect, it } from 'vitest';
import { evaluateHead, type RewardHead } from '@/core/reward-head.ts';
import { applySteering, identitySteering, type Steering } from '@/core/steering.ts';
import type { LoadedModel, ScoredResponse } from '@/engine/api/messages.ts';
import { createFakeEngine } from '@/engine/fake/fake-engine.ts';
import { fakeFeatureSize, fakeHead } from '@/engine/fake/fake-model.ts';
import { resetHeadVariants, saveHeadVariant, type HeadVariantDraft } from '@/state/head-variants.ts';
import { activeHead, steerableHead } from './active-head.ts';

let model: LoadedModel;
let scored: ScoredResponse;

beforeEach(async () => {
  resetHeadVariants({
    list: () => Promise.resolve([]),
    put: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  });
  const engine = createFakeEngine();
  model = await engine.load({ kind: 'url', url: 'fake/' });
  const { responses } = await engine.score({
    messages: [{ role: 'user', content: 'Why is the sky blue?' }],
    responses: ['Because air scatters blue light more than red.'],
    features: true,
  });
  const [first] = responses;
  if (first === undefined) throw new Error('nothing was scored');
  scored = first;
});

async function under(draft: Partial<HeadVariantDraft>) {
  const { manifest } = model;
  const saved = await saveHeadVariant({
    modelId: manifest.id,
    name: 'Mine',
    kind: 'trained',
    note: '',
    objectives: manifest.objectives.length,
    featureSize: fakeFeatureSize,
    replacement: {},
    ...draft,
  });
  return activeHead(model, saved);
}

const steering: Steering = { ...identitySteering, logitShifts: { 2: 7 }, muted: [4], coefficientOverrides: { 0: -1 } };

it('the model’s own head gives the very response the engine gave', () => {
  const active = activeHead(model, undefined);
  expect(active.evaluate(scored)).toBe(scored);
  expect(active.unsteered(scored)).toBe(scored);
  // What steering recombines is what the engine evaluated: identity changes nothing to the bit.
  expect(applySteering(active.head, scored, identitySteering)).toEqual({
    ...evaluateHead(fakeHead, scored.feature ?? new Float32Array(), scored.gateFeature ?? new Float32Array()),
  });
});

it('a trained head is evaluated on the cached features, as the engine would', async () => {
  const other: RewardHead = {
    ...fakeHead,
    regression: fakeHead.regression.map((weight) => weight * 0.5),
    gate: { ...fakeHead.gate, temperature: 3, logitScale: 2 },
    transform: fakeHead.transform.map((entry) => entry * 0.9),
  };
  const { regression, gate, transform } = other;
  const active = await under({ replacement: { regression, gate, transform } });
  const { feature, gateFeature } = scored;
  if (feature === undefined || gateFeature === undefined) throw new Error('the features are missing');
  expect(active.evaluate(scored)).toEqual({ ...scored, ...evaluateHead(other, feature, gateFeature) });
  expect(active.evaluate(scored)).toBe(active.evaluate(scored));
  expect(active.head).toMatchObject({ transform, gate: { temperature: 3, logitScale: 2 } });
});

it('a steered variant is shown as Steer shows the steering', async () => {
  const active = await under({ kind: 'steered', steering });
  expect(active.unsteered(scored)).toBe(scored);
  expect(active.evaluate(scored)).toEqual({ ...scored, ...applySteering(steerableHead(model), scored, steering) });
  expect(active.evaluate(scored)?.gateWeights[4]).toBe(0);
});

it('what needs features that are not there is not evaluated', async () => {
  const { feature: _feature, gateFeature: _gateFeature, ...bare } = scored;
  expect((await under({ replacement: { regression: fakeHead.regression } })).evaluate(bare)).toBeUndefined();
  expect((await under({ kind: 'steered', steering })).evaluate(bare)?.score).toBe(
    applySteering(steerableHead(model), scored, steering).score,
  );
});
