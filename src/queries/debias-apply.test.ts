import { beforeEach, expect, test } from 'vitest';
import { identitySteering, type Steering } from '@/core/steering.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import { createFakeEngine } from '@/engine/fake/fake-engine.ts';
import { fakeFeatureSize } from '@/engine/fake/fake-model.ts';
import { headVariant, resetHeadVariants, saveHeadVariant, useHeadVariants } from '@/state/head-variants.ts';
import { activeHead } from './active-head.ts';
import { applyTransform } from './debias-apply.ts';

let model: LoadedModel;
let correction: Float64Array;

beforeEach(async () => {
  resetHeadVariants({ list: () => Promise.resolve([]), put: () => Promise.resolve(), remove: () => Promise.resolve() });
  model = await createFakeEngine().load({ kind: 'url', url: 'fake/' });
  correction = model.transform.map((value, at) => (at === 4 * 19 ? -0.3 : value));
});

const steeredByHand = (steering: Steering) =>
  saveHeadVariant({
    modelId: model.manifest.id,
    name: 'By hand',
    kind: 'steered',
    note: '',
    objectives: 19,
    featureSize: fakeFeatureSize,
    replacement: {},
    steering,
  });

/** The variant in force. */
function inForce() {
  const { activeIds } = useHeadVariants.getState();
  return headVariant(activeIds[model.manifest.id] ?? '');
}

test('what was steered by hand stays under a correction, its penalties do not, and the note says so', async () => {
  const byHand = await steeredByHand({
    ...identitySteering,
    logitShifts: { 0: 2 },
    penalties: { base: 'none', scale: 1, overrides: {} },
  });
  await applyTransform(activeHead(model, byHand), correction, 'Debiased', 'Penalties.');
  expect(inForce()?.replacement.transform).toEqual(correction);
  expect(inForce()?.steering).toEqual({ ...identitySteering, logitShifts: { 0: 2 } });
  expect(inForce()?.note).toBe('Penalties. What was steered by hand before stays, but for its penalties.');
  const first = inForce()?.id;

  // Again over its own result: the same variant, not another.
  await applyTransform(activeHead(model, inForce()), correction, 'Debiased', 'Penalties.');
  expect(inForce()?.id).toBe(first);

  // Over the model's own head it is another one.
  await applyTransform(activeHead(model, undefined), correction, 'Debiased', 'Penalties.');
  expect(inForce()?.id).not.toBe(first);
  expect(inForce()?.steering).toBeUndefined();
  expect(inForce()?.note).toBe('Penalties.');
});

test('a head whose penalties alone were moved by hand leaves nothing behind', async () => {
  const byHand = await steeredByHand({ ...identitySteering, penalties: { base: 'none', scale: 1, overrides: {} } });
  await applyTransform(activeHead(model, byHand), correction, 'Debiased', 'Penalties.');
  expect(inForce()?.steering).toBeUndefined();
  expect(inForce()?.replacement.transform).toEqual(correction);
});
