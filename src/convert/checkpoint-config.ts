/**
 * What `config.json` of a Llama checkpoint says, checked key by key. What changes the mathematics and is not understood here
 * is refused by the name of its key; keys that only training or generation reads are passed over.
 * Lineage: Transformers `LlamaConfig`; the heads' keys from armorm.md "Descendants".
 */
import { FormatError } from '@/formats/errors.ts';
import { isJsonObject } from '@/formats/json-file.ts';
import type { Architecture } from '@/formats/manifest.ts';

export const CONFIG_FILE = 'config.json';

export interface CheckpointConfig {
  readonly architecture: Architecture;
  readonly bosTokenId: number | undefined;
  /** `num_objectives`, else `num_labels`; what the regression layer's rows are checked against where it is given. */
  readonly objectiveCount: number | undefined;
  /** Gate keys of the multi-domain descendants; `undefined` leaves ArmoRM's own values. */
  readonly gate: {
    readonly temperature: number | undefined;
    readonly logitScale: number | undefined;
    readonly hiddenSize: number | undefined;
    readonly hiddenLayers: number | undefined;
    readonly activeObjectives: readonly number[] | undefined;
    /** The gate reads the last token of the prompt rendered with the generation prompt. */
    readonly sharedPrompt: boolean;
  };
}

/** @throws FormatError naming the key. */
export function parseCheckpointConfig(value: unknown): CheckpointConfig {
  if (!isJsonObject(value)) throw new FormatError('malformed', CONFIG_FILE, 'is not a JSON object.');
  const config = new ConfigReader(value);
  config.mustBe('model_type', ['llama'], 'Only the Llama family is understood.');
  config.mustBe('hidden_act', ['silu', 'swish', undefined], 'Only SwiGLU layers are understood.');
  config.mustBe('attention_bias', [false, undefined], 'Biases in the attention are not understood.');
  config.mustBe('mlp_bias', [false, undefined], 'Biases in the MLP are not understood.');
  config.mustBe('quantization_config', [undefined], 'Convert from the unquantised checkpoint.');
  config.mustBe('sliding_window', [undefined], 'Attention over a window is not understood.');
  config.mustBe('partial_rotary_factor', [1, undefined], 'Partly rotated heads are not understood.');

  const hiddenSize = config.positiveInteger('hidden_size');
  const attentionHeads = config.positiveInteger('num_attention_heads');
  const keyValueHeads = config.optionalPositiveInteger('num_key_value_heads') ?? attentionHeads;
  const headDim = config.optionalPositiveInteger('head_dim') ?? hiddenSize / attentionHeads;
  if (attentionHeads % keyValueHeads !== 0)
    config.refuse('num_key_value_heads', `${keyValueHeads} does not divide num_attention_heads ${attentionHeads}.`);
  if (!Number.isInteger(headDim) || headDim % 2 !== 0)
    config.refuse('head_dim', `${headDim} is not an even number, which rotary positions need.`);
  return {
    architecture: {
      family: 'llama',
      hiddenSize,
      layers: config.positiveInteger('num_hidden_layers'),
      attentionHeads,
      keyValueHeads,
      headDim,
      intermediateSize: config.positiveInteger('intermediate_size'),
      vocabSize: config.positiveInteger('vocab_size'),
      maxPositions: config.positiveInteger('max_position_embeddings'),
      rmsNormEps: config.positiveNumber('rms_norm_eps'),
      rope: parseRope(config),
    },
    bosTokenId: config.optionalTokenId('bos_token_id'),
    objectiveCount: config.optionalPositiveInteger('num_objectives') ?? config.optionalPositiveInteger('num_labels'),
    gate: {
      temperature: config.optionalPositiveNumber('gating_temperature'),
      logitScale: config.optionalPositiveNumber('gating_logit_scale'),
      hiddenSize: config.optionalPositiveInteger('gating_hidden_dim'),
      hiddenLayers: config.optionalPositiveInteger('gating_n_hidden'),
      activeObjectives: config.optionalIndices('gating_active_attribute_indices'),
      sharedPrompt: config.optionalBoolean('shared_prompt_gating') ?? false,
    },
  };
}

/** `rope_theta` and `rope_scaling`, or both inside `rope_parameters` as Transformers 5 writes them. */
function parseRope(config: ConfigReader): Architecture['rope'] {
  const nested = config.optionalObject('rope_parameters');
  const scaling = nested ?? config.optionalObject('rope_scaling');
  // 10,000 is LlamaConfig's default.
  const theta =
    nested?.optionalPositiveNumber('rope_theta') ?? config.optionalPositiveNumber('rope_theta') ?? 10_000;
  if (scaling === undefined) return { theta };
  const typeKey = scaling.has('rope_type') ? 'rope_type' : 'type';
  const type = scaling.get(typeKey);
  if (type === undefined || type === 'default') return { theta };
  if (type !== 'llama3')
    scaling.refuse(typeKey, `${JSON.stringify(type)} is not understood: only "llama3" (Llama 3.1 and 3.2) is.`);
  return {
    theta,
    scaling: {
      type: 'llama3',
      factor: scaling.positiveNumber('factor'),
      lowFreqFactor: scaling.positiveNumber('low_freq_factor'),
      highFreqFactor: scaling.positiveNumber('high_freq_factor'),
      originalMaxPositions: scaling.positiveInteger('original_max_position_embeddings'),
    },
  };
}

/** Typed reads of one JSON object; null counts as absent, as it does in Transformers. */
class ConfigReader {
  private readonly values: Readonly<Record<string, unknown>>;
  private readonly prefix: string;
  constructor(values: Readonly<Record<string, unknown>>, prefix = '') {
    this.values = values;
    this.prefix = prefix;
  }

  refuse(key: string, what: string): never {
    throw new FormatError('unsupported', `${CONFIG_FILE}: ${this.prefix}${key}`, what);
  }
  has(key: string): boolean {
    return this.get(key) !== undefined;
  }
  get(key: string): unknown {
    return this.values[key] ?? undefined;
  }
  mustBe(key: string, accepted: readonly unknown[], remedy: string): void {
    const value = this.get(key);
    if (accepted.includes(value)) return;
    if (value === undefined) this.refuse(key, `is missing. ${remedy}`);
    this.refuse(key, `${JSON.stringify(value)} is not understood. ${remedy}`);
  }
  optionalObject(key: string): ConfigReader | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) this.refuse(key, 'must be an object.');
    return new ConfigReader(value, `${this.prefix}${key}.`);
  }
  optionalBoolean(key: string): boolean | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.refuse(key, `must be true or false, not ${JSON.stringify(value)}.`);
  }
  optionalPositiveNumber(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    return this.refuse(key, `must be a positive number, not ${JSON.stringify(value)}.`);
  }
  optionalPositiveInteger(key: string): number | undefined {
    const value = this.optionalPositiveNumber(key);
    if (value !== undefined && !Number.isSafeInteger(value)) this.refuse(key, `must be a whole number, not ${value}.`);
    return value;
  }
  positiveNumber(key: string): number {
    return this.optionalPositiveNumber(key) ?? this.refuse(key, 'is missing.');
  }
  positiveInteger(key: string): number {
    return this.optionalPositiveInteger(key) ?? this.refuse(key, 'is missing.');
  }
  optionalTokenId(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    return this.refuse(key, `must be a token id, not ${JSON.stringify(value)}.`);
  }
  optionalIndices(key: string): number[] | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    const isIndex = (entry: unknown): entry is number =>
      typeof entry === 'number' && Number.isSafeInteger(entry) && entry >= 0;
    if (Array.isArray(value) && value.length > 0 && value.every(isIndex)) {
      if (new Set(value).size !== value.length) this.refuse(key, 'names an objective twice.');
      return value;
    }
    return this.refuse(key, 'must be a list of objective numbers, with at least one.');
  }
}
