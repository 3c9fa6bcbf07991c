import { beforeEach, describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { evaluateReplacement, type HeadReplacement } from '@/core/head-replacement.ts';
import { rescoredSet } from '@/core/rescored-set.ts';
import type { Gate } from '@/core/reward-head.ts';
import type { ScoredSet } from '@/core/scored-set.ts';
import type { LoadedModel } from '@/engine/api/messages.ts';
import { createFakeEngine } from '@/engine/fake/fake-engine.ts';
import { fakeFeatureSize as d, fakeManifest } from '@/engine/fake/fake-model.ts';
import type { DatasetEntry } from '@/formats/datasets/read-dataset.ts';
import { memoryFileStore, type FileStore } from '@/formats/file-store.ts';
import { rescore } from './rescore.ts';
import { ResultCache } from './result-cache.ts';
import { runEvaluation } from './run-evaluation.ts';

const objectives = fakeManifest.objectives.map(({ name }) => name);
const k = objectives.length;
const modelId = fakeManifest.id;
const random = new SeededRandom(11);
const values = (length: number) => Float32Array.from({ length }, () => random.normal());
const regression = values(k * d);
const gate: Gate = {
  layers: [
    { inputSize: d, outputSize: 5, weight: values(5 * d), bias: values(5) },
    { inputSize: 5, outputSize: k, weight: values(k * 5), bias: values(k) },
  ],
  temperature: 3,
  logitScale: 1.5,
};

const texts = ['a good answer', 'a bad one', 'a third, said twice'];
async function* entries(): AsyncGenerator<DatasetEntry> {
  for (let row = 1; row <= 6; row++)
    yield {
      kind: 'item',
      item: {
        row,
        id: `id ${row}`,
        messages: [{ role: 'user', content: `Question ${row % 4}` }],
        responses: texts.slice(0, 2 + (row % 2)).map((text, at) => ({ text, role: at === 0 ? 'chosen' : 'rejected' })),
        extra: '',
      },
    };
}

const engine = createFakeEngine();
let model: LoadedModel;
let files: FileStore;
let set: ScoredSet;

async function score(features: boolean): Promise<void> {
  files = memoryFileStore();
  const cache = await ResultCache.open(files, modelId);
  const done = await runEvaluation({
    engine,
    model: { id: modelId, objectives },
    entries,
    cache,
    now: () => 0,
    features,
  });
  set = done.set!;
}

async function rescored(replacement: HeadReplacement, of: ScoredSet = set) {
  const progress: [number, number][] = [];
  const rows = await rescore({
    cache: await ResultCache.open(files, modelId),
    modelId,
    rows: { groupOf: of.groupOf, promptOf: of.promptOf, prompts: of.prompts, texts: of.texts! },
    head: { objectives: k, featureSize: d, regression: replacement.regression, gate: replacement.gate },
    onProgress: (done, total) => progress.push([done, total]),
  });
  return { rows, progress };
}

beforeEach(async () => {
  model = await engine.load({ kind: 'url', url: 'x' });
  await score(true);
});

describe('a set under another head', () => {
  test.each<[string, HeadReplacement]>([
    ['regression', { regression }],
    ['gate', { gate }],
    ['regression, gate and transform', { regression, gate, transform: Float64Array.from(values(k * k)) }],
  ])('its own %s: every number has the bits that Inspect shows of the response alone', async (_, replacement) => {
    const { rows, progress } = await rescored(replacement);
    expect(rows.missing).toBe(0);
    expect(progress.at(-1)).toEqual([set.rows, set.rows]);
    const head = {
      objectives: k,
      transform: replacement.transform ?? model.transform,
      verbosityDimensions: fakeManifest.verbosityDimensions,
      gate: replacement.gate ?? fakeManifest.gate,
    };
    const found = rescoredSet(set, head, rows);
    for (let row = 0; row < set.rows; row++) {
      const messages = JSON.parse(set.texts!.messages[set.groupOf[row]!]!);
      const { responses } = await engine.score({ messages, responses: [set.texts!.responses[row]!], features: true });
      const own = responses[0]!;
      const alone = evaluateReplacement(replacement, own, model.transform, own);
      const prompt = set.promptOf[row]! * k;
      expect(found.scores[row]).toBe(alone.score);
      expect([...found.rewards.subarray(row * k, (row + 1) * k)]).toEqual([...alone.rewards]);
      expect([...found.gateWeights.subarray(prompt, prompt + k)]).toEqual([...alone.gateWeights]);
    }
    expect(found.scores).not.toEqual(set.scores);
    expect(found.texts).toBe(set.texts);
    expect(found.head?.transform).toBe(head.transform);
  });

  test('where hidden states were not kept, for all or some, the rows are counted and nothing is made up', async () => {
    const whole = set;
    await score(false);
    expect((await rescored({ gate })).rows).toEqual({ missing: set.rows, rewards: undefined, gateLogits: undefined });
    await score(true);
    const others = {
      ...whole,
      texts: { ...whole.texts!, responses: whole.texts!.responses.map((text, row) => (row === 3 ? 'other' : text)) },
    };
    expect((await rescored({ gate }, others)).rows.missing).toBe(1);
    const unread = { ...whole, texts: { ...whole.texts!, messages: whole.texts!.messages.map(() => 'no json') } };
    expect((await rescored({ gate }, unread)).rows.missing).toBe(whole.rows);
  });

  test('a head of another width is refused in words', async () => {
    const cache = await ResultCache.open(files, modelId);
    const rows = { groupOf: set.groupOf, promptOf: set.promptOf, prompts: set.prompts, texts: set.texts! };
    await expect(
      rescore({ cache, modelId, rows, head: { objectives: k, featureSize: d + 1, regression: values(k * (d + 1)) } }),
    ).rejects.toThrow(`hidden states of ${d} for a head of ${d + 1}`);
  });
});
