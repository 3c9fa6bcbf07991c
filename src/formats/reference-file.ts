/**
 * A reference set as numbers (safetensors): `rewards [n, k]`, `gate_weights [n, k]`, `response_tokens [n]`, `prompt_group [n]`, as
 * the embedded model brings it. No text; rows of one prompt stand together.
 */
import { ScoredSetBuilder, type ScoredHead, type ScoredRow, type ScoredSet } from '@/core/scored-set.ts';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import {
  readSafetensorsHeader,
  readTensor,
  readTensorAsFloat32,
  requireShape,
  requireTensor,
  tensorWhere,
  type SafetensorsHeader,
} from './safetensors.ts';

export interface ReferenceFileOptions {
  /** Names of the k objectives of the model that made it. */
  readonly objectives: readonly string[];
  readonly modelId: string;
  readonly head: ScoredHead;
}

/** Whether a safetensors file is a reference set rather than features. */
export async function isReferenceFile(source: ByteSource, signal?: AbortSignal): Promise<boolean> {
  return (await readSafetensorsHeader(source, signal)).tensors.has('rewards');
}

/** @throws FormatError naming the tensor that is missing, misshapen or not finite. */
export async function readReferenceFile(
  source: ByteSource,
  { objectives, modelId, head }: ReferenceFileOptions,
  signal?: AbortSignal,
): Promise<ScoredSet> {
  const header = await readSafetensorsHeader(source, signal);
  const k = objectives.length;
  const { shape } = requireTensor(header, 'rewards');
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2 || columns !== k || rows === 0)
    throw new FormatError(
      'mismatch',
      tensorWhere(source.name, 'rewards'),
      `has shape [${shape.join(', ')}] where [n, ${k}] is expected: the model in use has ${k} objectives.`,
    );
  requireShape(header, 'gate_weights', [rows, k]);
  const [rewards, gates, tokens, groups] = await Promise.all([
    finite(source, header, 'rewards', signal),
    finite(source, header, 'gate_weights', signal),
    integers(source, header, 'response_tokens', rows, signal),
    integers(source, header, 'prompt_group', rows, signal),
  ]);
  const builder = new ScoredSetBuilder(objectives, modelId, head);
  const seen = new Set<number>();
  for (let start = 0; start < rows;) {
    const group = groups[start]!;
    if (seen.has(group))
      throw new FormatError('malformed', tensorWhere(source.name, 'prompt_group'), `group ${group} is in two places.`);
    seen.add(group);
    const members: ScoredRow[] = [];
    let end = start;
    for (; end < rows && groups[end] === group; end++)
      members.push(scoredRow(rewards, gates, tokens[end]!, end, k, head.transform));
    builder.addGroup(String(group), start + 1, members);
    start = end;
  }
  return builder.finish();
}

function scoredRow(
  rewards: Float32Array,
  gates: Float32Array,
  responseTokens: number,
  row: number,
  k: number,
  transform: Float64Array,
): ScoredRow {
  const r = rewards.subarray(row * k, (row + 1) * k);
  const g = gates.subarray(row * k, (row + 1) * k);
  let score = 0;
  for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) score += r[i]! * transform[i * k + j]! * g[j]!;
  return { score, rewards: r, gateWeights: g, responseTokens };
}

async function finite(
  source: ByteSource,
  header: SafetensorsHeader,
  name: string,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const values = await readTensorAsFloat32(source, header, name, signal);
  const odd = values.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0)
    throw new FormatError('malformed', tensorWhere(source.name, name), `holds ${values[odd]} at element ${odd}.`);
  return values;
}

async function integers(
  source: ByteSource,
  header: SafetensorsHeader,
  name: string,
  rows: number,
  signal?: AbortSignal,
): Promise<Int32Array> {
  const { dtype } = requireShape(header, name, [rows]);
  if (dtype !== 'I32') throw new FormatError('unsupported', tensorWhere(source.name, name), `is ${dtype}, not I32.`);
  const bytes = await readTensor(source, header, name, signal);
  return new Int32Array(bytes.slice().buffer);
}
