/**
 * `npm run make-checkpoint -- --out DIR`: a checkpoint with the published ArmoRM's shapes, tensor names and four bf16 shards, and
 * random weights. For measuring what full size costs; its scores mean nothing.
 *
 * Drawing 7.5 billion normal numbers would take longer than converting them, so each kind of tensor has one random block of
 * odd length, and every write begins somewhere else in it: no two rows of a matrix are alike, at the speed of the disk.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { f32ToBf16 } from '@/base/half.ts';
import { SeededRandom } from '@/base/random.ts';
import { INDEX_FILE } from '@/formats/checkpoint-tensors.ts';
import { CONFIG_FILE } from '@/formats/hugging-face.ts';
import { SafetensorsWriter, type TensorDeclaration } from '@/formats/safetensors-writer.ts';
import { TOKENIZER_CONFIG_FILE } from '@/formats/tokenizer-config.ts';
import { readOptions, runCommand, type Terminal, UsageError } from './arguments.ts';
import { diskSink } from './disk-files.ts';
import { readGoldenFile } from './fixtures/golden-checkpoints.ts';
import { formatDuration, ProgressBar } from './progress-bar.ts';

const usage = `Writes a checkpoint in Hugging Face layout with ArmoRM-Llama3-8B's shapes and random weights: for measurements only.

  npm run make-checkpoint -- --out DIR [options]

  --out DIR      where it is written: 15 GB at full size
  --layers N     decoder layers (default 32)
  --width D      hidden size, a multiple of 128 (default 4096); heads, feed-forward and gate scale with it
  --seed N       (default 1)
  --help         this text`;

export interface CheckpointShape {
  readonly layers: number;
  /** Hidden size. */
  readonly width: number;
}

/** Llama-3-8B (design: d 4096, 32 layers, GQA 32/8, feed-forward 14336, vocabulary 128257). */
export const PUBLISHED_SHAPE: CheckpointShape = { layers: 32, width: 4096 };

const HEAD_DIM = 128;
const VOCABULARY = 128_257;
const OBJECTIVES = 19;
const VERBOSITY = 4;
const SHARDS = 4;
/** A prime, so that no row length divides it. */
const BLOCK_VALUES = 4_194_301;

interface TensorPlan extends TensorDeclaration {
  readonly dtype: 'BF16';
  /** Values are mean + deviation · normal. */
  readonly mean: number;
  readonly deviation: number;
}

/** Every tensor, in the order of the shards. */
export function planTensors({ layers, width: d }: CheckpointShape): TensorPlan[] {
  const tensors: TensorPlan[] = [];
  const add = (name: string, shape: readonly number[], deviation: number, mean = 0): void =>
    void tensors.push({ name, dtype: 'BF16', shape, deviation, mean });
  const linear = (name: string, outputs: number, inputs: number): void =>
    add(`${name}.weight`, [outputs, inputs], 1 / Math.sqrt(inputs));
  const norm = (name: string): void => add(`${name}.weight`, [d], 0.1, 1);
  const { heads, keyValueHeads, intermediate, gate } = widthsOf(d);
  add('model.embed_tokens.weight', [VOCABULARY, d], 1);
  for (let layer = 0; layer < layers; layer++) {
    const at = `model.layers.${layer}`;
    norm(`${at}.input_layernorm`);
    linear(`${at}.self_attn.q_proj`, heads * HEAD_DIM, d);
    linear(`${at}.self_attn.k_proj`, keyValueHeads * HEAD_DIM, d);
    linear(`${at}.self_attn.v_proj`, keyValueHeads * HEAD_DIM, d);
    linear(`${at}.self_attn.o_proj`, d, heads * HEAD_DIM);
    norm(`${at}.post_attention_layernorm`);
    linear(`${at}.mlp.gate_proj`, intermediate, d);
    linear(`${at}.mlp.up_proj`, intermediate, d);
    linear(`${at}.mlp.down_proj`, d, intermediate);
  }
  norm('model.norm');
  linear('regression_layer', OBJECTIVES, d);
  const widths = [d, gate, gate, gate, OBJECTIVES];
  for (const [layer, outputs] of widths.slice(1).entries()) {
    linear(`gating.layers.${layer}`, outputs, widths[layer]!);
    add(`gating.layers.${layer}.bias`, [outputs], 0.1);
  }
  add('gating.logit_scale', [1], 0, 1);
  add('reward_transform_matrix', [OBJECTIVES, OBJECTIVES], 0);
  return tensors;
}

function widthsOf(d: number): { heads: number; keyValueHeads: number; intermediate: number; gate: number } {
  const heads = d / HEAD_DIM;
  return { heads, keyValueHeads: Math.ceil(heads / 4), intermediate: (d * 7) / 2, gate: d / 4 };
}

/** In order, a quarter of the bytes each. */
function shardsOf(tensors: readonly TensorPlan[]): TensorPlan[][] {
  const total = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const shards: TensorPlan[][] = Array.from({ length: SHARDS }, () => []);
  let position = 0;
  for (const tensor of tensors) {
    shards[Math.min(SHARDS - 1, Math.floor((position / total) * SHARDS))]!.push(tensor);
    position += bytesOf(tensor);
  }
  return shards;
}

function bytesOf({ shape }: TensorDeclaration): number {
  return 2 * shape.reduce((product, size) => product * size, 1);
}

/** M of Eq 2 with random penalties; λ of verbosity is 1, as the authors' script sets it. */
function transform(random: SeededRandom): Float32Array {
  const matrix = new Float32Array(OBJECTIVES * OBJECTIVES);
  for (let j = 0; j < OBJECTIVES; j++) {
    matrix[j * OBJECTIVES + j] = 1;
    matrix[VERBOSITY * OBJECTIVES + j]! -= j === VERBOSITY ? 1 : random.uniform();
  }
  return matrix;
}

/** Random values of a tensor, a piece at a time. */
class Weights {
  private readonly blocks = new Map<string, Uint16Array<ArrayBuffer>>();
  private readonly random: SeededRandom;
  private readonly normals: Float32Array;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.normals = Float32Array.from({ length: BLOCK_VALUES }, () => this.random.normal());
  }

  *pieces(tensor: TensorPlan): Generator<Uint16Array<ArrayBuffer>> {
    if (tensor.name === 'reward_transform_matrix') {
      const bits = new Uint16Array(OBJECTIVES * OBJECTIVES);
      f32ToBf16(transform(this.random), bits);
      yield bits;
      return;
    }
    const block = this.block(tensor);
    for (let left = bytesOf(tensor) / 2; left > 0;) {
      // Anywhere in the first half: a piece is then at least half a block.
      const start = this.random.integer(Math.ceil(block.length / 2));
      const piece = block.subarray(start, Math.min(block.length, start + left));
      left -= piece.length;
      yield piece;
    }
  }

  private block({ mean, deviation }: TensorPlan): Uint16Array<ArrayBuffer> {
    const key = `${mean} ${deviation}`;
    const known = this.blocks.get(key);
    if (known !== undefined) return known;
    const block = new Uint16Array(BLOCK_VALUES);
    f32ToBf16(
      this.normals.map((value) => mean + deviation * value),
      block,
    );
    this.blocks.set(key, block);
    return block;
  }
}

/** Writes the checkpoint; the same seed gives the same bytes. @returns its length over all shards. */
export async function makeCheckpoint(
  folder: string,
  shape: CheckpointShape,
  seed: number,
  onBytes: (done: number, total: number) => void = () => undefined,
): Promise<number> {
  await mkdir(folder, { recursive: true });
  const tensors = planTensors(shape);
  const total = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const weights = new Weights(seed);
  const weightMap: Record<string, string> = {};
  let done = 0;
  for (const [number, shard] of shardsOf(tensors).entries()) {
    const file = `model-0000${number + 1}-of-0000${SHARDS}.safetensors`;
    const sink = await diskSink(join(folder, file));
    try {
      const writer = new SafetensorsWriter(sink, shard, { format: 'pt' }, file);
      const byName = new Map(shard.map((tensor) => [tensor.name, tensor]));
      for (const name of writer.layout.header.tensors.keys()) {
        weightMap[name] = file;
        for (const piece of weights.pieces(byName.get(name)!)) {
          await writer.append(name, piece);
          done += piece.byteLength;
          onBytes(done, total);
        }
      }
      await writer.finish();
    } finally {
      await sink.close();
    }
  }
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  await writeFile(join(folder, INDEX_FILE), json({ metadata: { total_size: total }, weight_map: weightMap }));
  await writeFile(join(folder, CONFIG_FILE), json(configOf(shape)));
  for (const file of ['tokenizer.json', TOKENIZER_CONFIG_FILE])
    await writeFile(join(folder, file), readGoldenFile('armorm-tiny-llama3', file));
  return total;
}

function configOf({ layers, width }: CheckpointShape): Record<string, unknown> {
  const { heads, keyValueHeads, intermediate } = widthsOf(width);
  return {
    architectures: ['LlamaForRewardModelWithGating'],
    model_type: 'llama',
    hidden_act: 'silu',
    hidden_size: width,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    head_dim: HEAD_DIM,
    intermediate_size: intermediate,
    vocab_size: VOCABULARY,
    rope_theta: 500_000,
    rms_norm_eps: 1e-5,
    max_position_embeddings: 8192,
    bos_token_id: 128_000,
    eos_token_id: 128_009,
    pad_token_id: 128_256,
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: false,
    torch_dtype: 'bfloat16',
    num_labels: OBJECTIVES,
  };
}

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const values = readOptions(argv, { out: 'text', layers: 'text', width: 'text', seed: 'text' });
  const folder = resolve(values.required('out'));
  const whole = (name: string, fallback: number, least: number): number => {
    const value = values.number(name) ?? fallback;
    if (!Number.isSafeInteger(value) || value < least)
      throw new UsageError(`--${name} must be a whole number from ${least}, not ${value}.`);
    return value;
  };
  const width = whole('width', PUBLISHED_SHAPE.width, HEAD_DIM);
  if (width % HEAD_DIM !== 0) throw new UsageError(`--width must be a multiple of ${HEAD_DIM}, not ${width}.`);
  const shape = { layers: whole('layers', PUBLISHED_SHAPE.layers, 1), width };
  const startedAt = performance.now();
  const bar = new ProgressBar(terminal.stream);
  const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
  const total = await makeCheckpoint(folder, shape, whole('seed', 1, 0), (done, all) =>
    bar.update({ done: megabytes(done), total: megabytes(all), unit: 'MB' }),
  );
  bar.finish({ done: megabytes(total), total: megabytes(total), unit: 'MB' });
  terminal.log(
    `${folder}: ${(total / 1e9).toFixed(2)} GB in ${formatDuration((performance.now() - startedAt) / 1000)}.`,
  );
  return 0;
}

/** The command. @returns its exit code. */
export function makeCheckpointCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  return runCommand(() => run(argv, terminal), usage, terminal);
}
