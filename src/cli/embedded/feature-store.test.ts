import { mkdtemp, readdir, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FeatureStore } from './feature-store.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'features-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('feature store', () => {
  it('gives rows back bit for bit after reopening, and only flushed ones', async () => {
    const store = await FeatureStore.open(folder, 3);
    store.add('a', Float32Array.of(0.1, -2, 3e-30), 7);
    await store.flush();
    store.add('b', Float32Array.of(1, 2, 3), 9);
    const again = await FeatureStore.open(folder, 3);
    expect(again.get('a')).toEqual({ values: Float32Array.of(0.1, -2, 3e-30), tokens: 7 });
    expect(again.get('b')).toBeUndefined();
  });

  it('two parts write side by side and later shards never replace earlier ones', async () => {
    const parts = [await FeatureStore.open(folder, 1, 0), await FeatureStore.open(folder, 1, 1)];
    for (const [part, store] of parts.entries()) {
      store.add(`${part}`, Float32Array.of(part), 1);
      await store.flush();
    }
    const resumed = await FeatureStore.open(folder, 1, 0);
    resumed.add('later', Float32Array.of(5), 1);
    await resumed.flush();
    expect((await FeatureStore.open(folder, 1)).size).toBe(3);
  });

  it('a shard whose index was not written does not exist; one that is cut is refused by name', async () => {
    const store = await FeatureStore.open(folder, 2);
    store.add('a', Float32Array.of(1, 2), 1);
    await store.flush();
    const index = (await readdir(folder)).find((name) => name.endsWith('.json')) ?? '';
    await writeFile(join(folder, index.replace('json', 'f32')), new Uint8Array(4));
    await expect(FeatureStore.open(folder, 2)).rejects.toThrow(/shard-0-00000\.json.*does not hold/);
    await unlink(join(folder, index));
    expect((await FeatureStore.open(folder, 2)).size).toBe(0);
  });
});
