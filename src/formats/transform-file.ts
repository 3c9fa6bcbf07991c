/**
 * A reward transform M as a file of its own, so that a correction found here can be applied elsewhere and brought back to the bit:
 * safetensors (`reward_transform_matrix`, f64 `[k, k]`, as ArmoRM's checkpoints name it) or JSON. Names of the objectives go along.
 */
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { isJsonObject, readJsonFile } from './json-file.ts';
import { decodeFloat32, readSafetensorsHeader, readTensor, requireTensor, tensorWhere } from './safetensors.ts';
import { writeSafetensors } from './safetensors-writer.ts';
import { exactNumbers } from './scored-header.ts';

export interface TransformFile {
  /** M `[k, k]`, row-major. */
  readonly transform: Float64Array;
  /** k. */
  readonly size: number;
  /** Undefined where the file has no names (a checkpoint's own tensor). */
  readonly objectives: readonly string[] | undefined;
}

const TENSOR = 'reward_transform_matrix';
const KIND = 'reward-transform';
const VERSION = 1;
/** k = 1,000 with names; far beyond any model. */
const maxJsonBytes = 64 * 1024 * 1024;

export function transformAsSafetensors(
  objectives: readonly string[],
  transform: Float64Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const k = checkSquare(objectives, transform);
  return writeSafetensors([{ name: TENSOR, dtype: 'F64', shape: [k, k], data: transform }], {
    objectives: JSON.stringify(objectives),
  });
}

/** JSON with one row of M a line. Every number reads back to the same bits. */
export function transformAsJson(objectives: readonly string[], transform: Float64Array): string {
  const k = checkSquare(objectives, transform);
  const rows = objectives.map((_, i) => `    ${exactNumbers(transform.subarray(i * k, (i + 1) * k))}`);
  return (
    `{\n  "armoscope": {"kind": "${KIND}", "version": ${VERSION}},\n` +
    `  "objectives": ${JSON.stringify(objectives)},\n  "${TENSOR}": [\n${rows.join(',\n')}\n  ]\n}\n`
  );
}

function checkSquare(objectives: readonly string[], transform: Float64Array): number {
  const k = objectives.length;
  if (transform.length !== k * k) throw new RangeError(`${transform.length} entries are not [${k}, ${k}]`);
  return k;
}

/** Reads either form; f32, f16 and bf16 tensors too, as checkpoints have them. @throws FormatError naming file and part. */
export async function readTransformFile(source: ByteSource, signal?: AbortSignal): Promise<TransformFile> {
  const start = await source.read(0, Math.min(64, source.size), signal);
  const isJson = new TextDecoder('latin1').decode(start).trimStart().startsWith('{');
  return isJson ? readJson(source, signal) : readSafetensors(source, signal);
}

async function readSafetensors(source: ByteSource, signal?: AbortSignal): Promise<TransformFile> {
  const header = await readSafetensorsHeader(source, signal);
  const tensor = requireTensor(header, header.tensors.has(TENSOR) ? TENSOR : 'transform');
  const where = tensorWhere(source.name, tensor.name);
  const [k = 0, columns] = tensor.shape;
  if (tensor.shape.length !== 2 || k !== columns || k === 0)
    throw new FormatError('mismatch', where, `is [${tensor.shape.join(', ')}], not a square.`);
  const bytes = await readTensor(source, header, tensor.name, signal);
  const transform =
    tensor.dtype === 'F64'
      ? new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
      : Float64Array.from(decodeFloat32(bytes, tensor.dtype, where));
  const names = header.metadata.get('objectives');
  return checked(transform, k, names === undefined ? undefined : parseNames(names, source.name), where);
}

function parseNames(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new FormatError('malformed', where, 'the names of its objectives are not valid JSON.');
  }
}

async function readJson(source: ByteSource, signal?: AbortSignal): Promise<TransformFile> {
  const value = await readJsonFile(source, maxJsonBytes, signal);
  const rows = isJsonObject(value) ? value[TENSOR] : undefined;
  if (!isJsonObject(value) || !Array.isArray(rows))
    throw new FormatError('malformed', source.name, `has no "${TENSOR}".`);
  const { armoscope } = value;
  if (isJsonObject(armoscope) && armoscope['version'] !== VERSION)
    throw new FormatError(
      'unsupported',
      source.name,
      `is version ${String(armoscope['version'])}; this program reads ${VERSION}.`,
    );
  const k = rows.length;
  const transform = new Float64Array(k * k);
  for (const [i, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length !== k)
      throw new FormatError('malformed', `${source.name}, ${TENSOR}[${i}]`, `must be ${k} numbers.`);
    for (const [j, entry] of row.entries()) transform[i * k + j] = typeof entry === 'number' ? entry : Number.NaN;
  }
  return checked(transform, k, value['objectives'], `${source.name}, ${TENSOR}`);
}

function checked(transform: Float64Array, k: number, names: unknown, where: string): TransformFile {
  const odd = transform.findIndex((entry) => !Number.isFinite(entry));
  if (odd >= 0)
    throw new FormatError('malformed', where, `entry [${Math.floor(odd / k)}, ${odd % k}] is not a finite number.`);
  if (names === undefined) return { transform, size: k, objectives: undefined };
  if (!Array.isArray(names) || names.length !== k || !names.every((name) => typeof name === 'string'))
    throw new FormatError('mismatch', where, `its objectives must be ${k} names.`);
  return { transform, size: k, objectives: names };
}
