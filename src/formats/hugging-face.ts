/**
 * Reader of a checkpoint folder in Hugging Face layout: `config.json` of the Llama family with ArmoRM's and its
 * descendants' keys. What would change the numbers and is not understood is refused by its key; keys that only matter to training or to a framework are collected as `ignoredKeys`.
 *
 * Lineage of the defaults: transformers `LlamaConfig`; the authors' `modeling_custom.py` (num_objectives 19, temperature 10,
 * three hidden layers of 1024, where the tensors' own shapes rule here); Mario-RC/multidomain-reward-model for the rest.
 */
import type { FileSet } from './byte-source.ts';
import { FormatError } from './errors.ts';
import { isJsonObject, readJsonFile } from './json-file.ts';
import type { Architecture } from './manifest.ts';

export const CONFIG_FILE = 'config.json';
const MAX_CONFIG_BYTES = 4_000_000;

/** The gate as `config.json` describes it; absent keys are left to the tensors' shapes. */
export interface CheckpointGateConfig {
  /** `num_objectives`, else `num_labels` (or the size of `id2label`) where it is more than 1, with the key it came from. */
  readonly objectives: { readonly count: number; readonly key: string } | undefined;
  /** `gating_hidden_dim`: width of the hidden layers. */
  readonly hiddenDim: number | undefined;
  /** `gating_n_hidden`: number of hidden layers. */
  readonly hiddenLayers: number | undefined;
  /** `gating_temperature`; 10 when absent. */
  readonly temperature: number;
  /** `gating_logit_scale`: the value before training; the tensor `gating.logit_scale` rules where there is one. */
  readonly logitScale: number | undefined;
  /** `gating_active_attribute_indices`; absent: all. */
  readonly activeObjectives: readonly number[] | undefined;
  /** `shared_prompt_gating`: the gate reads the prompt rendered with the generation prompt, at its last token. */
  readonly sharedPromptGating: boolean;
  /** `id2label`, where it holds names and not `LABEL_0` and so on: one per objective, in order. */
  readonly objectiveNames: readonly string[] | undefined;
}

export interface CheckpointConfig {
  readonly architecture: Architecture;
  /** `architectures`, e.g. `LlamaForRewardModelWithGating`; may be empty. */
  readonly classes: readonly string[];
  readonly tiedEmbedding: boolean;
  /** `torch_dtype` or `dtype`; each tensor says its own, so this is for the report. */
  readonly dtype: string | undefined;
  readonly bosTokenId: number | undefined;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | undefined;
  readonly gate: CheckpointGateConfig;
  /** Keys present that have no bearing on inference, or none known. */
  readonly ignoredKeys: readonly string[];
  /** Those of `ignoredKeys` that are not known at all. */
  readonly unknownKeys: readonly string[];
}

/** Reads and parses `config.json`. @throws FormatError naming the key. */
export async function readCheckpointConfig(files: FileSet, signal?: AbortSignal): Promise<CheckpointConfig> {
  const source = await files.open(CONFIG_FILE, signal);
  if (source === undefined)
    throw new FormatError(
      'missing-file',
      files.name,
      `there is no ${CONFIG_FILE} here, so this is not a checkpoint in Hugging Face layout.`,
      'Choose the folder that holds config.json, the safetensors files and tokenizer.json.',
    );
  return parseCheckpointConfig(await readJsonFile(source, MAX_CONFIG_BYTES, signal));
}

/** Keys of LlamaConfig and of saved configurations that do not change what inference computes. */
const HARMLESS = new Set([
  '_attn_implementation_autoset',
  '_name_or_path',
  'attention_dropout',
  'auto_map',
  'bad_words_ids',
  'chunk_size_feed_forward',
  'classifier_dropout',
  'finetuning_task',
  'gating_dropout',
  'gating_learnable_logit_scale',
  'id2label',
  'initializer_range',
  'is_decoder',
  'is_llama_config',
  'is_encoder_decoder',
  'label2id',
  'output_attentions',
  'output_hidden_states',
  'pretraining_tp',
  'problem_type',
  'return_dict',
  'task_specific_params',
  'tokenizer_class',
  'torchscript',
  'transformers.js_config',
  'transformers_version',
  'unsloth_fixed',
  'unsloth_version',
  'use_bfloat16',
  'use_cache',
]);
/** An unknown key that looks like one of these would change the numbers: better refused than silently left out. */
const SUSPICIOUS =
  /^(gating_|rope_|attn_|attention_|mlp_|num_|head_|reward_|regression_|hidden_|quantization|sliding_window|layer_types|moe_|expert)|quantile|softcap|multiplier|_scaling$|_bias$|_norm$|^partial_/;
const OTHER_FAMILIES: Readonly<Record<string, string>> = {
  gemma: 'Gemma',
  gemma2: 'Gemma-2',
  gemma3: 'Gemma-3',
  gemma3_text: 'Gemma-3',
  qwen2: 'Qwen-2',
  qwen3: 'Qwen-3',
  mistral: 'Mistral',
  mixtral: 'Mixtral',
  phi3: 'Phi-3',
};

function refuse(code: 'malformed' | 'unsupported' | 'mismatch', key: string, what: string, remedy?: string): never {
  throw new FormatError(code, `${CONFIG_FILE}: ${key}`, what, remedy);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Typed access to one JSON object; remembers which keys were looked at. `null` counts as absent, as in Python's `None`. */
class Keys {
  private readonly values: Readonly<Record<string, unknown>>;
  private readonly prefix: string;
  private readonly used = new Set<string>();

  constructor(values: Readonly<Record<string, unknown>>, prefix = '') {
    this.values = values;
    this.prefix = prefix;
  }

  get(key: string): unknown {
    this.used.add(key);
    return Object.hasOwn(this.values, key) ? (this.values[key] ?? undefined) : undefined;
  }

  path(key: string): string {
    return `${this.prefix}${key}`;
  }

  /** Keys with a value that nothing asked for. */
  unused(): string[] {
    return Object.keys(this.values).filter((key) => !this.used.has(key) && this.values[key] !== null);
  }

  count(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
      refuse('malformed', this.path(key), `must be a whole number above 0, not ${show(value)}.`);
    return value;
  }

  number(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value))
      refuse('malformed', this.path(key), `must be a number, not ${show(value)}.`);
    return value;
  }

  positive(key: string): number | undefined {
    const value = this.number(key);
    if (value !== undefined && value <= 0) refuse('malformed', this.path(key), `must be above 0, not ${value}.`);
    return value;
  }

  flag(key: string): boolean {
    const value = this.get(key);
    if (value !== undefined && typeof value !== 'boolean')
      refuse('malformed', this.path(key), `must be true or false, not ${show(value)}.`);
    return value ?? false;
  }

  text(key: string): string | undefined {
    const value = this.get(key);
    if (value !== undefined && typeof value !== 'string')
      refuse('malformed', this.path(key), `must be a text, not ${show(value)}.`);
    return value;
  }

  object(key: string): Keys | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) refuse('malformed', this.path(key), `must be an object, not ${show(value)}.`);
    return new Keys(value, `${this.path(key)}.`);
  }

  required(key: string): number {
    return this.count(key) ?? refuse('malformed', this.path(key), 'is missing.');
  }

  tokenIds(key: string): number[] {
    const value = this.get(key);
    const ids: readonly unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value];
    return ids.map((id) =>
      typeof id === 'number' && Number.isSafeInteger(id) && id >= 0
        ? id
        : refuse('malformed', this.path(key), `must be a token id, not ${show(id)}.`),
    );
  }
}

/** @throws FormatError naming the key that is missing, malformed or not understood. */
export function parseCheckpointConfig(value: unknown): CheckpointConfig {
  if (!isJsonObject(value)) throw new FormatError('malformed', CONFIG_FILE, 'must be a JSON object.');
  const keys = new Keys(value);
  const classes = checkFamily(keys);
  const architecture = parseArchitecture(keys);
  const gate = parseGate(keys, value);
  const bosTokenIds = keys.tokenIds('bos_token_id');
  const config: Omit<CheckpointConfig, 'ignoredKeys' | 'unknownKeys'> = {
    architecture,
    classes,
    tiedEmbedding: keys.flag('tie_word_embeddings'),
    dtype: keys.text('dtype') ?? keys.text('torch_dtype'),
    bosTokenId: bosTokenIds[0],
    eosTokenIds: keys.tokenIds('eos_token_id'),
    padTokenId: keys.tokenIds('pad_token_id')[0],
    gate,
  };
  keys.get('torch_dtype');
  const ignoredKeys = keys.unused();
  for (const key of ignoredKeys)
    // `false` switches a feature off, and without the feature is how this reader computes.
    if (!HARMLESS.has(key) && SUSPICIOUS.test(key) && value[key] !== false)
      refuse('unsupported', key, `is not understood (value ${show(value[key])}), and could change the scores.`);
  return { ...config, ignoredKeys, unknownKeys: ignoredKeys.filter((key) => !HARMLESS.has(key)) };
}

function checkFamily(keys: Keys): string[] {
  const family = keys.text('model_type');
  if (family === undefined) refuse('malformed', 'model_type', 'is missing.');
  if (family !== 'llama') {
    const known = OTHER_FAMILIES[family];
    refuse(
      'unsupported',
      'model_type',
      `${known === undefined ? '' : `a ${known} backbone, `}${show(family)}, is not supported: only "llama" is.`,
    );
  }
  const classes = keys.get('architectures') ?? [];
  if (!Array.isArray(classes) || !classes.every((name): name is string => typeof name === 'string'))
    refuse('malformed', 'architectures', 'must be an array of class names.');
  const quantile = keys.unused().find((key) => /quantile/i.test(key));
  if (quantile !== undefined)
    refuse(
      'unsupported',
      quantile,
      'a QRM-style head (quantile regression) is not supported: only linear rewards are.',
    );
  return classes;
}

function parseArchitecture(keys: Keys): Architecture {
  const activation = keys.text('hidden_act') ?? 'silu';
  if (activation !== 'silu') refuse('unsupported', 'hidden_act', `must be "silu", not ${show(activation)}.`);
  for (const key of ['attention_bias', 'mlp_bias'])
    if (keys.flag(key)) refuse('unsupported', key, 'linear layers with a bias are not supported.');
  const rotated = keys.positive('partial_rotary_factor') ?? 1;
  if (rotated !== 1) refuse('unsupported', 'partial_rotary_factor', `must be 1, not ${rotated}.`);
  const hiddenSize = keys.required('hidden_size');
  const attentionHeads = keys.required('num_attention_heads');
  const keyValueHeads = keys.count('num_key_value_heads') ?? attentionHeads;
  if (attentionHeads % keyValueHeads !== 0)
    refuse(
      'malformed',
      'num_key_value_heads',
      `must divide num_attention_heads ${attentionHeads}, not ${keyValueHeads}.`,
    );
  const headDim = keys.count('head_dim') ?? hiddenSize / attentionHeads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0)
    refuse(
      'malformed',
      'head_dim',
      `must be an even whole number, not ${headDim} (hidden_size / num_attention_heads).`,
    );
  return {
    family: 'llama',
    hiddenSize,
    layers: keys.required('num_hidden_layers'),
    attentionHeads,
    keyValueHeads,
    headDim,
    intermediateSize: keys.required('intermediate_size'),
    vocabSize: keys.required('vocab_size'),
    maxPositions: keys.required('max_position_embeddings'),
    rmsNormEps: keys.positive('rms_norm_eps') ?? 1e-6,
    rope: parseRope(keys),
  };
}

/** `rope_theta` + `rope_scaling` (before transformers 5) or `rope_parameters` holding both. */
function parseRope(keys: Keys): Architecture['rope'] {
  const scaling = keys.object('rope_scaling');
  const parameters = keys.object('rope_parameters');
  const outerTheta = keys.positive('rope_theta');
  const innerTheta = parameters?.positive('rope_theta');
  if (outerTheta !== undefined && innerTheta !== undefined && outerTheta !== innerTheta)
    refuse('mismatch', 'rope_parameters.rope_theta', `is ${innerTheta}, but rope_theta is ${outerTheta}.`);
  // LlamaConfig's default.
  const theta = innerTheta ?? outerTheta ?? 10_000;
  const found = [parameters, scaling].flatMap((source) => parseScaling(source, theta));
  const [first, second] = found;
  if (first !== undefined && second !== undefined && JSON.stringify(first) !== JSON.stringify(second))
    refuse('mismatch', 'rope_scaling', 'does not agree with rope_parameters.');
  return first === undefined ? { theta } : { theta, scaling: first };
}

function parseScaling(source: Keys | undefined, theta: number): NonNullable<Architecture['rope']['scaling']>[] {
  if (source === undefined) return [];
  const key = source.get('rope_type') === undefined && source.get('type') !== undefined ? 'type' : 'rope_type';
  const type = source.text(key) ?? 'default';
  const innerTheta = source.positive('rope_theta');
  if (innerTheta !== undefined && innerTheta !== theta)
    refuse('mismatch', source.path('rope_theta'), `is ${innerTheta}, but the model's is ${theta}.`);
  const rotated = source.positive('partial_rotary_factor') ?? 1;
  if (rotated !== 1) refuse('unsupported', source.path('partial_rotary_factor'), `must be 1, not ${rotated}.`);
  if (type !== 'default' && type !== 'llama3')
    refuse('unsupported', source.path(key), `must be "default" or "llama3", not ${show(type)}.`);
  const need = (name: string) => source.positive(name) ?? refuse('malformed', source.path(name), 'is missing.');
  const result =
    type === 'default'
      ? []
      : [
          {
            type: 'llama3' as const,
            factor: need('factor'),
            lowFreqFactor: need('low_freq_factor'),
            highFreqFactor: need('high_freq_factor'),
            originalMaxPositions: source.required('original_max_position_embeddings'),
          },
        ];
  const surplus = source.unused()[0];
  if (surplus !== undefined) refuse('unsupported', source.path(surplus), 'is not understood.');
  const [scaling] = result;
  if (scaling !== undefined && scaling.lowFreqFactor >= scaling.highFreqFactor)
    refuse('malformed', source.path('high_freq_factor'), `must be above low_freq_factor ${scaling.lowFreqFactor}.`);
  return result;
}

function parseGate(keys: Keys, config: Readonly<Record<string, unknown>>): CheckpointGateConfig {
  const objectives = objectiveCount(keys, config);
  const active = keys.get('gating_active_attribute_indices');
  return {
    objectives,
    hiddenDim: keys.count('gating_hidden_dim'),
    hiddenLayers: keys.count('gating_n_hidden'),
    temperature: keys.positive('gating_temperature') ?? 10,
    logitScale: keys.number('gating_logit_scale'),
    activeObjectives: active === undefined ? undefined : activeIndices(active, objectives?.count),
    sharedPromptGating: keys.flag('shared_prompt_gating'),
    objectiveNames: labelNames(config['id2label']),
  };
}

function objectiveCount(keys: Keys, config: Readonly<Record<string, unknown>>): CheckpointGateConfig['objectives'] {
  const labels = keys.count('num_labels');
  const named = keys.count('num_objectives');
  if (named !== undefined) return { count: named, key: 'num_objectives' };
  // A sequence classifier that became a backbone keeps its one label: that says nothing about the objectives.
  if (labels !== undefined) return labels > 1 ? { count: labels, key: 'num_labels' } : undefined;
  const names = config['id2label'];
  const count = isJsonObject(names) ? Object.keys(names).length : 0;
  // transformers writes two labels by default.
  return count > 2 ? { count, key: 'id2label' } : undefined;
}

/** The names of `id2label` in order, or `undefined` where it holds none or is not what transformers writes. */
function labelNames(value: unknown): string[] | undefined {
  if (!isJsonObject(value)) return undefined;
  const names = Object.keys(value).map((_, index) => value[index]);
  const usable = names.every(
    (name): name is string =>
      typeof name === 'string' && name.trim() !== '' && name.length <= 120 && !/^LABEL_\d+$/.test(name),
  );
  return usable && names.length > 0 && new Set(names).size === names.length ? names : undefined;
}

function activeIndices(value: unknown, count: number | undefined): number[] {
  const key = 'gating_active_attribute_indices';
  if (!Array.isArray(value) || value.length === 0)
    refuse('malformed', key, `must be an array of at least one objective's index, not ${show(value)}.`);
  const indices = value.map((index: unknown) =>
    typeof index === 'number' && Number.isSafeInteger(index) && index >= 0 && index < (count ?? Infinity)
      ? index
      : refuse(
          'malformed',
          key,
          `holds ${show(index)}, not an objective's index${count === undefined ? '' : ` below ${count}`}.`,
        ),
  );
  if (new Set(indices).size !== indices.length) refuse('malformed', key, 'names an objective twice.');
  return indices.sort((a, b) => a - b);
}
