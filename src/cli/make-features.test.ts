/** Features that the page makes from a dataset are the file that `npm run score -- --features` writes, to the byte. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoadedModel } from '@/engine/api/messages.ts';
import type { RewardEngineHost } from '@/engine/host/reward-engine-host.ts';
import { mappingFor, previewDataset, readDataset } from '@/formats/datasets/read-dataset.ts';
import { memoryFileStore } from '@/formats/file-store.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { defaultLabelColumns, type FeaturePlan } from '@/jobs/evaluation/feature-plan.ts';
import { makeFeatures } from '@/jobs/evaluation/make-features.ts';
import { ResultCache } from '@/jobs/evaluation/result-cache.ts';
import { runEvaluation } from '@/jobs/evaluation/run-evaluation.ts';
import { diskSource } from './disk-files.ts';
import { goldenPackage } from './golden-packages.ts';
import { createCliEngine } from './node-engine.ts';
import { scoreFile } from './score-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'armoscope-features-'));
let engine: RewardEngineHost;
let model: LoadedModel;

beforeAll(async () => {
  engine = createCliEngine({ threads: 1 });
  model = await engine.load({ kind: 'directory', path: await goldenPackage('armorm-tiny-smollm') });
}, 240_000);
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

async function commandLine(name: string, text: string): Promise<Buffer> {
  const inputPath = join(folder, `${name}.jsonl`);
  writeFileSync(inputPath, text);
  const featuresPath = join(folder, `${name}.safetensors`);
  const input = (await diskSource(inputPath))!;
  const outputPath = join(folder, `${name}.out.jsonl`);
  await scoreFile({ engine, model, input, outputPath, featuresPath, onStart() {}, onProgress() {}, log() {} });
  return readFileSync(featuresPath);
}

async function page(text: string, plan: FeaturePlan): Promise<{ bytes: Buffer; made: unknown }> {
  const source = memorySource('data.jsonl', new TextEncoder().encode(text));
  const preview = await previewDataset(source);
  const { id, objectives } = model.manifest;
  const entries = (signal?: AbortSignal) =>
    readDataset(source, preview.format, mappingFor(preview), signal, { ratings: true });
  const store = memoryFileStore();
  const cache = await ResultCache.open(store, id, { features: true });
  const names = objectives.map(({ name }) => name);
  const { set } = await runEvaluation({
    engine,
    model: { id, objectives: names },
    entries,
    cache,
    now: () => 0,
    collect: false,
  });
  expect(set).toBeUndefined();
  const fileName = 'made.safetensors';
  const made = await makeFeatures({ plan, entries, cache, modelId: id, store, fileName });
  const file = (await store.open(fileName))!;
  return { bytes: Buffer.from(await file.read(0, file.size)), made };
}

test('pairs', async () => {
  const text = [
    { prompt: 'Name a prime.', chosen: '7', rejected: 'A potato.' },
    { prompt: 'And an even number?', chosen: 'Two.', rejected: 'It is rather long to say: three.' },
    { prompt: 'A colour?', chosen: 'Red', rejected: '9' },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
  const { bytes, made } = await page(text, { kind: 'pairs' });
  expect(made).toEqual({ rows: 3, skippedItems: 0, labelledRows: 0 });
  expect(bytes.equals(await commandLine('pairs', text))).toBe(true);
});

test('labelled responses', async () => {
  const { objectives } = model.manifest;
  const text = [
    { prompt: 'Name a prime.', response: '7', [objectives[1]!.name]: 0.25 },
    { prompt: 'And an even number?', response: 'Two.', labels: { [objectives[0]!.name]: 0.5, unknown: 3 } },
    { prompt: 'A colour?', response: 'Red' },
  ]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
  const columns = defaultLabelColumns(objectives, [], undefined);
  const { bytes, made } = await page(text, { kind: 'labels', columns });
  expect(made).toEqual({ rows: 3, skippedItems: 0, labelledRows: 2 });
  expect(bytes.equals(await commandLine('labels', text))).toBe(true);
});

test('what gives no pair is counted, and a dataset without any is refused', async () => {
  const single = `${JSON.stringify({ prompt: 'Name a prime.', response: '7' })}\n`;
  const rated = [1, 3, 2].map((score) => `${JSON.stringify({ prompt: 'A word?', response: `w${score}`, score })}\n`);
  const { made } = await page(`${single}${rated.join('')}`, { kind: 'pairs' });
  expect(made).toEqual({ rows: 1, skippedItems: 1, labelledRows: 0 });
  await expect(page(single, { kind: 'pairs' })).rejects.toThrow(/no item of the dataset holds a chosen and a rejected/);
});
