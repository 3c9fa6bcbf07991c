import { expect, test } from 'vitest';
import { previewDataset } from '@/formats/datasets/read-dataset.ts';
import { memorySource } from '@/formats/memory-source.ts';
import type { OpenDataset } from '@/state/evaluation-store.ts';
import { featureFileName } from './evaluation-run.ts';
import { featureChoices, featurePlan } from './feature-choices.ts';

const scale = { scale: 5, offset: -0.5 };
const objectives = [{ name: 'helpsteer-helpfulness', nativeScale: scale }, { name: 'code-style' }];

async function opened(records: readonly unknown[]): Promise<OpenDataset> {
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  const preview = await previewDataset(memorySource('d.jsonl', new TextEncoder().encode(text)));
  const mapping = preview.recognised?.mapping ?? preview.suggested.mapping;
  return { ...preview, id: 1, bytes: text.length, mapping, ownMapping: false, limit: undefined };
}

test('pairs are made into pairs', async () => {
  const choices = featureChoices(await opened([{ prompt: 'p', chosen: 'a', rejected: 'b' }]), objectives);
  expect(choices).toMatchObject({ kind: 'pairs', hasPairs: true, keys: [] });
});

test('rated responses are made into labelled ones, or into pairs by their label', async () => {
  const records = [4, 2].map((helpfulness) => ({ prompt: 'p', response: 'a', helpfulness, other: 3 }));
  const choices = featureChoices(await opened(records), objectives)!;
  expect(choices).toEqual({
    kind: 'labels',
    hasPairs: true,
    keys: ['helpfulness', 'other'],
    columns: [{ key: 'helpfulness', scale }, { key: 'code-style' }],
  });
  expect(featurePlan('pairs', choices, objectives, {})).toEqual({ kind: 'pairs' });
  expect(featurePlan('labels', choices, objectives, {})).toEqual({ kind: 'labels', columns: choices.columns });
  expect(featurePlan('labels', choices, objectives, { 0: '', 1: 'other' })).toEqual({
    kind: 'labels',
    columns: [null, { key: 'other' }],
  });
  expect(featurePlan('labels', choices, objectives, { 0: 'other' })).toMatchObject({ columns: [{ scale }, {}] });
});

test('responses without a rating give no pairs; columns that are not mapped give nothing yet', async () => {
  expect(featureChoices(await opened([{ prompt: 'p', response: 'a' }]), objectives)).toMatchObject({
    kind: 'labels',
    hasPairs: false,
  });
  const unmapped: OpenDataset = { ...(await opened([{ x: 'p', y: 'a' }])), mapping: { shape: 'pair' } };
  expect(featureChoices(unmapped, objectives)).toBeUndefined();
});

test('a file’s name says dataset, limit, model and stage, whatever they are called', () => {
  const name = (dataset: string, limit?: number) =>
    featureFileName({ name: dataset, limit }, { kind: 'pairs' }, 'armo rm@12');
  expect(name('my pairs.v2.jsonl', 12)).toBe('my-pairs.v2-first-12-armo-rm-12-stage2.safetensors');
  expect(name('…/../x')).toBe('x-armo-rm-12-stage2.safetensors');
  expect(name('世界.csv')).toBe('dataset-armo-rm-12-stage2.safetensors');
});
