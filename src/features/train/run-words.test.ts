import { describe, expect, test } from 'vitest';
import { newRun, type TrainingRunRecord } from '@/state/training-run.ts';
import { testEvaluation, testPlan, testStep } from '@/state/test-training.ts';
import { nameObjectives, objectiveNames } from './objective-names.ts';
import { probeTable, relativePaths } from './probe-numbers.ts';
import {
  comparisonSentence,
  curveSentence,
  deviceWords,
  featureWords,
  gateShapeWords,
  phaseWords,
  rateWords,
} from './run-words.ts';

const plain = (text: string) => text.replaceAll('\u00a0', ' ').replaceAll('\u202f', ',');
const fresh = newRun({ ...testPlan(2000).description, runId: 'r', name: 'Run 1', createdAtMs: 1 });
const run = (changes: Partial<TrainingRunRecord>) => ({ ...fresh, ...changes });
const checkpoint = { runId: 'r', step: 500, steps: 2000, bytes: 9, backend: 'webgpu', savedAt: 1 } as const;

describe('a run says what it does', () => {
  test.each([
    [run({}), 'Getting ready'],
    [run({ preparing: { kind: 'prepare', stage: 'read', done: 1200, total: 5000 } }), 'Reading pairs: 1,200 of 5,000'],
    [run({ phase: 'running', latest: testStep(1500) }), 'Step 1,500 of 2,000'],
    [run({ phase: 'done', result: { reason: 'stopped', step: 12, beta: 1 } }), 'Stopped at step 12 of 2,000'],
    [
      run({ phase: 'done', result: { reason: 'early-stop', step: 40, beta: 1 } }),
      'Ended early with the best gate, of step 40',
    ],
    [run({ phase: 'failed', error: { code: 'aborted', message: '' } }), 'Cancelled before the first step'],
    [run({ phase: 'interrupted', checkpoint }), 'The page was closed; it goes on from step 500 of 2,000'],
    [run({ phase: 'interrupted' }), 'The page was closed at step 0 of 2,000, before anything was stored'],
  ])('%#', (record, words) => expect(plain(phaseWords(record))).toBe(words));

  test('its rate, slow ones by the step', () => {
    const going = { phase: 'running' as const, secondsLeft: 90, latest: testStep(1) };
    expect(plain(rateWords(run({ ...going, stepsPerSecond: 12.34 })))).toBe('12.3 steps/s, 1 min 30 s left');
    expect(plain(rateWords(run({ ...going, stepsPerSecond: 0.25 })))).toBe('4.0 s a step, 1 min 30 s left');
    expect(rateWords(fresh)).toBe('');
    // Before the first step it is an estimate.
    expect(plain(rateWords(run({ ...going, latest: undefined, stepsPerSecond: 0.25 })))).toBe(
      'about 4.0 s a step, about 1 min 30 s left',
    );
  });

  test('where it runs', () => {
    const started = { trainPairs: 1, heldOutPairs: 1, fromStep: 0, parameters: 1, reason: undefined };
    expect(deviceWords(run({ started: { ...started, backend: 'webgpu', device: 'acme' } }))).toBe('WebGPU (acme)');
    expect(deviceWords(fresh)).toBe('not chosen yet');
  });
});

test('features in one line', () => {
  const common = { rows: 1800, featureSize: 576, dtype: 'BF16', bytes: 2_210_560, warnings: [] };
  const shards = [{ name: 'a', rows: 900 }];
  expect(plain(featureWords({ layout: 'stage-1', ...common, objectives: 19, shards }))).toBe(
    '1,800 labelled responses with up to 19 labels each, 576 wide, BF16, 2.21 MB in 1 file',
  );
  expect(plain(featureWords({ layout: 'stage-2', ...common, promptRows: 1, shards: [...shards, ...shards] }))).toBe(
    '1,800 pairs, 576 wide, BF16, one prompt row a pair, 2.21 MB in 2 files',
  );
});

test('a comparison is one true sentence', () => {
  const comparison = { trained: testEvaluation(9, 0.7), even: testEvaluation(0, 0.5), original: undefined };
  expect(plain(comparisonSentence(comparison, 'Model'))).toBe(
    'On 50 held-out pairs the new gate prefers the chosen response in 70.0 %, an even gate in 50.0 %; chance moves such a figure by about 6.5 points.',
  );
  expect(plain(comparisonSentence({ ...comparison, original: testEvaluation(0, 0.6) }, 'Model'))).toContain(
    'the head of Model 60.0 %',
  );
});

test('a curve’s way is that of its means, not of single batches', () => {
  const y = Float64Array.from({ length: 20 }, (_, i) => (i < 10 ? 2 : 1) + (i % 2 === 0 ? 0.5 : -0.5));
  expect(curveSentence('Loss', y, 1.25)).toContain('fell from 2.000 to 1.000 over 20');
  expect(curveSentence('Loss', y, 1.25)).toContain('on held-out pairs it is 1.250');
  expect(plain(curveSentence('β', Float64Array.of(3, 3), undefined))).toBe('β stayed at 3.000 over 2 steps.');
  expect(curveSentence('β', new Float64Array(0), undefined)).toBe('β: no step yet.');
});

test('objectives have the names of the loaded model, of ArmoRM, or their places', () => {
  const own = [{ name: 'a-b', group: 'a' }];
  expect(objectiveNames(1, own)).toEqual(own);
  expect(objectiveNames(19, own)[4]).toEqual({ name: 'helpsteer-verbosity', group: 'helpsteer' });
  expect(objectiveNames(2, own)[1]?.name).toBe('objective 1');
  expect(nameObjectives('Half is on objective 0, and objective 4, 7 are dead.', objectiveNames(19, undefined))).toBe(
    'Half is on helpsteer-helpfulness, and helpsteer-verbosity, ultrafeedback-truthfulness are dead.',
  );
});

test('the probes’ numbers, with nothing where nothing was fitted', () => {
  const path = [
    { alpha: 0.1, validationMse: 4 },
    { alpha: 10, validationMse: 2 },
  ];
  const probes = [{ alpha: 10, validationMse: 2, trainRows: 8, validationRows: 2, path }, undefined];
  expect(relativePaths({ probes })).toEqual([
    {
      objective: 0,
      points: [
        { x: -1, y: 2 },
        { x: 1, y: 1 },
      ],
    },
  ]);
  const names = objectiveNames(2, undefined);
  const { columns, rows } = probeTable(
    { probes, penalties: { dimension: 1, penalties: Float64Array.of(0.5, 1) } },
    names,
  );
  expect(columns.map(({ label }) => label).slice(-2)).toEqual(['MSE at α 0.1', 'MSE at α 10']);
  expect(rows).toEqual([
    [names[0], 10, 2, 8, 2, 0.5, 4, 2],
    [names[1], undefined, undefined, undefined, undefined, 1, undefined, undefined],
  ]);
});

test('what the code that loads a gate must be told', () => {
  expect(gateShapeWords({ hiddenWidths: [32, 32, 32], temperature: 5 })).toContain(
    'gating_hidden_dim 32, gating_n_hidden 3 and gating_temperature 5',
  );
  expect(gateShapeWords({ hiddenWidths: [], temperature: 1 })).toContain('must say gating_n_hidden 0 and');
  expect(gateShapeWords({ hiddenWidths: [32, 16], temperature: 5 })).toContain('32, 16 wide');
});
