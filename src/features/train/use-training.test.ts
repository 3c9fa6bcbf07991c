import { expect, test } from 'vitest';
import type { FeatureSummary } from '@/jobs/api/training.ts';
import { initialForm, readForm, type TrainingForm } from '@/state/training-form.ts';
import { pipelineProblem } from './use-training.ts';

const files = (layout: FeatureSummary['layout'], objectives?: number) => ({
  chosen: undefined,
  error: undefined,
  data: {
    layout,
    rows: 50,
    featureSize: 3,
    dtype: 'F32' as const,
    bytes: 10,
    shards: [],
    warnings: [],
    ...(objectives === undefined ? {} : { objectives }),
  },
});
const problemOf = (changes: Partial<TrainingForm>) => {
  const form = { ...initialForm, ...changes };
  return pipelineProblem({ stage1: files('stage-1', 5), stage2: files('stage-2'), form, reading: readForm(form) });
};

test('the pipeline says before its probes what its gate could not use', () => {
  expect(problemOf({})).toBeUndefined();
  expect(problemOf({ active: '0-4' })).toBeUndefined();
  expect(problemOf({ active: '0-5' })).toBe('“Objectives it weighs” names objective 5, but the heads have 5 (0 to 4).');
  expect(problemOf({ logitScale: '0' })).toMatch(/marked below/);
  expect(problemOf({ texts: { steps: 'none' } })).toMatch(/marked below/);
});
