/**
 * The tensors of a checkpoint in Hugging Face layout, over one `model.safetensors` or the shards of
 * `model.safetensors.index.json`. Only headers are read on opening; the index and the shards must agree exactly.
 */
import type { ByteSource, FileSet } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { isJsonObject, readJsonFile } from './json-file.ts';
import {
  readSafetensorsHeader,
  readTensor,
  readTensorAsFloat32,
  readTensorRows,
  readTensorRowsAsFloat32,
  tensorWhere,
} from './safetensors.ts';
import type { SafetensorsHeader, TensorInfo } from './safetensors.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 32_000_000;

interface Shard {
  readonly source: ByteSource;
  readonly header: SafetensorsHeader;
}

/**
 * Changes rows of a tensor as they are read: f32 [n, width] from row `firstRow` on, in place. A tensor of one dimension is one row.
 */
export type TensorChange = (rows: Float32Array<ArrayBuffer>, firstRow: number, width: number) => void;

/** Every tensor of a checkpoint, wherever its bytes are. */
export class CheckpointTensors {
  readonly infos: ReadonlyMap<string, TensorInfo>;
  /** What `model.safetensors` and its like are called here, for messages. */
  readonly name: string;
  private readonly shards: ReadonlyMap<string, Shard>;
  private readonly changes: ReadonlyMap<string, TensorChange>;

  /** @param shards by tensor name. */
  constructor(
    name: string,
    shards: ReadonlyMap<string, Shard>,
    changes: ReadonlyMap<string, TensorChange> = new Map(),
  ) {
    this.name = name;
    this.shards = shards;
    this.changes = changes;
    const infos = new Map<string, TensorInfo>();
    for (const [tensor, { header }] of shards) {
      const info = header.tensors.get(tensor);
      if (info !== undefined) infos.set(tensor, info);
    }
    this.infos = infos;
  }

  has(tensor: string): boolean {
    return this.infos.has(tensor);
  }

  /** @throws FormatError `mismatch` when the tensor is missing or has another shape (where one is given). */
  require(tensor: string, shape?: readonly number[]): TensorInfo {
    const info = this.infos.get(tensor);
    if (info === undefined)
      throw new FormatError('mismatch', tensorWhere(this.name, tensor), 'is missing from the checkpoint.');
    if (shape !== undefined && (info.shape.length !== shape.length || info.shape.some((size, i) => size !== shape[i])))
      throw new FormatError(
        'mismatch',
        this.where(tensor),
        `has shape [${info.shape.join(', ')}] where config.json implies [${shape.join(', ')}].`,
      );
    return info;
  }

  /** The same tensors, some of them changed on the way. */
  changed(changes: ReadonlyMap<string, TensorChange>): CheckpointTensors {
    return new CheckpointTensors(this.name, this.shards, changes);
  }

  /** Whether its values are not the stored ones. */
  isChanged(tensor: string): boolean {
    return this.changes.has(tensor);
  }

  /** `file: tensor "name"`, for messages. */
  where(tensor: string): string {
    return tensorWhere(this.shards.get(tensor)?.source.name ?? this.name, tensor);
  }

  read(tensor: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const { source, header } = this.shard(tensor, true);
    return readTensor(source, header, tensor, signal);
  }

  readRows(tensor: string, firstRow: number, rowCount: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const { source, header } = this.shard(tensor, true);
    return readTensorRows(source, header, tensor, firstRow, rowCount, signal);
  }

  async readAsFloat32(tensor: string, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>> {
    const { source, header } = this.shard(tensor);
    return this.change(tensor, await readTensorAsFloat32(source, header, tensor, signal), 0);
  }

  async readRowsAsFloat32(
    tensor: string,
    firstRow: number,
    rowCount: number,
    signal?: AbortSignal,
  ): Promise<Float32Array<ArrayBuffer>> {
    const { source, header } = this.shard(tensor);
    return this.change(
      tensor,
      await readTensorRowsAsFloat32(source, header, tensor, firstRow, rowCount, signal),
      firstRow,
    );
  }

  /** The values are a copy of their own: in place. */
  private change(tensor: string, rows: Float32Array<ArrayBuffer>, firstRow: number): Float32Array<ArrayBuffer> {
    const { shape, elementCount } = this.require(tensor);
    this.changes.get(tensor)?.(rows, firstRow, shape.length < 2 ? elementCount : elementCount / shape[0]!);
    return rows;
  }

  /** @param raw the stored bytes are wanted, which a change does not reach. */
  private shard(tensor: string, raw = false): Shard {
    this.require(tensor);
    if (raw && this.changes.has(tensor))
      throw new FormatError(
        'unsupported',
        this.where(tensor),
        'is changed by an adapter and cannot be copied as it is.',
      );
    return this.shards.get(tensor)!;
  }
}

/**
 * Parses `model.safetensors.index.json`.
 * @returns shard file by tensor name.
 * @throws FormatError for anything but plain file names beside the index.
 */
export function parseShardIndex(value: unknown): ReadonlyMap<string, string> {
  const weightMap = isJsonObject(value) ? value['weight_map'] : undefined;
  if (!isJsonObject(weightMap))
    throw new FormatError('malformed', `${INDEX_FILE}: weight_map`, 'must be an object of file names by tensor.');
  const result = new Map<string, string>();
  for (const [tensor, file] of Object.entries(weightMap)) {
    // A plain name only: an index from elsewhere must not reach outside its folder.
    if (
      typeof file !== 'string' ||
      !/^[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.safetensors$/.test(file) ||
      file.includes('..')
    )
      throw new FormatError(
        'malformed',
        `${INDEX_FILE}: weight_map[${JSON.stringify(tensor.slice(0, 200))}]`,
        `must be the plain name of a .safetensors file, not ${JSON.stringify(file)?.slice(0, 200)}.`,
      );
    result.set(tensor, file);
  }
  if (result.size === 0) throw new FormatError('malformed', `${INDEX_FILE}: weight_map`, 'names no tensor.');
  return result;
}

/** Opens every shard and reads its header. @throws FormatError naming the file or tensor. */
export async function openCheckpointTensors(files: FileSet, signal?: AbortSignal): Promise<CheckpointTensors> {
  const indexSource = await files.open(INDEX_FILE, signal);
  if (indexSource === undefined) {
    const source = await files.open(SINGLE_FILE, signal);
    if (source === undefined)
      throw new FormatError(
        'missing-file',
        files.name,
        `there is neither ${SINGLE_FILE} nor ${INDEX_FILE} here.`,
        'Only safetensors checkpoints are read: save a .bin or .pt one with safe_serialization=True.',
      );
    const header = await readSafetensorsHeader(source, signal);
    return new CheckpointTensors(
      SINGLE_FILE,
      new Map([...header.tensors.keys()].map((tensor) => [tensor, { source, header }])),
    );
  }
  const index = parseShardIndex(await readJsonFile(indexSource, MAX_INDEX_BYTES, signal));
  const shards = new Map<string, Shard>();
  const byFile = new Map<string, Shard>();
  for (const file of new Set(index.values())) {
    const source = await files.open(file, signal);
    if (source === undefined)
      throw new FormatError(
        'missing-file',
        file,
        `${INDEX_FILE} names this shard, but ${files.name} does not have it.`,
      );
    byFile.set(file, { source, header: await readSafetensorsHeader(source, signal) });
  }
  for (const [tensor, file] of index) {
    const shard = byFile.get(file)!;
    if (!shard.header.tensors.has(tensor))
      throw new FormatError(
        'mismatch',
        tensorWhere(file, tensor),
        `is not in this shard, though ${INDEX_FILE} says so.`,
      );
    shards.set(tensor, shard);
  }
  for (const [file, { header }] of byFile)
    for (const tensor of header.tensors.keys())
      if (index.get(tensor) !== file)
        throw new FormatError('mismatch', tensorWhere(file, tensor), `is in this shard, but not in ${INDEX_FILE}.`);
  return new CheckpointTensors(INDEX_FILE, shards);
}
