/**
 * Hidden states already computed, kept in shards under the work directory so that a killed extraction resumes where it was.
 *
 * A shard is `shard-P-NNNNN.f32` (rows of d little-endian f32) and `shard-P-NNNNN.json` (`{keys, tokens}` in row order), the latter
 * renamed into place last: a shard without its JSON does not exist. Rows are found by content key, so a change of the recipe
 * keeps what it still needs. P is the part that wrote it, so that several processes may write at once. The directory is named by the backbone's identity; rows of two backbones never meet.
 */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '@/formats/errors.ts';
import { parseJsonRecord } from './json-record.ts';
import { contentHash } from './seeded.ts';

export interface StoredFeature {
  /** f32 [d]. */
  readonly values: Float32Array;
  /** Tokens of the response, or of the prompt for a gate row. */
  readonly tokens: number;
}

/** Key of the scored token's row of one response. */
export function responseKey(groupKey: string, response: string): string {
  return contentHash('response', groupKey, response);
}

/** Key of the row the gate reads. */
export function gateKey(groupKey: string): string {
  return contentHash('gate', groupKey);
}

export class FeatureStore {
  readonly #directory: string;
  readonly #featureSize: number;
  readonly #part: number;
  readonly #rows = new Map<string, StoredFeature>();
  #pending: { readonly key: string; readonly feature: StoredFeature }[] = [];
  #nextShard = 0;

  private constructor(directory: string, featureSize: number, part: number) {
    this.#directory = directory;
    this.#part = part;
    this.#featureSize = featureSize;
  }

  /** Opens the store, reading every complete shard. @throws FormatError when a shard does not hold what its JSON says. */
  static async open(directory: string, featureSize: number, part = 0): Promise<FeatureStore> {
    await mkdir(directory, { recursive: true });
    const store = new FeatureStore(directory, featureSize, part);
    const names = (await readdir(directory)).filter((name) => /^shard-\d-\d{5}\.json$/.test(name)).sort();
    for (const name of names) {
      const path = join(directory, name);
      const { keys, tokens } = parseJsonRecord(await readFile(path, 'utf8'), path);
      const bytes = await readFile(path.replace(/json$/, 'f32'));
      const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      if (!Array.isArray(keys) || !Array.isArray(tokens) || values.length !== keys.length * featureSize)
        throw new FormatError('mismatch', path, 'the shard does not hold the rows it names.', 'Delete it.');
      for (const [row, key] of keys.entries())
        store.#rows.set(String(key), {
          values: values.subarray(row * featureSize, (row + 1) * featureSize),
          tokens: Number(tokens[row]),
        });
      if (Number(name.slice(6, 7)) === part) store.#nextShard = Number(name.slice(8, 13)) + 1;
    }
    return store;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): StoredFeature | undefined {
    return this.#rows.get(key);
  }

  /** Adds a row; it survives a kill only after `flush`. */
  add(key: string, values: Float32Array, tokens: number): void {
    if (values.length !== this.#featureSize) throw new RangeError(`a row has ${values.length} values`);
    const feature = { values: values.slice(), tokens };
    this.#rows.set(key, feature);
    this.#pending.push({ key, feature });
  }

  /** Writes what was added since the last flush as one shard. */
  async flush(): Promise<void> {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    const name = join(this.#directory, `shard-${this.#part}-${String(this.#nextShard).padStart(5, '0')}`);
    this.#nextShard += 1;
    const values = new Float32Array(pending.length * this.#featureSize);
    for (const [row, { feature }] of pending.entries()) values.set(feature.values, row * this.#featureSize);
    await writeFile(`${name}.f32`, new Uint8Array(values.buffer));
    const index = { keys: pending.map(({ key }) => key), tokens: pending.map(({ feature }) => feature.tokens) };
    await writeFile(`${name}.json.part`, JSON.stringify(index));
    await rename(`${name}.json.part`, `${name}.json`);
  }
}
