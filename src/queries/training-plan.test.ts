import { expect, test } from 'vitest';
import { trainingDefaults } from '@/core/training-options.ts';
import type { FeatureSummary } from '@/jobs/api/training.ts';
import { testHead } from '@/state/test-training.ts';
import { planRun, type PlanInputs } from './training-plan.ts';

const summary: FeatureSummary = {
  layout: 'stage-2',
  rows: 50,
  featureSize: 3,
  dtype: 'BF16',
  bytes: 10,
  shards: [{ name: 'pairs', rows: 50 }],
  warnings: [],
};
const ready: PlanInputs = {
  form: { device: 'automatic', headOrigin: 'model', firstWeights: 'fresh', active: '', logitScale: '' },
  options: trainingDefaults('paper'),
  pairs: { chosen: { id: 1, names: ['pairs'], bytes: 10, sample: true }, summary, files: [] },
  model: { id: 'model@1', name: 'Model', head: testHead, beta: 30 },
  fileHeads: undefined,
  probes: undefined,
};
const { regression, transform, gate } = testHead;
const ofFiles = (parts: NonNullable<PlanInputs['fileHeads']>['parts']): PlanInputs => ({
  ...ready,
  form: { ...ready.form, headOrigin: 'files' },
  fileHeads: { parts, names: ['w.pt', 'gate.pt'] },
});
const planOf = (inputs: PlanInputs) => {
  const planned = planRun(inputs);
  if ('problem' in planned) throw new Error(planned.problem);
  return planned.plan;
};
const problemOf = (inputs: PlanInputs) => {
  const planned = planRun(inputs);
  return 'problem' in planned ? planned.problem : undefined;
};

test('under the model’s own heads, from fresh weights or from its gate', () => {
  const plan = planOf(ready);
  expect(plan.description).toMatchObject({
    headOrigin: 'model',
    headWords: 'the heads of Model',
    objectives: 2,
    featureSize: 3,
    modelId: 'model@1',
    data: { names: ['pairs'], sample: true },
  });
  expect(plan.parts).toMatchObject({ linear: { regression, transform }, initialGate: undefined });
  expect(plan.parts.original).toMatchObject({ name: 'Model', beta: 30 });
  const from = planOf({ ...ready, form: { ...ready.form, firstWeights: 'heads' } });
  expect(from.parts).toMatchObject({ initialGate: gate.layers, logitScale: 1 });
  expect(from.description.firstWeights).toBe('the gate of the heads of Model');
});

test('the model’s mask holds for the new gate', () => {
  const head = { ...testHead, gate: { ...gate, activeObjectives: [1] } };
  expect(planOf({ ...ready, model: { ...ready.model!, head } }).parts.activeObjectives).toEqual([1]);
});

test('what the form says of the gate goes before what the heads say', () => {
  const head = { ...testHead, gate: { ...gate, activeObjectives: [1] } };
  const withForm = (form: Partial<PlanInputs['form']>): PlanInputs => ({
    ...ready,
    model: { ...ready.model!, head },
    form: { ...ready.form, ...form },
  });
  expect(planOf(withForm({ active: '0' })).parts.activeObjectives).toEqual([0]);
  expect(planOf(withForm({ active: 'all' })).parts.activeObjectives).toEqual([0, 1]);
  expect(planOf(withForm({ logitScale: '1,5' })).parts.logitScale).toBe(1.5);
  expect(planOf(withForm({ firstWeights: 'heads', logitScale: '2' })).parts.logitScale).toBe(2);
  expect(problemOf(withForm({ active: '2' }))).toMatch(/marked below/);
  expect(problemOf(withForm({ logitScale: '0' }))).toMatch(/marked below/);
});

test('under heads from files: M may be missing and is then the identity, said in words', () => {
  const plan = planOf(ofFiles({ objectives: 2, featureSize: 3, regression }));
  expect(plan.parts.linear.transform).toEqual(Float64Array.of(1, 0, 0, 1));
  expect(plan.description.headWords).toMatch(/M is the identity/);
  const whole = planOf(ofFiles({ objectives: 2, featureSize: 3, regression, transform, activeObjectives: [0] }));
  expect(whole.parts).toMatchObject({ linear: { transform }, activeObjectives: [0] });
});

test('under probes: objectives that nothing labels are not weighed', () => {
  const probe = { alpha: 1, validationMse: 1, trainRows: 4, validationRows: 1, path: [] };
  const probes = (list: readonly (typeof probe | undefined)[]): PlanInputs => ({
    ...ready,
    form: { ...ready.form, headOrigin: 'probes' },
    probes: {
      summary: { id: 1, objectives: 2, featureSize: 3, probes: list, penalties: undefined, warnings: [], names: ['l'] },
      parts: { regression, transform },
    },
  });
  expect(planOf(probes([probe, probe])).parts.activeObjectives).toBeUndefined();
  expect(planOf(probes([undefined, probe])).parts.activeObjectives).toEqual([1]);
  expect(
    problemOf({ ...probes([probe]), form: { ...ready.form, headOrigin: 'probes', firstWeights: 'heads' } }),
  ).toMatch(/no gate/);
});

test('heads of other widths can be trained but not used with the loaded model', () => {
  const wide = { ...testHead, featureSize: 4, regression: new Float32Array(8) };
  const plan = planOf({
    ...ofFiles({ objectives: 2, featureSize: 3, regression }),
    model: { ...ready.model!, head: wide },
  });
  expect(plan.description.modelId).toBeUndefined();
  expect(plan.parts.original).toBeUndefined();
  // As many features, other objectives: it can be compared, not used.
  const more = { ...testHead, objectives: 3, regression: new Float32Array(9), transform: new Float64Array(9) };
  const other = planOf({
    ...ofFiles({ objectives: 2, featureSize: 3, regression }),
    model: { ...ready.model!, head: more },
  });
  expect(other.description.modelId).toBeUndefined();
  expect(other.parts.original).toBeDefined();
});

test.each([
  ['pairs', { ...ready, pairs: undefined }, /drop stage-2 features/],
  ['settings', { ...ready, options: undefined }, /marked below/],
  ['a model', { ...ready, model: undefined }, /wait until it is loaded/],
  ['a regression layer', ofFiles({ objectives: 2, transform }), /w\.pt, gate\.pt brings no regression layer/],
  ['files', { ...ready, form: { ...ready.form, headOrigin: 'files' as const } }, /Drop a file/],
  ['probes', { ...ready, form: { ...ready.form, headOrigin: 'probes' as const } }, /Fit probes/],
  [
    'the width',
    { ...ready, pairs: { ...ready.pairs!, summary: { ...summary, featureSize: 5 } } },
    /features are 5 wide.*take 3/,
  ],
])('what is missing is named: %s', (_, inputs: PlanInputs, words) => {
  expect(problemOf(inputs)).toMatch(words);
});
