/**
 * A LoRA adapter as PEFT saves it (`adapter_config.json`, `adapter_model.safetensors`), merged into a checkpoint's tensors while
 * they are read: W + scale · B A, in f32, scale = α / r, or α / √r with `use_rslora`.
 *
 * What would change the numbers in another way is refused by its key or tensor. Lineage: peft 0.21 `tuners/lora/config.py`,
 * `LoraLayer.get_delta_weight` and `utils/other.py` `get_pattern_key`.
 */
import type { FileSet } from './byte-source.ts';
import { type CheckpointTensors, openCheckpointTensors, type TensorChange } from './checkpoint-tensors.ts';
import { FormatError } from './errors.ts';
import { isJsonObject, readJsonFile } from './json-file.ts';
import { readSafetensorsHeader, readTensorAsFloat32, tensorWhere } from './safetensors.ts';

export const ADAPTER_CONFIG_FILE = 'adapter_config.json';
export const ADAPTER_FILE = 'adapter_model.safetensors';
const MAX_CONFIG_BYTES = 1_000_000;

export interface AdapterConfig {
  readonly rank: number;
  readonly alpha: number;
  readonly rsLora: boolean;
  /** By regular expression of the module's name, as PEFT matches them. */
  readonly rankPattern: ReadonlyMap<string, number>;
  readonly alphaPattern: ReadonlyMap<string, number>;
  /** Names or ends of names that must be adapted; absent: a pattern, which the tensors answer. */
  readonly targetModules: readonly string[] | undefined;
  readonly modulesToSave: readonly string[];
  /** `base_model_name_or_path`. */
  readonly baseModel: string | undefined;
}

/** Keys that matter to training, or say what the tensors say themselves. */
const HARMLESS = new Set([
  'auto_mapping',
  'base_model_name_or_path',
  'eva_config',
  'exclude_modules',
  // Of a layer stored [inputs, outputs]. A Llama's are [outputs, inputs]; PEFT unsets it for them.
  'fan_in_fan_out',
  'inference_mode',
  'layers_pattern',
  'layers_to_transform',
  'lora_dropout',
  // Always written; the key `megatron_config` says whether it is used.
  'megatron_core',
  'peft_version',
  'qalora_group_size',
  'revision',
  'runtime_config',
  'task_type',
]);
const READ = new Set([
  'peft_type',
  'r',
  'lora_alpha',
  'use_rslora',
  'rank_pattern',
  'alpha_pattern',
  'target_modules',
  'modules_to_save',
  'bias',
  'init_lora_weights',
]);
/** These start from other base weights than the checkpoint's, or leave them changed. */
const CHANGED_BASE = /^(pissa|olora|loftq|corda|lora_ga)/i;

/** @throws FormatError naming the key. */
export function parseAdapterConfig(value: unknown): AdapterConfig {
  if (!isJsonObject(value)) throw new FormatError('malformed', ADAPTER_CONFIG_FILE, 'is not a JSON object.');
  const where = (key: string): string => `${ADAPTER_CONFIG_FILE}: ${key}`;
  const refuse = (key: string, what: string): never => {
    throw new FormatError('unsupported', where(key), what);
  };
  const show = (given: unknown): string => JSON.stringify(given)?.slice(0, 80) ?? String(given);
  if (value['peft_type'] !== 'LORA')
    refuse('peft_type', `is ${show(value['peft_type'])}; only LORA adapters are merged.`);
  if (isSet(value['use_dora'])) refuse('use_dora', 'DoRA scales whole columns as well, which is not merged here.');
  const bias = value['bias'] ?? 'none';
  if (bias !== 'none') refuse('bias', `is ${show(bias)}; a reward model's linear layers have no biases to carry.`);
  const start = value['init_lora_weights'];
  if (typeof start === 'string' && CHANGED_BASE.test(start))
    refuse(
      'init_lora_weights',
      `is ${show(start)}: such an adapter belongs to base weights that were changed when its training began.`,
    );
  for (const [key, given] of Object.entries(value))
    if (!READ.has(key) && !HARMLESS.has(key) && isSet(given))
      refuse(key, `is ${show(given)}, which this does not know how to merge.`);
  const positive = (key: string, given: unknown): number => {
    if (typeof given !== 'number' || !(given > 0))
      throw new FormatError('malformed', where(key), `must be a positive number, not ${show(given)}.`);
    return given;
  };
  const pattern = (key: string): ReadonlyMap<string, number> => {
    const given = value[key] ?? {};
    if (!isJsonObject(given)) throw new FormatError('malformed', where(key), 'must be an object of numbers.');
    return new Map(Object.entries(given).map(([name, number]) => [name, positive(`${key}.${name}`, number)]));
  };
  const names = (key: string): string[] | undefined => {
    const given = value[key] ?? [];
    if (typeof given === 'string') return undefined;
    if (!Array.isArray(given) || !given.every((name) => typeof name === 'string'))
      throw new FormatError('malformed', where(key), 'must be names.');
    return given;
  };
  const base = value['base_model_name_or_path'];
  return {
    rank: positive('r', value['r']),
    alpha: positive('lora_alpha', value['lora_alpha']),
    rsLora: value['use_rslora'] === true,
    rankPattern: pattern('rank_pattern'),
    alphaPattern: pattern('alpha_pattern'),
    targetModules: names('target_modules'),
    modulesToSave: savedModules(names('modules_to_save') ?? [], value['task_type']),
    baseModel: typeof base === 'string' && base !== '' ? base : undefined,
  };
}

/** Heads that PEFT lists together for every classifier, whether the model has one of that name or not (`peft_model.py`). */
const CLASSIFIERS = ['classifier', 'score'];

/** `modules_to_save` without the two names that PEFT adds of its own accord. */
function savedModules(listed: readonly string[], task: unknown): readonly string[] {
  const added = (task === 'SEQ_CLS' || task === 'TOKEN_CLS') && CLASSIFIERS.every((name) => listed.includes(name));
  return added ? listed.filter((name) => !CLASSIFIERS.includes(name)) : listed;
}

/** Not absent, off or empty. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** The value of the first pattern that matches the module, or the general one. */
function byPattern(patterns: ReadonlyMap<string, number>, module: string, general: number): number {
  for (const [pattern, value] of patterns) {
    let expression: RegExp;
    try {
      expression = new RegExp(`^(.*\\.)?(${pattern})$`);
    } catch {
      throw new FormatError('malformed', `${ADAPTER_CONFIG_FILE}: ${pattern}`, 'is no regular expression.');
    }
    if (expression.test(module)) return value;
  }
  return general;
}

export interface MergedAdapter {
  readonly name: string;
  /** Names of the checkpoint's tensors that the adapter changes or replaces. */
  readonly changed: readonly string[];
  /** What the adapter says that it was trained on. */
  readonly baseModel: string | undefined;
}

export interface AdaptedCheckpoint {
  readonly tensors: CheckpointTensors;
  readonly adapter: MergedAdapter;
}

/** A checkpoint's tensors, with an adapter's changes where there is one. @throws FormatError */
export async function openAdaptedTensors(
  checkpoint: FileSet,
  adapter: FileSet | undefined,
  signal?: AbortSignal,
): Promise<Pick<AdaptedCheckpoint, 'tensors'> & Partial<AdaptedCheckpoint>> {
  const tensors = await openCheckpointTensors(checkpoint, signal);
  return adapter === undefined ? { tensors } : adaptCheckpoint(tensors, adapter, signal);
}

/**
 * The checkpoint's tensors as the adapter leaves them. The adapter's own matrices stay in memory (84 MB at rank 16 for 8 billion
 * weights); everything else is read as before.
 * @throws FormatError naming the adapter's tensor or key.
 */
export async function adaptCheckpoint(
  base: CheckpointTensors,
  adapter: FileSet,
  signal?: AbortSignal,
): Promise<AdaptedCheckpoint> {
  const open = async (file: string) => {
    const source = await adapter.open(file, signal);
    if (source === undefined)
      throw new FormatError(
        'missing-file',
        file,
        `${adapter.name} does not have this file.`,
        'Choose the folder that PEFT saved, with its weights as safetensors.',
      );
    return source;
  };
  const config = parseAdapterConfig(await readJsonFile(await open(ADAPTER_CONFIG_FILE), MAX_CONFIG_BYTES, signal));
  const source = await open(ADAPTER_FILE);
  const header = await readSafetensorsHeader(source, signal);
  const pairs = new Map<string, { a?: string; b?: string }>();
  const changes = new Map<string, TensorChange>();
  for (const name of header.tensors.keys()) {
    const part = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(name);
    if (part === null) {
      changes.set(...(await replacement(name)));
      continue;
    }
    const pair = pairs.get(part[1]!) ?? {};
    pairs.set(part[1]!, part[2] === 'A' ? { ...pair, a: name } : { ...pair, b: name });
  }
  for (const [module, { a, b }] of pairs) {
    if (a === undefined || b === undefined)
      throw new FormatError('mismatch', tensorWhere(ADAPTER_FILE, a ?? b ?? module), 'its other half is missing.');
    changes.set(...(await product(module, a, b)));
  }
  for (const target of config.targetModules ?? [])
    if (![...pairs.keys()].some((module) => module === target || module.endsWith(`.${target}`)))
      throw new FormatError(
        'mismatch',
        `${ADAPTER_CONFIG_FILE}: target_modules`,
        `names ${target}, but ${ADAPTER_FILE} has nothing for it.`,
      );
  for (const module of config.modulesToSave)
    if (![...changes.keys()].some((name) => `.${name}`.includes(`.${module}.`)))
      throw new FormatError(
        'mismatch',
        `${ADAPTER_CONFIG_FILE}: modules_to_save`,
        `names ${module}, but ${ADAPTER_FILE} has nothing for it that belongs to this checkpoint.`,
      );
  return {
    tensors: base.changed(changes),
    adapter: { name: adapter.name, changed: [...changes.keys()].sort(), baseModel: config.baseModel },
  };

  /** A whole tensor instead of the checkpoint's (`modules_to_save`). */
  async function replacement(name: string): Promise<[string, TensorChange]> {
    const where = tensorWhere(ADAPTER_FILE, name);
    const plain = /^base_model\.model\.(.+)$/.exec(name)?.[1]?.replace('.modules_to_save.default.', '.');
    const target = plain === undefined ? undefined : inBase(plain);
    if (target === undefined || /(^|\.)lora_/.test(name))
      throw new FormatError('unsupported', where, 'is nothing this checkpoint has, or no LoRA matrix.');
    if (target === 'model.embed_tokens.weight')
      throw new FormatError('unsupported', where, 'another embedding is not merged: save the merged model instead.');
    base.require(target, header.tensors.get(name)!.shape);
    const values = await readTensorAsFloat32(source, header, name, signal);
    return [
      target,
      (rows, firstRow, width) => rows.set(values.subarray(firstRow * width, firstRow * width + rows.length)),
    ];
  }

  async function product(module: string, a: string, b: string): Promise<[string, TensorChange]> {
    const where = tensorWhere(ADAPTER_FILE, a);
    const target = inBase(`${module}.weight`);
    if (target === undefined)
      throw new FormatError('mismatch', where, `adapts ${module}, which this checkpoint does not have.`);
    const [outputs = 0, inputs = 0] = base.require(target).shape;
    const rank = byPattern(config.rankPattern, module, config.rank);
    requireShape(a, [rank, inputs]);
    requireShape(b, [outputs, rank]);
    const alpha = byPattern(config.alphaPattern, module, config.alpha);
    const scale = alpha / (config.rsLora ? Math.sqrt(rank) : rank);
    const down = await readTensorAsFloat32(source, header, a, signal);
    const up = await readTensorAsFloat32(source, header, b, signal);
    return [target, (rows, firstRow, width) => addProduct(rows, firstRow, width, { up, down, rank, scale })];
  }

  function requireShape(name: string, expected: readonly number[]): void {
    const { shape } = header.tensors.get(name)!;
    if (shape.length !== 2 || shape.some((size, axis) => size !== expected[axis]))
      throw new FormatError(
        'mismatch',
        tensorWhere(ADAPTER_FILE, name),
        `has shape [${shape.join(', ')}] where [${expected.join(', ')}] is expected.`,
      );
  }

  /** The checkpoint's name of a tensor; an adapter of the bare backbone leaves `model.` out. */
  function inBase(name: string): string | undefined {
    return [name, `model.${name}`].find((candidate) => base.has(candidate));
  }
}

interface LowRank {
  /** B, f32 [outputs, rank]. */
  readonly up: Float32Array;
  /** A, f32 [rank, inputs]. */
  readonly down: Float32Array;
  readonly rank: number;
  readonly scale: number;
}

/** rows += scale · (B A)[firstRow…], [n, inputs]; summed in f64, rounded to f32 once. */
function addProduct(rows: Float32Array, firstRow: number, inputs: number, { up, down, rank, scale }: LowRank): void {
  const sum = new Float64Array(inputs);
  for (let begin = 0, output = firstRow; begin < rows.length; begin += inputs, output++) {
    sum.fill(0);
    for (let k = 0; k < rank; k++) {
      const weight = up[output * rank + k]!;
      const at = k * inputs;
      for (let i = 0; i < inputs; i++) sum[i]! += weight * down[at + i]!;
    }
    for (let i = 0; i < inputs; i++) rows[begin + i] = rows[begin + i]! + scale * sum[i]!;
  }
}
