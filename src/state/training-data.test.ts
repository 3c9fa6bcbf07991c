import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { writeSafetensors } from '@/formats/safetensors-writer.ts';
import {
  addTrainingFiles,
  chooseSample,
  dismissDataProblems,
  filesOf,
  removeFiles,
  resetTrainingData,
  useTrainingData,
} from './training-data.ts';

beforeEach(resetTrainingData);
afterEach(() => vi.unstubAllGlobals());

const zeros = (name: string, shape: number[]) => ({
  name,
  dtype: 'F32' as const,
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});
const file = (name: string, ...tensors: ReturnType<typeof zeros>[]) => ({
  name,
  blob: new Blob([writeSafetensors(tensors)]),
});
const labelled = file('labelled.safetensors', zeros('embeddings', [2, 3]), zeros('labels', [2, 1]));
const shard = (n: number) =>
  file(`pairs-${n}.safetensors`, zeros('embeddings', [2, 2, 3]), zeros('prompt_embeddings', [2, 3]));
const heads = file('heads.safetensors', zeros('regression_layer.weight', [1, 3]));
const chosen = () => useTrainingData.getState().chosen;

test('one drop is sorted by what is in the files', async () => {
  await addTrainingFiles([shard(2), heads, labelled, shard(1)]);
  expect(chosen()).toMatchObject({
    'stage-1': { names: ['labelled.safetensors'], sample: false },
    'stage-2': { names: ['pairs-2.safetensors', 'pairs-1.safetensors'], bytes: shard(1).blob.size * 2 },
    heads: { names: ['heads.safetensors'] },
  });
  expect(filesOf(chosen().heads)).toEqual([{ kind: 'blob', name: 'heads.safetensors', blob: heads.blob }]);
  expect(useTrainingData.getState()).toMatchObject({ problems: [], reading: false });
});

test('a later drop replaces the files of its kinds and leaves the others', async () => {
  await addTrainingFiles([shard(1), labelled]);
  const before = chosen();
  await addTrainingFiles([shard(3)]);
  expect(chosen()['stage-2']?.names).toEqual(['pairs-3.safetensors']);
  expect(chosen()['stage-1']).toBe(before['stage-1']);
  expect(filesOf(before['stage-2'])).toHaveLength(1);
  removeFiles('stage-1');
  expect(chosen()['stage-1']).toBeUndefined();
});

test('a file that is neither is named with the reason, and what was chosen stays', async () => {
  await addTrainingFiles([labelled]);
  await addTrainingFiles([{ name: 'notes.safetensors', blob: new Blob(['not a tensor in sight']) }, shard(1)]);
  const { problems } = useTrainingData.getState();
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^notes\.safetensors/);
  expect(Object.keys(chosen()).sort()).toEqual(['stage-1', 'stage-2']);
  dismissDataProblems();
  expect(useTrainingData.getState().problems).toEqual([]);
});

test('the sample is fetched beside the page', async () => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (url: URL) => {
    asked.push(url.href);
    return new Response(url.href.includes('stage1') ? labelled.blob : shard(1).blob);
  });
  expect(await chooseSample('https://example.org/tool/')).toBe(true);
  expect(asked).toEqual([
    'https://example.org/tool/sample/embedded-stage1.safetensors',
    'https://example.org/tool/sample/embedded-stage2.safetensors',
  ]);
  expect(chosen()).toMatchObject({ 'stage-1': { sample: true }, 'stage-2': { sample: true } });
});

test.each([
  ['is not there (404)', async () => new Response('', { status: 404 })],
  ['did not arrive', () => Promise.reject(new TypeError('Failed to fetch'))],
])('a sample that %s is said, and nothing is lost', async (words, fetched) => {
  await addTrainingFiles([labelled]);
  vi.stubGlobal('fetch', fetched);
  expect(await chooseSample('https://example.org/')).toBe(false);
  const { problems, reading } = useTrainingData.getState();
  expect(problems[0]).toContain(words);
  expect(problems[0]).toContain('sample/embedded-stage1.safetensors');
  expect(reading).toBe(false);
  expect(chosen()['stage-1']?.sample).toBe(false);
});
