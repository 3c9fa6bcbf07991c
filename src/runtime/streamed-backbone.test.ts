import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGolden } from '@/cli/fixtures/golden-checkpoints.ts';
import type { Sequence } from './backbone.ts';
import { openCounted } from './fixtures/counting-backend.ts';
import { StreamedBackbone } from './streamed-backbone.ts';

const golden = readGolden('armorm-tiny-llama3');
const sequence = (index: number): Sequence => {
  const tokenIds = Int32Array.from(golden.cases[index]?.input_ids ?? []);
  return { tokenIds, rows: [tokenIds.length - 1, golden.cases[index]?.gate_index ?? 0] };
};
/** Three responses of one prompt of 568 tokens, and texts that share nothing but their first tokens. */
const batches = [[7, 8, 9], [0], [0, 2, 9]];

let opened: Awaited<ReturnType<typeof openCounted>>;
let streamed: StreamedBackbone;
beforeAll(async () => {
  opened = await openCounted('armorm-tiny-llama3');
  streamed = new StreamedBackbone(opened.backend, opened.architecture, opened.embedding, opened.stages);
}, 120_000);
afterAll(() => opened.backbone.dispose());

test('a batch is equal to the last bit to the resident backbone, and reuses the same tokens', async () => {
  for (const batch of batches)
    for (const chunkTokens of [64, 2048]) {
      const sequences = batch.map(sequence);
      const resident = await opened.backbone.features(sequences, { chunkTokens });
      const result = await streamed.features(sequences, { chunkTokens });
      expect(result.map(({ features }) => features)).toEqual(resident.map(({ features }) => features));
      expect(result.map(({ reusedTokens }) => reusedTokens)).toEqual(resident.map(({ reusedTokens }) => reusedTokens));
    }
}, 120_000);

test('every stage is loaded once a batch, never two at once, and nothing stays', async () => {
  const { backend, stages } = opened;
  const kept = backend.sessionsAlive;
  const before = backend.sessionsMade;
  backend.mostSessions = kept;
  const tokens: number[] = [];
  const done: number[] = [];
  let total = 0;
  await streamed.features([7, 8, 9].map(sequence), {
    onSequence: (index) => {
      done.push(index);
    },
    onTokens: (doneTokens, totalTokens) => {
      tokens.push(doneTokens);
      total = totalTokens;
    },
  });
  expect(backend.sessionsMade - before).toBe(stages.length);
  expect(stages.length).toBeGreaterThan(1);
  expect(backend.mostSessions).toBe(kept + 1);
  expect(backend.sessionsAlive).toBe(kept);
  expect(backend.alive).toBe(0);
  expect(done).toEqual([0, 1, 2]);
  expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
  expect(tokens.at(-1)).toBe(total);
}, 120_000);

test('an abort and a failure leave no session and no tensor behind', async () => {
  const { backend } = opened;
  const kept = backend.sessionsAlive;
  for (const failure of ['abort', 'throw'] as const) {
    const aborter = new AbortController();
    backend.runs = 0;
    backend.beforeRun = (run) => {
      if (run !== 4) return;
      if (failure === 'abort') aborter.abort();
      else throw new Error('the device is gone');
    };
    try {
      await expect(
        streamed.features([7, 8].map(sequence), { signal: aborter.signal, chunkTokens: 256 }),
      ).rejects.toThrow(failure === 'abort' ? /abort/i : 'the device is gone');
    } finally {
      backend.beforeRun = () => undefined;
    }
    expect(backend.alive).toBe(0);
    expect(backend.sessionsAlive).toBe(kept);
  }
}, 120_000);

test('refuses what the resident backbone refuses', async () => {
  await expect(streamed.features([{ tokenIds: new Int32Array(), rows: [] }])).rejects.toThrow('no tokens');
  await expect(streamed.features([{ tokenIds: Int32Array.of(1), rows: [1] }])).rejects.toThrow('row 1 is outside');
  expect(await streamed.features([])).toEqual([]);
});

test('groups share every stage, to the bits each has alone; one that is cancelled leaves the others as they are', async () => {
  const { backend, stages } = opened;
  const groups = batches.map((batch) => ({ sequences: batch.map(sequence) }));
  const alone = [];
  for (const { sequences } of groups) alone.push(await opened.backbone.features(sequences));
  const numbers = (
    results: readonly { readonly features: readonly Float32Array[]; readonly reusedTokens: number }[] | undefined,
  ) => results?.map(({ features, reusedTokens }) => ({ features, reusedTokens }));

  let before = backend.sessionsMade;
  const together = await streamed.featuresOfGroups(groups);
  expect(together.map(numbers)).toEqual(alone.map(numbers));
  expect(backend.sessionsMade - before).toBe(stages.length);

  // A budget that holds no two of them: each goes alone.
  const { architecture, embedding } = opened;
  const narrow = new StreamedBackbone(backend, architecture, embedding, stages, { hiddenBytes: 1 });
  before = backend.sessionsMade;
  expect((await narrow.featuresOfGroups(groups)).map(numbers)).toEqual(alone.map(numbers));
  expect(backend.sessionsMade - before).toBe(groups.length * stages.length);

  const cancel = new AbortController();
  const heard: string[] = [];
  const withOneCancelled = groups.map((group, index) => ({
    ...group,
    ...(index === 1 ? { signal: cancel.signal } : {}),
    onTokens: (done: number, total: number) => {
      if (index === 0) cancel.abort();
      heard.push(`${index} ${done <= total}`);
    },
    onSequence: (at: number) => {
      heard.push(`${index} sequence ${at}`);
    },
  }));
  const rest = await streamed.featuresOfGroups(withOneCancelled);
  expect(rest.map(numbers)).toEqual([numbers(alone[0]), undefined, numbers(alone[2])]);
  expect(heard.filter((event) => event.startsWith('1'))).toEqual([]);
  expect(heard.filter((event) => event.includes('sequence'))).toEqual(
    [0, 2].flatMap((group) => (batches[group] ?? []).map((_, at) => `${group} sequence ${at}`)),
  );
  expect(backend.alive).toBe(0);

  const stop = new AbortController();
  const stopped = groups.map((group) => ({ ...group, onTokens: () => stop.abort() }));
  await expect(streamed.featuresOfGroups(stopped, { signal: stop.signal })).rejects.toThrow(/abort/i);
  expect(backend.alive).toBe(0);
}, 120_000);
