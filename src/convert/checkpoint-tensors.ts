/**
 * The tensors of a checkpoint in Hugging Face layout, over all its shards: `model.safetensors`, or the shards that
 * `model.safetensors.index.json` names. The index and the shards must agree tensor by tensor.
 */
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import { FormatError } from '@/formats/errors.ts';
import { isJsonObject, readJsonFile } from '@/formats/json-file.ts';
import {
  readSafetensorsHeader,
  readTensorAsFloat32,
  readTensorRows,
  readTensorRowsAsFloat32,
  requireShape,
  requireTensor,
  type SafetensorsDtype,
  type SafetensorsHeader,
  tensorWhere,
} from '@/formats/safetensors.ts';

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';
/** The index of a 405B model has 100 kB; the limit keeps a wrong file from being read whole. */
const MAX_INDEX_BYTES = 32_000_000;

interface Shard {
  readonly source: ByteSource;
  readonly header: SafetensorsHeader;
}

/** @throws FormatError naming the file or tensor that is missing, truncated, surplus or elsewhere than the index says. */
export async function openCheckpointTensors(files: FileSet, signal?: AbortSignal): Promise<CheckpointTensors> {
  const indexSource = await files.open(INDEX_FILE, signal);
  const placed = new Map<string, Shard>();
  if (indexSource === undefined) {
    const source = await files.open(SINGLE_FILE, signal);
    if (source === undefined)
      throw new FormatError(
        'missing-file',
        files.name,
        `has neither ${SINGLE_FILE} nor ${INDEX_FILE}.`,
        'Choose a folder in Hugging Face layout with weights in safetensors files.',
      );
    const shard = { source, header: await readSafetensorsHeader(source, signal) };
    for (const name of shard.header.tensors.keys()) placed.set(name, shard);
    return new CheckpointTensors(placed, SINGLE_FILE);
  }
  const weightMap = parseIndex(await readJsonFile(indexSource, MAX_INDEX_BYTES, signal));
  const shards = new Map<string, Shard>();
  for (const file of [...new Set(weightMap.values())].sort()) {
    const source = await files.open(file, signal);
    if (source === undefined)
      throw new FormatError('missing-file', file, `${INDEX_FILE} names this shard, but ${files.name} does not have it.`);
    shards.set(file, { source, header: await readSafetensorsHeader(source, signal) });
  }
  for (const [name, file] of weightMap) {
    const shard = shards.get(file)!;
    if (!shard.header.tensors.has(name))
      throw new FormatError('mismatch', tensorWhere(file, name), `is not in this file, where ${INDEX_FILE} says it is.`);
    placed.set(name, shard);
  }
  for (const [file, { header }] of shards)
    for (const name of header.tensors.keys())
      if (weightMap.get(name) !== file)
        throw new FormatError('mismatch', tensorWhere(file, name), `is in this file, but ${INDEX_FILE} does not say so.`);
  return new CheckpointTensors(placed, INDEX_FILE);
}

function parseIndex(value: unknown): Map<string, string> {
  const map = isJsonObject(value) ? value['weight_map'] : undefined;
  if (!isJsonObject(map) || Object.keys(map).length === 0)
    throw new FormatError('malformed', `${INDEX_FILE}: weight_map`, 'must be an object with a shard for every tensor.');
  const result = new Map<string, string>();
  for (const [name, file] of Object.entries(map)) {
    // A plain name: an index cannot point outside its folder.
    if (typeof file !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors$/.test(file))
      throw new FormatError('malformed', `${INDEX_FILE}: weight_map[${JSON.stringify(name)}]`, 'must be the name of a safetensors file.');
    result.set(name, file);
  }
  return result;
}

export class CheckpointTensors {
  private readonly placed: ReadonlyMap<string, Shard>;
  /** The file that lists the tensors, for messages about missing ones. */
  private readonly listedIn: string;
  constructor(placed: ReadonlyMap<string, Shard>, listedIn: string) {
    this.placed = placed;
    this.listedIn = listedIn;
  }

  names(): IterableIterator<string> {
    return this.placed.keys();
  }
  has(name: string): boolean {
    return this.placed.has(name);
  }
  shape(name: string): readonly number[] {
    const { header } = this.shard(name);
    return requireTensor(header, name).shape;
  }
  dtype(name: string): SafetensorsDtype {
    const { header } = this.shard(name);
    return requireTensor(header, name).dtype;
  }
  /** Bytes of the tensor in its file. */
  byteLength(name: string): number {
    const { begin, end } = requireTensor(this.shard(name).header, name);
    return end - begin;
  }
  requireShape(name: string, shape: readonly number[]): void {
    requireShape(this.shard(name).header, name, shape);
  }
  /** @throws FormatError `mismatch` about this tensor. */
  refuse(name: string, what: string): never {
    throw new FormatError('mismatch', tensorWhere(this.placed.get(name)?.source.name ?? this.listedIn, name), what);
  }
  /** Row-major f32 values. */
  readFloat32(name: string, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>> {
    const { source, header } = this.shard(name);
    return readTensorAsFloat32(source, header, name, signal);
  }
  readFloat32Rows(name: string, first: number, count: number, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>> {
    const { source, header } = this.shard(name);
    return readTensorRowsAsFloat32(source, header, name, first, count, signal);
  }
  /** Stored little-endian bytes of rows along the first axis. */
  readRows(name: string, first: number, count: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const { source, header } = this.shard(name);
    return readTensorRows(source, header, name, first, count, signal);
  }

  private shard(name: string): Shard {
    return this.placed.get(name) ?? this.refuse(name, 'is missing from the checkpoint.');
  }
}
