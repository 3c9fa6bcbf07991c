import { beforeEach, describe, expect, test } from 'vitest';
import { EngineError } from '@/engine/api/errors.ts';
import type { CallOptions } from '@/engine/api/reward-engine.ts';
import type { ScoreRequest } from '@/engine/api/messages.ts';
import { createFakeEngine } from '@/engine/fake/fake-engine.ts';
import { fakeHead, fakeManifest } from '@/engine/fake/fake-model.ts';
import { evaluateHead } from '@/core/reward-head.ts';
import type { DatasetItem } from '@/formats/datasets/dataset.ts';
import type { DatasetEntry } from '@/formats/datasets/read-dataset.ts';
import { memoryFileStore } from '@/formats/file-store.ts';
import type { FileStore } from '@/formats/file-store.ts';
import { parseSafetensorsHeader } from '@/formats/safetensors.ts';
import { contentHasher } from './content-hash.ts';
import { ResultCache } from './result-cache.ts';
import { chosenEntries, PauseGate, runEvaluation } from './run-evaluation.ts';
import type { EvaluationOptions, EvaluationProgress } from './run-evaluation.ts';

const objectives = fakeManifest.objectives.map(({ name }) => name);
const model = { id: fakeManifest.id, objectives };

const itemOf = (
  row: number,
  prompt: string,
  texts: readonly string[],
  change: Partial<DatasetItem> = {},
): DatasetItem => ({
  row,
  id: `id ${row}`,
  messages: [{ role: 'user', content: prompt }],
  responses: texts.map((text, i) => ({ text, role: i === 0 ? 'chosen' : 'rejected' })),
  extra: '',
  ...change,
});
const entriesOf = (items: readonly DatasetItem[], rejected: readonly DatasetEntry[] = []) =>
  async function* (): AsyncGenerator<DatasetEntry> {
    yield* rejected;
    for (const item of items) yield { kind: 'item', item };
  };
const pairs = (count: number): DatasetItem[] =>
  Array.from({ length: count }, (_, i) =>
    itemOf(i + 1, `Question ${i}`, [`Good answer ${i}${' and more'.repeat((i * 7) % 11)}`, `Bad answer ${i}`]),
  );

/** A fake engine that records what it was asked. */
function recording() {
  const engine = createFakeEngine();
  const asked: ScoreRequest[] = [];
  let failWith: ((request: ScoreRequest) => EngineError | undefined) | undefined;
  return {
    asked,
    fail: (how: typeof failWith) => {
      failWith = how;
    },
    load: () => engine.load({ kind: 'url', url: 'x' }),
    score(request: ScoreRequest, options?: CallOptions) {
      const failure = failWith?.(request);
      if (failure !== undefined) return Promise.reject(failure);
      asked.push(request);
      return engine.score(request, options);
    },
  };
}
type Recording = ReturnType<typeof recording>;

let engine: Recording;
let files: FileStore;
beforeEach(async () => {
  engine = recording();
  files = memoryFileStore();
  await engine.load();
});

async function run(items: readonly DatasetItem[], change: Partial<EvaluationOptions> = {}) {
  let clock = 0;
  return runEvaluation({
    engine,
    model,
    entries: entriesOf(items),
    cache: await ResultCache.open(files, model.id),
    now: () => (clock += 10),
    ...change,
  });
}
const responsesAsked = (): number => engine.asked.reduce((sum, { responses }) => sum + responses.length, 0);

describe('a run', () => {
  test('scores every response once and gives the set in the order of the dataset', async () => {
    const items = pairs(30);
    const { set, rejected, scored, reused } = await run(items, { windowItems: 7 });
    expect(rejected).toEqual([]);
    expect([scored, reused, responsesAsked()]).toEqual([60, 0, 60]);
    expect(set?.ids).toEqual(items.map(({ id }) => id));
    expect(set?.texts?.responses[1]).toBe('Bad answer 0');
    expect(set?.characters[1]).toBe('Bad answer 0'.length);
    const direct = await engine.score({
      messages: items[4]!.messages,
      responses: items[4]!.responses.map(({ text }) => text),
    });
    expect(set?.scores[8]).toBe(direct.responses[0]?.score);
    expect([...set!.rewards.subarray(9 * 19, 10 * 19)]).toEqual([...direct.responses[1]!.rewards]);
    expect(set?.gateLogits).toHaveLength(30 * 19);
    expect(set?.responseTokens[8]).toBe(direct.responses[0]?.tokens.response);
  });

  test('takes each window from short to long, responses of one conversation together', async () => {
    const items = [itemOf(1, 'p', ['x'.repeat(400), 'b']), itemOf(2, 'q', ['c', 'd']), itemOf(3, 'p', ['e'])];
    await run(items);
    expect(engine.asked.map(({ responses }) => responses.map((text) => text.length))).toEqual([
      [1, 1],
      [400, 1, 1],
    ]);
  });

  test('never scores the same text twice, within a dataset or later', async () => {
    const items = [itemOf(1, 'p', ['a', 'a']), itemOf(2, 'p', ['a', 'b']), itemOf(3, 'q', ['a'])];
    const first = await run(items, { windowItems: 1 });
    expect([first.scored, first.reused, responsesAsked()]).toEqual([3, 2, 3]);
    const again = await run(items);
    expect([again.scored, again.reused, responsesAsked()]).toEqual([0, 5, 3]);
    expect(again.set).toEqual(first.set);
    // Another model's results are its own.
    const other = await ResultCache.open(files, 'other@000000000000');
    expect(other.size).toBe(0);
  });

  test('reports counts, rate and time left', async () => {
    const seen: EvaluationProgress[] = [];
    await run(pairs(20), { onProgress: (progress) => seen.push(progress) });
    expect([...new Set(seen.map(({ stage }) => stage))]).toEqual(['scoring', 'done']);
    expect(seen.at(0)).toMatchObject({ responses: 0, totalResponses: 40, totalItems: 20, remainingSeconds: undefined });
    const middle = seen[10]!;
    expect(middle.tokensPerSecond).toBeGreaterThan(0);
    expect(middle.remainingSeconds).toBeGreaterThan(0);
    expect(seen.at(-1)).toMatchObject({ responses: 40, items: 20, remainingSeconds: 0, rejected: 0 });
  });

  test('records that cannot be used are listed, as are texts that cannot be scored; the rest go on', async () => {
    engine.fail(({ responses }) =>
      responses.includes('too long') ? new EngineError({ code: 'too-long', message: 'It is too long.' }) : undefined,
    );
    const items = [itemOf(1, 'p', ['a', 'too long']), itemOf(2, 'q', ['too long']), itemOf(3, 'r', ['c', 'd'])];
    const bad: DatasetEntry = { kind: 'rejected', row: 9, field: 'chosen', reason: 'is missing.', text: '{}' };
    const { set, rejected } = await run(items, { entries: entriesOf(items, [bad]) });
    expect(rejected.map(({ row, field, reason, text }) => [row, field, reason, text])).toEqual([
      [9, 'chosen', 'is missing.', '{}'],
      [1, 'response', 'It is too long.', 'too long'],
      [2, 'response', 'It is too long.', 'too long'],
    ]);
    expect(set?.ids).toEqual(['id 1', 'id 3']);
    expect(set?.rows).toBe(3);
  });

  test('an empty dataset gives no set', async () => {
    expect((await run([])).set).toBeUndefined();
  });
});

describe('several prompts at once', () => {
  test('are asked together and give the same set; beside one that fails for good, what was scored is kept', async () => {
    const items = pairs(20);
    const expected = (await run(items)).set;
    files = memoryFileStore();
    let most = 0;
    let under = 0;
    const counting = {
      async score(...call: Parameters<Recording['score']>) {
        most = Math.max(most, ++under);
        return engine.score(...call).finally(() => (under -= 1));
      },
    };
    expect((await run(items, { engine: counting, atOnce: 8 })).set).toEqual(expected);
    expect(most).toBe(8);

    files = memoryFileStore();
    let calls = 0;
    engine.fail(() => (++calls === 10 ? new EngineError({ code: 'device-lost', message: 'lost' }) : undefined));
    await expect(run(items, { atOnce: 8 })).rejects.toThrow('lost');
    // The first eight pairs, and the seven beside the one that failed.
    expect((await ResultCache.open(files, model.id)).size).toBe(30);
  });
});

describe('killed in the middle', () => {
  test('a batch at most is done again', async () => {
    const items = pairs(40);
    // 60 tokens a batch are a few pairs; the 25th conversation kills the page.
    let calls = 0;
    engine.fail(() => (++calls === 25 ? new EngineError({ code: 'device-lost', message: 'killed' }) : undefined));
    const store = files;
    const sizes: number[] = [];
    // A killed page writes nothing any more: neither what was pending.
    const write: FileStore['write'] = (name, bytes) => {
      if (calls >= 25) return Promise.reject(new Error('the page is gone'));
      const rows = parseSafetensorsHeader(name, bytes.subarray(8, 8 + bytes[0]! + 256 * bytes[1]!), bytes.length);
      sizes.push(rows.tensors.get('scores')!.shape[0]!);
      return store.write(name, bytes);
    };
    files = { ...store, write };
    await expect(run(items, { batchTokens: 60 })).rejects.toThrow('the page is gone');
    expect(sizes.length).toBeGreaterThan(3);
    const kept = (await ResultCache.open(files, model.id)).size;
    expect(kept).toBe(sizes.reduce((sum, size) => sum + size, 0));
    // 24 pairs were scored; what is lost is less than one batch.
    expect(48 - kept).toBeLessThanOrEqual(Math.max(...sizes));
    files = store;
    engine.fail(undefined);
    const before = responsesAsked();
    const { set, scored, reused } = await run(items, { batchTokens: 60 });
    expect(reused).toBe(kept);
    expect(scored).toBe(80 - kept);
    expect(responsesAsked() - before).toBe(80 - kept);
    expect(set?.rows).toBe(80);
  });

  test('aborted, everything scored so far is kept', async () => {
    const controller = new AbortController();
    const aborted = run(pairs(20), {
      signal: controller.signal,
      onProgress: ({ responses }) => {
        if (responses >= 12) controller.abort();
      },
    });
    await expect(aborted).rejects.toThrow(/abort/i);
    expect((await ResultCache.open(files, model.id)).size).toBe(12);
  });

  test('slow work is kept by the clock, whatever its tokens', async () => {
    let clock = 0;
    await run(pairs(6), { now: () => (clock += 15_000) });
    // Each call takes 15 seconds: a batch every second conversation.
    expect(await files.list()).toHaveLength(3);
  });

  test('a damaged file is dropped and its responses scored again', async () => {
    await run(pairs(4));
    const [name] = await files.list();
    await files.write(name!, new Uint8Array(20));
    const { scored } = await run(pairs(4));
    expect(scored).toBe(8);
  });
});

test('paused, nothing new is begun; resumed, it ends as ever', async () => {
  const pause = new PauseGate();
  let asked = 0;
  const result = run(pairs(10), {
    pause,
    onProgress: ({ responses, paused }) => {
      if (responses === 6 && !paused) pause.pause();
      if (!paused) return;
      asked = responsesAsked();
      // After everything already queued has had its turn.
      setTimeout(() => {
        expect(responsesAsked()).toBe(asked);
        pause.resume();
      }, 0);
    },
  });
  expect((await result).scored).toBe(20);
  expect(asked).toBe(6);
  const waiting = new PauseGate();
  waiting.pause();
  const controller = new AbortController();
  const ended = run(pairs(12).slice(10), { pause: waiting, signal: controller.signal });
  setTimeout(() => controller.abort(), 0);
  await expect(ended).rejects.toThrow(/abort/i);
});

describe('what is kept', () => {
  test('comes back to the bit, with hidden states that give the rewards again', async () => {
    const items = pairs(3);
    await run(items);
    const cache = await ResultCache.open(files, model.id);
    const hash = (await contentHasher(model.id))(items[1]!.messages, items[1]!.responses[0]!.text);
    const [direct] = (
      await engine.score({ messages: items[1]!.messages, responses: [items[1]!.responses[0]!.text], features: true })
    ).responses;
    expect(cache.get(hash)).toEqual({
      hash,
      score: direct?.score,
      rewards: direct?.rewards,
      gateLogits: direct?.gateLogits,
      gateWeights: direct?.gateWeights,
      responseTokens: direct?.tokens.response,
      warnings: direct?.warnings,
    });
    const features = await cache.features(hash);
    expect(features).toEqual({ feature: direct?.feature, gateFeature: direct?.gateFeature });
    expect(evaluateHead(fakeHead, features!.feature, features!.gateFeature).score).toBe(direct?.score);
    expect(await cache.features('0'.repeat(32))).toBeUndefined();
    await cache.clear();
    expect(await files.list()).toEqual([]);
  });

  test('without hidden states when they are not asked for', async () => {
    const items = pairs(1);
    const { set } = await run(items, { features: false, texts: false });
    const hash = (await contentHasher(model.id))(items[0]!.messages, items[0]!.responses[0]!.text);
    expect(await (await ResultCache.open(files, model.id)).features(hash)).toBeUndefined();
    expect(set?.texts).toBeUndefined();
  });

  test('hashes tell model, roles, and where a text ends apart', async () => {
    const [a, b] = [await contentHasher('m'), await contentHasher('n')];
    const user = (content: string) => [{ role: 'user' as const, content }];
    const hashes = [
      a(user('x'), 'y'),
      b(user('x'), 'y'),
      a(user('xy'), ''),
      a(user(''), 'xy'),
      a([...user('x'), { role: 'assistant', content: 'y' }], ''),
      a([{ role: 'system', content: 'x' }], 'y'),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(a(user('x'), 'y')).toBe(hashes[0]);
    expect(hashes[0]).toMatch(/^[0-9a-f]{32}$/);
  });
});

test('a choice of items: the first of the subsets named', async () => {
  const items = pairs(6).map((item, i) => ({ ...item, subset: i % 2 === 0 ? 'even' : 'odd' }));
  const rows = async (choice: Parameters<typeof chosenEntries>[1]) => {
    const found: number[] = [];
    for await (const entry of chosenEntries(entriesOf(items)(), choice))
      if (entry.kind === 'item') found.push(entry.item.row);
    return found;
  };
  expect(await rows({ limit: 2 })).toEqual([1, 2]);
  expect(await rows({ subsets: ['odd'] })).toEqual([2, 4, 6]);
  expect(await rows({ subsets: ['odd'], limit: 1 })).toEqual([2]);
  expect(await rows({})).toHaveLength(6);
});
