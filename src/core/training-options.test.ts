import { describe, expect, test } from 'vitest';
import { DataError } from './errors.ts';
import {
  authorsScriptConsequences,
  checkTrainingOptions,
  hyperparameterProblem,
  hyperparameters,
  trainingDefaults,
} from './training-options.ts';

test('the paper’s defaults', () => {
  expect(trainingDefaults('paper')).toMatchObject({
    steps: 10_000,
    batchSize: 1024,
    learningRate: 1e-3,
    initialBeta: 100,
    temperature: 10,
    hidden: 1024,
    hiddenLayers: 3,
    dropout: 0,
  });
});

test('the authors’ script’s defaults', () => {
  expect(trainingDefaults('authors-script')).toMatchObject({
    steps: 2000,
    dropout: 0.2,
    weightDecay: 0,
    initialBeta: 1,
    validationSplit: 0.2,
  });
});

test('every hyperparameter has its default inside its range, a source and a sentence', () => {
  for (const mode of ['paper', 'authors-script'] as const) {
    const defaults = trainingDefaults(mode);
    expect(() => checkTrainingOptions(defaults)).not.toThrow();
    for (const { key, defaults: byMode, sources, help } of hyperparameters) {
      expect(defaults[key]).toBe(byMode[mode]);
      expect(sources[mode].length).toBeGreaterThan(10);
      expect(help).toMatch(/\.$/);
    }
  }
  expect(new Set(hyperparameters.map(({ key }) => key)).size).toBe(Object.keys(trainingDefaults('paper')).length);
});

describe('a value out of range', () => {
  test.each([
    ['steps', 0, 'must be at least 1, not 0'],
    ['steps', 1.5, 'must be a whole number, not 1.5'],
    ['temperature', 0, 'must be above 0, not 0'],
    ['dropout', 1, 'must be below 1, not 1'],
    ['learningRate', 2, 'must be at most 1, not 2'],
    ['seed', Number.NaN, 'must be a number, not NaN'],
  ] as const)('%s = %s', (key, value, problem) => {
    expect(hyperparameterProblem(key, value)).toBe(problem);
    expect(() => checkTrainingOptions({ ...trainingDefaults('paper'), [key]: value })).toThrow(DataError);
  });

  test('every pair, and an explicit schedule, are fine', () => {
    const options = { ...trainingDefaults('paper'), batchSize: 'all', scheduleSteps: 50 } as const;
    expect(() => checkTrainingOptions(options)).not.toThrow();
  });
});

test('the consequences of the authors’ way are said one by one', () => {
  expect(authorsScriptConsequences).toHaveLength(4);
});
