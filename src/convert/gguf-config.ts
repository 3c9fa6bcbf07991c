/**
 * `config.json` from a GGUF file's metadata (llama.cpp's `llama.*` keys). What would change the numbers and is not understood is
 * refused by its key.
 */
import { inverseFrequencies } from '@/core/rope.ts';
import { FormatError } from '@/formats/errors.ts';
import { readGgufTensor } from '@/formats/gguf-blocks.ts';
import { type GgufFile, requireGgufTensor } from '@/formats/gguf.ts';

/** What the names of tensors hang on. */
export interface GgufShape {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly attentionHeads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
}

/** Factors that divide the rotary frequencies, where the model has its own. */
export const ROPE_FACTORS_TENSOR = 'rope_freqs.weight';

/** Keys of `llama.*` that are read here, or have no bearing on what is computed. */
const KNOWN_KEYS = new Set([
  'attention.head_count',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.layer_norm_rms_epsilon',
  'attention.value_length',
  'block_count',
  'context_length',
  'embedding_length',
  'feed_forward_length',
  'rope.dimension_count',
  'rope.freq_base',
  'rope.scaling.factor',
  'rope.scaling.finetuned',
  'rope.scaling.original_context_length',
  'rope.scaling.type',
  'vocab_size',
]);

class Metadata {
  private readonly file: GgufFile;
  constructor(file: GgufFile) {
    this.file = file;
  }

  refuse(code: 'malformed' | 'unsupported' | 'mismatch', key: string, what: string): never {
    throw new FormatError(code, `${this.file.source.name}: ${key}`, what);
  }

  text(key: string): string | undefined {
    const value = this.file.metadata.get(key);
    if (value !== undefined && typeof value !== 'string') this.refuse('malformed', key, 'must be a text.');
    return value;
  }

  number(key: string): number | undefined {
    const value = this.file.metadata.get(key);
    if (value === undefined) return undefined;
    if (typeof value === 'object') this.refuse('unsupported', key, 'is a list: layers that differ are not read.');
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isFinite(number)) this.refuse('malformed', key, 'must be a number.');
    return number;
  }

  count(key: string): number | undefined {
    const value = this.number(key);
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0))
      this.refuse('malformed', key, `must be a whole number above 0, not ${value}.`);
    return value;
  }

  required(key: string): number {
    return this.count(key) ?? this.refuse('malformed', key, 'is missing.');
  }

  /** Keys of `llama.*` with a value other than 0 and false that nobody knows. */
  checkKnown(): void {
    for (const [key, value] of this.file.metadata) {
      if (!key.startsWith('llama.') || KNOWN_KEYS.has(key.slice('llama.'.length))) continue;
      if (value !== 0 && value !== false && value !== 0n)
        this.refuse('unsupported', key, 'is not understood, and could change the scores.');
    }
  }
}

/** @throws FormatError naming the key or tensor. */
export async function readGgufConfig(
  file: GgufFile,
  signal?: AbortSignal,
): Promise<{ readonly shape: GgufShape; readonly config: Readonly<Record<string, unknown>> }> {
  const metadata: Metadata = new Metadata(file);
  const architecture = metadata.text('general.architecture');
  if (architecture !== 'llama')
    metadata.refuse('unsupported', 'general.architecture', `must be "llama", not ${JSON.stringify(architecture)}.`);
  metadata.checkKnown();
  const hiddenSize = metadata.required('llama.embedding_length');
  const attentionHeads = metadata.required('llama.attention.head_count');
  const keyValueHeads = metadata.count('llama.attention.head_count_kv') ?? attentionHeads;
  const headDim = metadata.count('llama.attention.key_length') ?? hiddenSize / attentionHeads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0 || attentionHeads % keyValueHeads !== 0)
    metadata.refuse(
      'malformed',
      'llama.attention.head_count',
      `${attentionHeads} heads with ${keyValueHeads} key heads do not divide ${hiddenSize} numbers.`,
    );
  for (const key of ['llama.attention.value_length', 'llama.rope.dimension_count']) {
    const value = metadata.count(key) ?? headDim;
    if (value !== headDim) metadata.refuse('unsupported', key, `is ${value}, but a head has ${headDim} numbers.`);
  }
  const embedding = requireGgufTensor(file, 'token_embd.weight');
  const vocabSize = embedding.shape[0]!;
  const stated = metadata.count('llama.vocab_size');
  if (stated !== undefined && stated !== vocabSize)
    metadata.refuse('mismatch', 'llama.vocab_size', `is ${stated}, but token_embd.weight has ${vocabSize} rows.`);
  const epsilon = metadata.number('llama.attention.layer_norm_rms_epsilon');
  if (epsilon === undefined || epsilon <= 0)
    metadata.refuse('malformed', 'llama.attention.layer_norm_rms_epsilon', 'must be a number above 0.');
  // llama.cpp's default, as LlamaConfig's.
  const theta = metadata.number('llama.rope.freq_base') ?? 10_000;
  const scaling = await ropeScaling(file, metadata, { theta: shortestFloat32(theta), headDim }, signal);
  const bos = metadata.number('tokenizer.ggml.bos_token_id');
  const layers = metadata.required('llama.block_count');
  return {
    shape: { hiddenSize, layers, attentionHeads, keyValueHeads, headDim },
    config: {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_act: 'silu',
      hidden_size: hiddenSize,
      intermediate_size: metadata.required('llama.feed_forward_length'),
      num_hidden_layers: layers,
      num_attention_heads: attentionHeads,
      num_key_value_heads: keyValueHeads,
      head_dim: headDim,
      vocab_size: vocabSize,
      max_position_embeddings: metadata.required('llama.context_length'),
      rms_norm_eps: shortestFloat32(epsilon),
      rope_theta: shortestFloat32(theta),
      ...(scaling === undefined ? {} : { rope_scaling: scaling }),
      ...(bos === undefined ? {} : { bos_token_id: bos }),
    },
  };
}

/** Llama 3.1 and 3.2, whose rule the table of factors follows (transformers `_compute_llama3_parameters`). */
const LLAMA3_SCALINGS = [8, 32].map((factor) => ({
  rope_type: 'llama3',
  factor,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
}));

async function ropeScaling(
  file: GgufFile,
  metadata: Metadata,
  rope: { readonly theta: number; readonly headDim: number },
  signal: AbortSignal | undefined,
): Promise<(typeof LLAMA3_SCALINGS)[number] | undefined> {
  const type = metadata.text('llama.rope.scaling.type');
  const factor = metadata.number('llama.rope.scaling.factor') ?? 1;
  if (type !== undefined && type !== 'none' && !(type === 'linear' && factor === 1))
    metadata.refuse('unsupported', 'llama.rope.scaling.type', `is "${type}"; only Llama 3's own scaling is read.`);
  if (!file.tensors.has(ROPE_FACTORS_TENSOR)) return undefined;
  const factors = await readGgufTensor(file, ROPE_FACTORS_TENSOR, signal);
  if (factors.every((value) => value === 1)) return undefined;
  const found = LLAMA3_SCALINGS.find((scaling) => {
    const { factor: by, low_freq_factor, high_freq_factor, original_max_position_embeddings } = scaling;
    const scaled = inverseFrequencies(
      {
        theta: rope.theta,
        scaling: {
          factor: by,
          lowFreqFactor: low_freq_factor,
          highFreqFactor: high_freq_factor,
          originalMaxPositions: original_max_position_embeddings,
        },
      },
      rope.headDim,
    );
    const expected = inverseFrequencies({ theta: rope.theta }, rope.headDim).map((plain, i) => plain / scaled[i]!);
    return (
      factors.length === expected.length &&
      factors.every((value, i) => Math.abs(value - expected[i]!) <= 1e-5 * expected[i]!)
    );
  });
  return (
    found ??
    metadata.refuse(
      'unsupported',
      ROPE_FACTORS_TENSOR,
      'holds rotary factors that are neither those of Llama 3.1 nor of 3.2.',
    )
  );
}

/** The decimal number with the fewest digits that is this f32: metadata hold 1e-5 as 0.000009999999747378752. */
function shortestFloat32(value: number): number {
  const target = Math.fround(value);
  if (target !== value) return value;
  for (let digits = 1; digits < 9; digits += 1) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === target) return candidate;
  }
  return value;
}
