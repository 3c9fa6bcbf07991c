import { beforeEach, describe, expect, test } from 'vitest';
import { hyperparameters, trainingDefaults } from '@/core/training-options.ts';
import {
  changeField,
  changeForm,
  formFromText,
  initialForm,
  presetSource,
  presetText,
  readForm,
  readGateFields,
  resetFields,
  smallPreset,
  useTrainingForm,
} from './training-form.ts';

beforeEach(() => useTrainingForm.setState(initialForm, true));

describe('presets', () => {
  test('the paper’s and the script’s are core’s defaults, number for number', () => {
    for (const mode of ['paper', 'authors-script'] as const)
      expect(readForm({ preset: mode, texts: {} })).toEqual({ options: trainingDefaults(mode), problems: {} });
  });

  test('small is the paper’s way with what it names, and says why', () => {
    const { options } = readForm({ preset: 'small', texts: {} });
    const changed = Object.fromEntries(Object.entries(smallPreset).map(([key, entry]) => [key, entry.value]));
    expect(options).toEqual({ ...trainingDefaults('paper'), ...changed });
    for (const { key } of hyperparameters)
      for (const preset of ['paper', 'small', 'authors-script'] as const)
        expect(presetSource(preset, key), key).not.toBe('');
  });
});

describe('fields', () => {
  test('hold text only where it differs from the preset', () => {
    changeField('steps', '50');
    changeField('seed', '7');
    changeField('seed', presetText('paper', 'seed'));
    expect(useTrainingForm.getState().texts).toEqual({ steps: '50' });
    changeForm({ preset: 'small' });
    expect(readForm(useTrainingForm.getState()).options).toMatchObject({ steps: 50, hidden: 128 });
    resetFields();
    expect(readForm(useTrainingForm.getState()).options).toMatchObject({ steps: 400 });
  });

  test('are read as people type them', () => {
    const read = (texts: Record<string, string>) => readForm({ preset: 'paper', texts }).options;
    expect(read({ learningRate: ' 3e-4 ' })?.learningRate).toBe(3e-4);
    expect(read({ weightDecay: '0,05' })?.weightDecay).toBe(0.05);
    expect(read({ batchSize: 'all' })?.batchSize).toBe('all');
    expect(read({ scheduleSteps: '20000' })?.scheduleSteps).toBe(20_000);
    expect(read({ scheduleSteps: '' })?.scheduleSteps).toBeUndefined();
  });

  test('that cannot be used are named, each with its reason, and nothing is trained', () => {
    const { options, problems } = readForm({
      preset: 'paper',
      texts: { steps: '0', dropout: '1', learningRate: 'fast', hidden: '1.5', batchSize: '', seed: '-1' },
    });
    expect(options).toBeUndefined();
    expect(problems).toMatchObject({
      steps: 'must be at least 1, not 0',
      dropout: 'must be below 1, not 1',
      learningRate: 'must be a number, not “fast”',
      hidden: 'must be a whole number, not 1.5',
      batchSize: 'must be a number or “all”, not “”',
      seed: 'must be at least 0, not -1',
    });
  });
});

test('what was written before is read as far as it is whole', () => {
  const form = { ...initialForm, preset: 'authors-script', texts: { steps: '9' }, device: 'webgpu' };
  expect(formFromText(JSON.stringify(form))).toEqual(form);
  expect(formFromText(JSON.stringify({ ...form, texts: { steps: '9', nonsense: '1' } }))).toEqual(form);
  for (const text of [null, '', 'null', '{', '[]', JSON.stringify({ ...form, device: 'abacus' })])
    expect(formFromText(text), String(text)).toEqual(initialForm);
});

describe('what the gate may weigh, and its sum', () => {
  const read = (active: string, logitScale = '') => readGateFields({ active, logitScale }, 19);

  test('are left to the heads where nothing is typed', () => {
    expect(read('')).toEqual({ activeObjectives: undefined, logitScale: undefined, problems: {} });
  });

  test('are read as people type them', () => {
    expect(read('0-3, 10 3').activeObjectives).toEqual([0, 1, 2, 3, 10]);
    expect(read('18–18').activeObjectives).toEqual([18]);
    expect(read('all').activeObjectives).toHaveLength(19);
    expect(read('', ' 0,5 ').logitScale).toBe(0.5);
  });

  test.each([
    ['19', /names objective 19, but the heads have 19/],
    ['3-1', /backwards/],
    ['-1', /indices from 0 on/],
    ['code', /not “code”/],
    [',', /must name an objective/],
  ])('%s is refused with the reason', (text, words) => {
    const { activeObjectives, problems } = read(text);
    expect(activeObjectives).toBeUndefined();
    expect(problems.active).toMatch(words);
  });

  test.each(['0', '-1', 'one', 'Infinity'])('a sum of %s is refused', (text) => {
    expect(read('', text)).toMatchObject({
      logitScale: undefined,
      problems: { logitScale: expect.stringMatching(/positive/) },
    });
  });

  test('survive a reload, and a form that was kept before they existed', () => {
    const kept = { ...initialForm, active: '0-8', logitScale: '2' };
    expect(formFromText(JSON.stringify(kept))).toEqual(kept);
    const { active: _, logitScale: __, ...older } = { ...initialForm, preset: 'small' as const };
    expect(formFromText(JSON.stringify(older))).toEqual({ ...initialForm, preset: 'small' });
  });
});
