/**
 * Heads from files: regression layer W, reward transform M and gate, as far as a file has them, under any of the names they go by:
 *
 * | part | ArmoRM's checkpoint | the authors' scripts | a model package |
 * |---|---|---|---|
 * | W `[k, d]` | `regression_layer.weight` | `weight` | `regression.weight` |
 * | M `[k, k]` | `reward_transform_matrix` | – | `transform` |
 * | gate layer i | `gating.layers.{i}.weight`, `.bias` | `layers.{i}.weight`, `.bias` | `gate.{i}.weight`, `.bias` |
 * | Σg | `gating.logit_scale` | `logit_scale` | – |
 *
 * Written under ArmoRM's names, f32, with temperature, β and the objectives that may be weighed in the file's
 * metadata (they are no tensors of the model).
 */
import { assertRewardHead, type GateLayer, type RewardHead } from '@/core/reward-head.ts';
import type { ByteSource } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { isFloatDtype, readSafetensorsHeader, readTensorAsFloat32, tensorWhere } from './safetensors.ts';
import { type TensorData, writeSafetensors } from './safetensors-writer.ts';
import { isTorchFile, openTorchFile } from './torch-file.ts';

export interface HeadParts {
  readonly objectives?: number;
  readonly featureSize?: number;
  /** W `[k, d]`. */
  readonly regression?: Float32Array;
  /** M `[k, k]`. */
  readonly transform?: Float64Array;
  readonly gateLayers?: readonly GateLayer[];
  readonly logitScale?: number;
  readonly temperature?: number;
  readonly beta?: number;
  /** Objectives the gate may weigh, where not all. */
  readonly activeObjectives?: readonly number[];
}

/** One tensor of one file, not read yet. */
interface HeadTensor {
  readonly where: string;
  readonly shape: readonly number[];
  read(signal?: AbortSignal): Promise<Float32Array>;
}

interface HeadFile {
  readonly tensors: ReadonlyMap<string, HeadTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const regressionNames = ['regression_layer.weight', 'regression.weight', 'weight'];
const transformNames = ['reward_transform_matrix', 'transform'];
const gatePrefixes = ['gating.layers.', 'layers.', 'gate.'];
const logitScaleNames = ['gating.logit_scale', 'logit_scale'];

/**
 * Merges the parts of all files.
 * @throws FormatError naming the file and tensor: of a wrong shape or dtype, not finite, in two files, for another number of
 * objectives or features than the rest; or when no file has any part.
 */
export async function readHeadParts(sources: readonly ByteSource[], signal?: AbortSignal): Promise<HeadParts> {
  const files = await Promise.all(sources.map((source) => openHeadFile(source, signal)));
  const find = (names: readonly string[]): HeadTensor | undefined => {
    const found = files.flatMap(({ tensors }) => names.flatMap((name) => tensors.get(name) ?? []));
    if (found.length > 1)
      throw new FormatError(
        'mismatch',
        found[1]!.where,
        `${found[0]!.where} has this part too.`,
        'Give each part of the heads once.',
      );
    return found[0];
  };
  const regression = find(regressionNames);
  if (regression !== undefined && (regression.shape.length !== 2 || regression.shape.includes(0)))
    throw badShape(regression, '[objectives, features]');
  const transform = find(transformNames);
  if (transform !== undefined && (transform.shape.length !== 2 || transform.shape[0] !== transform.shape[1]))
    throw badShape(transform, '[objectives, objectives]');
  const gate = files.map(({ tensors }) => gateTensors(tensors)).filter((layers) => layers.length > 0);
  if (gate.length > 1)
    throw new FormatError('mismatch', gate[1]![0]!.weight.where, `${gate[0]![0]!.weight.where} has a gate too.`);
  const logitScale = find(logitScaleNames);
  if (regression === undefined && transform === undefined && gate.length === 0)
    throw new FormatError(
      'mismatch',
      sources.map(({ name }) => name).join(', ') || 'heads',
      'there is no regression layer, transform or gate here.',
      `Looked for ${regressionNames.join(', ')}; ${transformNames.join(', ')}; ${gatePrefixes.map((p) => `${p}0.weight`).join(', ')}.`,
    );
  const layers = await readGate(gate[0] ?? [], signal);
  const objectives = agree('objectives', [
    [regression?.where, regression?.shape[0]],
    [transform?.where, transform?.shape[0]],
    [gate[0]?.at(-1)?.weight.where, layers.at(-1)?.outputSize],
  ]);
  const featureSize = agree('features', [
    [regression?.where, regression?.shape[1]],
    [gate[0]?.[0]?.weight.where, layers[0]?.inputSize],
  ]);
  const scale = logitScale === undefined ? undefined : await logitScale.read(signal);
  if (scale !== undefined && scale.length !== 1) throw badShape(logitScale!, '[1]');
  const number = (key: string) => metadataNumber(files, sources, key);
  const temperature = number('temperature');
  const beta = number('beta');
  return {
    ...(objectives === undefined ? {} : { objectives }),
    ...(featureSize === undefined ? {} : { featureSize }),
    ...(regression === undefined ? {} : { regression: await regression.read(signal) }),
    ...(transform === undefined ? {} : { transform: Float64Array.from(await transform.read(signal)) }),
    ...(layers.length === 0 ? {} : { gateLayers: layers }),
    ...(scale === undefined ? {} : { logitScale: scale[0]! }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(beta === undefined ? {} : { beta }),
    ...activeObjectivesOf(files, sources, objectives),
  };
}

/** @throws FormatError for anything but a list of different objectives of this head. */
function activeObjectivesOf(
  files: readonly HeadFile[],
  sources: readonly ByteSource[],
  objectives = Infinity,
): { readonly activeObjectives?: readonly number[] } {
  for (const [index, { metadata }] of files.entries()) {
    const text = metadata.get('active_objectives');
    if (text === undefined) continue;
    const list = text.split(',').map(Number);
    const wrong = list.some((j) => !Number.isInteger(j) || j < 0 || j >= objectives);
    if (text.trim() === '' || wrong || new Set(list).size !== list.length)
      throw new FormatError(
        'malformed',
        `${sources[index]?.name}: __metadata__.active_objectives`,
        `is ${text}, not a list of different objectives of this head.`,
      );
    return { activeObjectives: list };
  }
  return {};
}

async function openHeadFile(source: ByteSource, signal?: AbortSignal): Promise<HeadFile> {
  const tensors = new Map<string, HeadTensor>();
  if (await isTorchFile(source, signal)) {
    const file = await openTorchFile(source, signal);
    for (const [name, { shape, readAsFloat32 }] of file) {
      const where = tensorWhere(source.name, name);
      tensors.set(name, { where, shape, read: async (abort) => finite(where, await readAsFloat32(abort)) });
    }
    return { tensors, metadata: new Map() };
  }
  const header = await readSafetensorsHeader(source, signal);
  for (const [name, { shape, dtype }] of header.tensors) {
    if (!isFloatDtype(dtype)) continue;
    const where = tensorWhere(source.name, name);
    const read = async (abort?: AbortSignal) => finite(where, await readTensorAsFloat32(source, header, name, abort));
    tensors.set(name, { where, shape, read });
  }
  return { tensors, metadata: header.metadata };
}

interface GateTensors {
  readonly weight: HeadTensor;
  readonly bias: HeadTensor;
}

/** Layers are numbered without gaps; the first missing number ends them. @throws FormatError for half a layer. */
function gateTensors(tensors: ReadonlyMap<string, HeadTensor>): GateTensors[] {
  for (const prefix of gatePrefixes) {
    const layers: GateTensors[] = [];
    for (let i = 0; ; i++) {
      const weight = tensors.get(`${prefix}${i}.weight`);
      const bias = tensors.get(`${prefix}${i}.bias`);
      if (weight === undefined && bias === undefined) break;
      if (weight === undefined || bias === undefined)
        throw new FormatError(
          'mismatch',
          (weight ?? bias)!.where,
          `the gate's layer ${i} has no ${weight === undefined ? 'weight' : 'bias'}.`,
        );
      layers.push({ weight, bias });
    }
    if (layers.length > 0) return layers;
  }
  return [];
}

async function readGate(gate: readonly GateTensors[], signal?: AbortSignal): Promise<GateLayer[]> {
  const layers: GateLayer[] = [];
  for (const { weight, bias } of gate) {
    const [outputSize = 0, inputSize = 0] = weight.shape;
    const arriving = layers.at(-1)?.outputSize ?? inputSize;
    if (weight.shape.length !== 2 || inputSize !== arriving || outputSize === 0 || inputSize === 0)
      throw badShape(weight, `[outputs, ${layers.length === 0 ? 'features' : arriving}]`);
    if (bias.shape.length !== 1 || bias.shape[0] !== outputSize) throw badShape(bias, `[${outputSize}]`);
    layers.push({ weight: await weight.read(signal), bias: await bias.read(signal), inputSize, outputSize });
  }
  return layers;
}

/** The one value of those that are there. */
function agree(
  unit: string,
  values: readonly (readonly [where: string | undefined, value: number | undefined])[],
): number | undefined {
  const known = values.filter(([, value]) => value !== undefined);
  const odd = known.find(([, value]) => value !== known[0]?.[1]);
  if (odd !== undefined)
    throw new FormatError(
      'mismatch',
      odd[0] ?? '',
      `is for ${odd[1]} ${unit}, but ${known[0]?.[0]} is for ${known[0]?.[1]}.`,
      'Regression layer, transform and gate must belong together.',
    );
  return known[0]?.[1];
}

function metadataNumber(files: readonly HeadFile[], sources: readonly ByteSource[], key: string): number | undefined {
  for (const [index, { metadata }] of files.entries()) {
    const text = metadata.get(key);
    if (text === undefined) continue;
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value))
      throw new FormatError('malformed', `${sources[index]?.name}: __metadata__.${key}`, `is ${text}, not a number.`);
    return value;
  }
  return undefined;
}

function finite(where: string, values: Float32Array): Float32Array {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new FormatError('mismatch', where, `holds ${values[bad]} at element ${bad}.`);
  return values;
}

function badShape({ where, shape }: HeadTensor, expected: string): FormatError {
  return new FormatError('mismatch', where, `has shape [${shape.join(', ')}] where ${expected} is expected.`);
}

/**
 * The bytes of a trained head: ArmoRM's tensor names in f32, `temperature`, `beta` and `active_objectives` in the metadata. With `names: 'script'` the
 * gate alone, under the names of the authors' `GatingNetwork.state_dict()`.
 * @throws AssertionError when the head's shapes do not fit.
 */
export function writeTrainedHead(
  head: RewardHead,
  beta: number,
  names: 'armorm' | 'script' = 'armorm',
  fileName = 'heads.safetensors',
): Uint8Array<ArrayBuffer> {
  assertRewardHead(head);
  const { objectives: k, featureSize: d, gate } = head;
  const prefix = names === 'armorm' ? 'gating.' : '';
  const tensors: TensorData[] = [
    { name: `${prefix}logit_scale`, dtype: 'F32', shape: [1], data: Float32Array.of(gate.logitScale) },
  ];
  if (names === 'armorm') tensors.push(...linearTensors({ ...head, objectives: k, featureSize: d }));
  for (const [index, { weight, bias, inputSize, outputSize }] of gate.layers.entries()) {
    const name = `${prefix}layers.${index}`;
    tensors.push({
      name: `${name}.weight`,
      dtype: 'F32',
      shape: [outputSize, inputSize],
      data: Float32Array.from(weight),
    });
    tensors.push({ name: `${name}.bias`, dtype: 'F32', shape: [outputSize], data: Float32Array.from(bias) });
  }
  const { temperature, activeObjectives } = gate;
  const metadata = {
    ...headMetadata,
    temperature: String(temperature),
    beta: String(beta),
    ...(activeObjectives === undefined ? {} : { active_objectives: activeObjectives.join(',') }),
  };
  return writeSafetensors(tensors, metadata, fileName);
}

/** What Transformers asks of a safetensors file, and whose it is. */
const headMetadata = { format: 'pt', producer: 'armoscope' };

/** The bytes of W and M alone: what stage 1 and Eq 3 give. `labels` go into the metadata. */
export function writeLinearHead(
  head: { objectives: number; featureSize: number; regression: Float32Array; transform: Float64Array },
  labels: Readonly<Record<string, string>> = {},
  fileName = 'heads.safetensors',
): Uint8Array<ArrayBuffer> {
  return writeSafetensors(linearTensors(head), { ...headMetadata, ...labels }, fileName);
}

function linearTensors(head: {
  objectives: number;
  featureSize: number;
  regression: Float32Array;
  transform: Float64Array;
}): TensorData[] {
  const { objectives: k, featureSize: d, regression, transform } = head;
  return [
    { name: 'regression_layer.weight', dtype: 'F32', shape: [k, d], data: Float32Array.from(regression) },
    { name: 'reward_transform_matrix', dtype: 'F32', shape: [k, k], data: Float32Array.from(transform) },
  ];
}
