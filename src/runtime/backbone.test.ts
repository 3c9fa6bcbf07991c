import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGolden } from '@/cli/fixtures/golden-checkpoints.ts';
import { memorySource } from '@/formats/memory-source.ts';
import type { Sequence } from './backbone.ts';
import { openCounted as open } from './fixtures/counting-backend.ts';
import { nativeBackendFactory } from './native-backend.ts';

const golden = readGolden('armorm-tiny-llama3');
const idsOf = (index: number): Int32Array => Int32Array.from(golden.cases[index]?.input_ids ?? []);
const lastAndGate = (index: number): Sequence => ({
  tokenIds: idsOf(index),
  rows: [idsOf(index).length - 1, golden.cases[index]?.gate_index ?? 0],
});
const worstDifference = (a: ArrayLike<number> | undefined, b: ArrayLike<number> | undefined): number =>
  a?.length === b?.length && a !== undefined
    ? Math.max(...Array.from(a, (x, i) => Math.abs(x - (b?.[i] ?? Number.NaN))))
    : Infinity;

/** Cases 7 to 9 of the goldens: three responses of one prompt of 568 tokens, 1121, 576 and 848 tokens in all. */
const long = [7, 8, 9];

let opened: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  opened = await open('armorm-tiny-llama3');
}, 120_000);
afterAll(async () => {
  await opened.backbone.dispose();
});

describe('features', () => {
  it('are the reference hidden states, for whole sequences', async () => {
    for (const [index, expected] of golden.cases.entries()) {
      const [result] = await opened.backbone.features([lastAndGate(index)], { chunkTokens: 4096 });
      // PyTorch's float32 was at most 5e-6 from its float64 on these.
      expect(worstDifference(result?.features[0], expected.feature)).toBeLessThan(2e-5);
      expect(worstDifference(result?.features[1], expected.gateFeature)).toBeLessThan(2e-5);
    }
  });

  it('are the same in chunks over a cache, whatever the chunk', async () => {
    const [whole] = await opened.backbone.features([lastAndGate(9)], { chunkTokens: 4096 });
    for (const chunkTokens of [1, 7, 64, 256]) {
      // Chunks of one token are slow on a long text.
      const index = chunkTokens === 1 ? 0 : 9;
      const [reference] =
        index === 9 ? [whole] : await opened.backbone.features([lastAndGate(0)], { chunkTokens: 4096 });
      const [chunked] = await opened.backbone.features([lastAndGate(index)], { chunkTokens });
      for (const row of [0, 1]) {
        expect(worstDifference(chunked?.features[row], reference?.features[row])).toBeLessThan(2e-5);
      }
    }
  });

  it('are the same when responses share their prompt as when each is computed alone', async () => {
    const shared = await opened.backbone.features(long.map(lastAndGate), { chunkTokens: 256 });
    for (const [i, index] of long.entries()) {
      const [alone] = await opened.backbone.features([lastAndGate(index)], { chunkTokens: 256 });
      for (const row of [0, 1]) {
        expect(worstDifference(shared[i]?.features[row], alone?.features[row])).toBeLessThan(2e-5);
      }
    }
    // The common start of the three sequences, counted here independently.
    const [a, b, c] = long.map(idsOf);
    const common = a?.findIndex((id, i) => b?.[i] !== id || c?.[i] !== id);
    expect(common).toBeGreaterThan(500);
    expect(shared.map(({ reusedTokens }) => reusedTokens)).toEqual([0, common, common]);
  });

  it('come for identical sequences and for one that is a prefix of another', async () => {
    const ids = idsOf(0);
    const sequences: Sequence[] = [
      { tokenIds: ids, rows: [ids.length - 1] },
      { tokenIds: ids, rows: [3, ids.length - 1, 3] },
      { tokenIds: ids.slice(0, 10), rows: [9, 3] },
    ];
    const results = await opened.backbone.features(sequences);
    expect(results.map(({ features }) => features.length)).toEqual([1, 3, 2]);
    expect(results[0]?.features[0]).toEqual(results[1]?.features[1]);
    expect(results[1]?.features[0]).toEqual(results[1]?.features[2]);
    expect(results[1]?.features[0]).toEqual(results[2]?.features[1]);
  });

  it('count every token once in their progress and arrive sequence by sequence', async () => {
    const seen: number[] = [];
    const events: string[] = [];
    await opened.backbone.features(long.map(lastAndGate), {
      chunkTokens: 200,
      onTokens: (done, total) => {
        seen.push(done);
        events.push(done === total ? 'last chunk' : 'chunk');
      },
      onSequence: (index) => void events.push(`sequence ${index}`),
    });
    const [a, b, c] = long.map((index) => idsOf(index).length);
    const common = long.map(idsOf)[0]?.findIndex((id, i) => idsOf(8)[i] !== id || idsOf(9)[i] !== id) ?? 0;
    expect(seen.at(-1)).toBe((a ?? 0) + (b ?? 0) + (c ?? 0) - 2 * common);
    expect(seen).toEqual(seen.toSorted((x, y) => x - y));
    expect(events.slice(-2)).toEqual(['last chunk', 'sequence 2']);
    expect(events.indexOf('sequence 0')).toBeLessThan(events.indexOf('sequence 1'));
  });

  it('leave no tensor behind, not after an abort nor after a failure', async () => {
    const { backend, backbone } = opened;
    await backbone.features(long.map(lastAndGate), { chunkTokens: 128 });
    expect(backend.alive).toBe(0);

    const abort = new AbortController();
    const before = backend.runs;
    backend.beforeRun = (run) => {
      if (run === before + 5) abort.abort();
    };
    await expect(
      backbone.features(long.map(lastAndGate), { chunkTokens: 128, signal: abort.signal }),
    ).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(backend.runs).toBe(before + 5);
    expect(backend.alive).toBe(0);

    backend.beforeRun = (run) => {
      if (run === before + 12) throw new Error('the device burned');
    };
    await expect(backbone.features(long.map(lastAndGate), { chunkTokens: 128 })).rejects.toThrow('burned');
    expect(backend.alive).toBe(0);
    backend.beforeRun = () => undefined;

    const [after] = await backbone.features([lastAndGate(0)]);
    expect(worstDifference(after?.features[0], golden.cases[0]?.feature)).toBeLessThan(2e-5);
  });

  it('are refused for what cannot be a sequence of this model', async () => {
    const { backbone } = opened;
    await expect(backbone.features([{ tokenIds: new Int32Array(), rows: [] }])).rejects.toThrow('no tokens');
    await expect(backbone.features([{ tokenIds: idsOf(0), rows: [30] }])).rejects.toThrow('row 30');
    await expect(backbone.features([{ tokenIds: new Int32Array(8193), rows: [0] }])).rejects.toThrow('8193 tokens');
    expect(await backbone.features([])).toEqual([]);
  });
});

describe('native backend', () => {
  it('computes the same from bytes as from paths', async () => {
    const fromBytes = await open('armorm-tiny-llama3', async ({ name, path }) =>
      memorySource(name, new Uint8Array(readFileSync(path ?? join('missing', name)))),
    );
    const [bytes] = await fromBytes.backbone.features([lastAndGate(2)]);
    const [paths] = await opened.backbone.features([lastAndGate(2)]);
    expect(bytes?.features).toEqual(paths?.features);
    await fromBytes.backbone.dispose();
  });

  it('refuses tensors of another backend and data of another type', async () => {
    const created = await nativeBackendFactory().create('native');
    if (!('backend' in created)) throw new Error(created.unavailable);
    expect(() => created.backend.tensor('int64', Int32Array.of(1), [1])).toThrow('Int32Array');
    expect(await nativeBackendFactory().create('webgpu')).toMatchObject({ unavailable: expect.any(String) });
    await created.backend.dispose();
  });
});
