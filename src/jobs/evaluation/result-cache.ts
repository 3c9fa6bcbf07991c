/**
 * Results of one model by content hash, kept in batches: one safetensors file a batch, written at once or not at all, so that a
 * killed page loses at most the batch it was in. Rewards and gate stay in memory; hidden states are read back when asked for, to
 * evaluate another head without scoring again.
 */
import { hex } from '@/base/hex.ts';
import type { RowWarning } from '@/core/scored-set.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import { FormatError } from '@/formats/errors.ts';
import type { FileStore } from '@/formats/file-store.ts';
import { isJsonObject } from '@/formats/json-file.ts';
import {
  readSafetensorsHeader,
  readTensor,
  readTensorRowsAsFloat32,
  requireShape,
  requireTensor,
} from '@/formats/safetensors.ts';
import type { SafetensorsHeader } from '@/formats/safetensors.ts';
import { writeSafetensors } from '@/formats/safetensors-writer.ts';
import type { TensorData } from '@/formats/safetensors-writer.ts';
import { HASH_DIGITS } from './content-hash.ts';

/** Everything kept of one scored response; arrays are `[k]`. */
export interface CachedResult {
  readonly hash: string;
  readonly score: number;
  readonly rewards: Float64Array;
  readonly gateLogits: Float64Array;
  readonly gateWeights: Float64Array;
  readonly responseTokens: number;
  readonly warnings: readonly RowWarning[];
}

/** Final-norm hidden states `[d]` of the scored and of the gate's token. */
export interface ResultFeatures {
  readonly feature: Float32Array;
  readonly gateFeature: Float32Array;
}

interface Place {
  readonly result: CachedResult;
  readonly file: string;
  readonly row: number;
}

const hashBytes = HASH_DIGITS / 2;
const MOST_OPENED = 64;

export class ResultCache {
  readonly #files: FileStore;
  readonly #modelId: string;
  readonly #prefix: string;
  readonly #places = new Map<string, Place>();
  /** Files that features were read from last: reading a dataset in order goes to and fro between a few. */
  readonly #opened = new Map<string, { readonly source: ByteSource; readonly header: SafetensorsHeader }>();
  #batches = 0;

  private constructor(files: FileStore, modelId: string) {
    this.#files = files;
    this.#modelId = modelId;
    this.#prefix = `${modelId.replaceAll(/[^A-Za-z0-9.-]/g, '_')}-`;
  }

  /**
   * Opens what was kept for a model. A file that is damaged or of another model is removed: its responses are scored again.
   * @param options.features pass over results without hidden states: their responses are then scored again.
   * @throws what the store throws.
   */
  static async open(
    files: FileStore,
    modelId: string,
    { features = false }: { readonly features?: boolean } = {},
  ): Promise<ResultCache> {
    const cache = new ResultCache(files, modelId);
    for (const name of (await files.list()).toSorted()) {
      const number = cache.#numberOf(name);
      if (number === undefined) continue;
      cache.#batches = Math.max(cache.#batches, number);
      const source = await files.open(name);
      try {
        if (source !== undefined) await cache.#read(name, source, features);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        await files.remove(name);
      }
    }
    return cache;
  }

  /** Responses kept. */
  get size(): number {
    return this.#places.size;
  }

  get(hash: string): CachedResult | undefined {
    return this.#places.get(hash)?.result;
  }

  /** Writes a batch. All of it or none has features. */
  async append(results: readonly (CachedResult & Partial<ResultFeatures>)[]): Promise<void> {
    if (results.length === 0) return;
    this.#batches += 1;
    const file = `${this.#prefix}${String(this.#batches).padStart(8, '0')}.safetensors`;
    await this.#files.write(file, batchBytes(this.#modelId, results));
    for (const [row, { feature: _feature, gateFeature: _gate, ...result }] of results.entries())
      this.#places.set(result.hash, { result, file, row });
  }

  /** Whether the hidden states of a response were kept. */
  async hasFeatures(hash: string): Promise<boolean> {
    const place = this.#places.get(hash);
    const file = place === undefined ? undefined : await this.#open(place.file);
    return file?.header.tensors.has('features') ?? false;
  }

  /** The hidden states of a response; undefined where none were kept. */
  async features(hash: string): Promise<ResultFeatures | undefined> {
    const place = this.#places.get(hash);
    const file = place === undefined ? undefined : await this.#open(place.file);
    if (place === undefined || file === undefined) return undefined;
    const { source, header } = file;
    if (!header.tensors.has('features')) return undefined;
    const read = (name: string): Promise<Float32Array> => readTensorRowsAsFloat32(source, header, name, place.row, 1);
    return { feature: await read('features'), gateFeature: await read('gate_features') };
  }

  async #open(name: string) {
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const source = await this.#files.open(name);
    if (source === undefined) return undefined;
    const opened = { source, header: await readSafetensorsHeader(source) };
    if (this.#opened.size >= MOST_OPENED) this.#opened.clear();
    this.#opened.set(name, opened);
    return opened;
  }

  /** Removes everything kept for this model. */
  async clear(): Promise<void> {
    this.#opened.clear();
    for (const name of await this.#files.list()) if (this.#numberOf(name) !== undefined) await this.#files.remove(name);
    this.#places.clear();
  }

  #numberOf(name: string): number | undefined {
    if (!name.startsWith(this.#prefix)) return undefined;
    const match = /^(\d{8})\.safetensors$/.exec(name.slice(this.#prefix.length));
    return match === null ? undefined : Number(match[1]);
  }

  async #read(file: string, source: ByteSource, featuresWanted: boolean): Promise<void> {
    const header = await readSafetensorsHeader(source);
    if (header.metadata.get('model') !== this.#modelId)
      throw new FormatError('mismatch', source.name, 'holds results of another model.');
    if (featuresWanted && !header.tensors.has('features')) return;
    const [rows = 0, k = 0] = requireTensor(header, 'rewards').shape;
    const [hashes, scores, rewards, logits, weights, tokens] = await Promise.all([
      bytesOf(source, header, 'hashes', 'U8', [rows, hashBytes]),
      bytesOf(source, header, 'scores', 'F64', [rows]),
      bytesOf(source, header, 'rewards', 'F64', [rows, k]),
      bytesOf(source, header, 'gate_logits', 'F64', [rows, k]),
      bytesOf(source, header, 'gate_weights', 'F64', [rows, k]),
      bytesOf(source, header, 'response_tokens', 'I32', [rows]),
    ]);
    const warnings = warningsOf(header, source.name);
    const vector = (bytes: Uint8Array<ArrayBuffer>, row: number): Float64Array =>
      new Float64Array(bytes.buffer.slice(bytes.byteOffset + 8 * row * k, bytes.byteOffset + 8 * (row + 1) * k));
    for (let row = 0; row < rows; row++) {
      const hash = hex(hashes.subarray(row * hashBytes, (row + 1) * hashBytes));
      const result: CachedResult = {
        hash,
        score: new DataView(scores.buffer, scores.byteOffset + 8 * row).getFloat64(0, true),
        rewards: vector(rewards, row),
        gateLogits: vector(logits, row),
        gateWeights: vector(weights, row),
        responseTokens: new DataView(tokens.buffer, tokens.byteOffset + 4 * row).getInt32(0, true),
        warnings: warnings[row] ?? [],
      };
      this.#places.set(hash, { result, file, row });
    }
  }
}

function batchBytes(
  modelId: string,
  results: readonly (CachedResult & Partial<ResultFeatures>)[],
): Uint8Array<ArrayBuffer> {
  const n = results.length;
  const k = results[0]!.rewards.length;
  const hashes = new Uint8Array(n * hashBytes);
  const stack = (of: (result: CachedResult) => Float64Array): Float64Array<ArrayBuffer> => {
    const all = new Float64Array(n * k);
    for (const [row, result] of results.entries()) all.set(of(result), row * k);
    return all;
  };
  for (const [row, { hash }] of results.entries())
    for (let i = 0; i < hashBytes; i++) hashes[row * hashBytes + i] = Number.parseInt(hash.slice(2 * i, 2 * i + 2), 16);
  const tensors: TensorData[] = [
    { name: 'hashes', dtype: 'U8', shape: [n, hashBytes], data: hashes },
    { name: 'scores', dtype: 'F64', shape: [n], data: Float64Array.from(results, ({ score }) => score) },
    { name: 'rewards', dtype: 'F64', shape: [n, k], data: stack(({ rewards }) => rewards) },
    { name: 'gate_logits', dtype: 'F64', shape: [n, k], data: stack(({ gateLogits }) => gateLogits) },
    { name: 'gate_weights', dtype: 'F64', shape: [n, k], data: stack(({ gateWeights }) => gateWeights) },
    {
      name: 'response_tokens',
      dtype: 'I32',
      shape: [n],
      data: Int32Array.from(results, ({ responseTokens }) => responseTokens),
    },
    ...featureTensors(results),
  ];
  const warned = results.flatMap(({ warnings }, row) =>
    warnings.length > 0 ? [[String(row), warnings] as const] : [],
  );
  return writeSafetensors(tensors, {
    model: modelId,
    ...(warned.length === 0 ? {} : { warnings: JSON.stringify(Object.fromEntries(warned)) }),
  });
}

function featureTensors(results: readonly Partial<ResultFeatures>[]): TensorData[] {
  const d = results[0]?.feature?.length;
  if (d === undefined) return [];
  const stack = (of: (result: Partial<ResultFeatures>) => Float32Array | undefined): Float32Array<ArrayBuffer> => {
    const all = new Float32Array(results.length * d);
    for (const [row, result] of results.entries()) {
      const values = of(result);
      if (values === undefined) throw new RangeError('a batch has features for all of its responses or for none');
      all.set(values, row * d);
    }
    return all;
  };
  const shape = [results.length, d];
  return [
    { name: 'features', dtype: 'F32', shape, data: stack(({ feature }) => feature) },
    { name: 'gate_features', dtype: 'F32', shape, data: stack(({ gateFeature }) => gateFeature) },
  ];
}

async function bytesOf(
  source: ByteSource,
  header: SafetensorsHeader,
  name: string,
  dtype: string,
  shape: readonly number[],
): Promise<Uint8Array<ArrayBuffer>> {
  const tensor = requireShape(header, name, shape);
  if (tensor.dtype !== dtype)
    throw new FormatError('mismatch', source.name, `"${name}" is ${tensor.dtype}, not ${dtype}.`);
  return readTensor(source, header, name);
}

function warningsOf(header: SafetensorsHeader, where: string): Readonly<Record<string, readonly RowWarning[]>> {
  const text = header.metadata.get('warnings');
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isJsonObject(value)) throw new FormatError('malformed', where, 'its warnings cannot be read.');
  const isWarning = (entry: unknown): entry is RowWarning =>
    isJsonObject(entry) && typeof entry['code'] === 'string' && typeof entry['message'] === 'string';
  return Object.fromEntries(
    Object.entries(value).map(([row, list]) => [row, Array.isArray(list) ? list.filter(isWarning) : []]),
  );
}
