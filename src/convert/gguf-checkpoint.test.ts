/**
 * A GGUF file as a checkpoint: the numbers of its files, the blocks that a package carries over, and what is refused. The tiny files
 * and their dequantised twins are Python's (`formats/fixtures/gguf`).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RewardHead } from '@/core/reward-head.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import { openEmbeddingTable } from '@/formats/embedding-table.ts';
import { dequantisedFixture, GGUF_FIXTURES, type GgufFixture, ggufFixture } from '@/formats/fixtures/gguf-files.ts';
import { memoryFileSet, memorySource } from '@/formats/memory-source.ts';
import { openEntry } from '@/formats/model-package.ts';
import { readSafetensorsHeader, readTensorAsFloat32 } from '@/formats/safetensors.ts';
import { type TestGgufValue, writeTestGguf } from '@/formats/test-gguf.ts';
import type { ConvertTools } from './conversion.ts';
import { convertCheckpoint } from './convert-checkpoint.ts';
import { createTestTools } from './fixtures/test-tools.ts';
import { CHAT_TEMPLATE, makeTinyCheckpoint, TINY } from './fixtures/tiny-checkpoint.ts';
import { openGgufCheckpoint } from './gguf-checkpoint.ts';
import type { Dtype } from './linear-encoder.ts';
import { memoryPackageSink } from './package-sink.ts';

let tools: ConvertTools & { dispose(): Promise<void> };
beforeAll(async () => {
  tools = await createTestTools();
});
afterAll(() => tools.dispose());

const TOKENIZER_FILES = [
  ['tokenizer.json', '{}'],
  ['tokenizer_config.json', JSON.stringify({ chat_template: CHAT_TEMPLATE })],
] as const;
const tokenizer = memoryFileSet('tokenizer', new Map(TOKENIZER_FILES));
/** What a Python user would write by hand for the dequantised weights. */
const HUGGING_FACE_CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_act: 'silu',
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  vocab_size: 131,
  max_position_embeddings: 1024,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  bos_token_id: 128,
};

/** Random heads of the fixture's width, from the tiny checkpoint's tensors. */
function tinyHeads(): RewardHead {
  const { tensors } = makeTinyCheckpoint(TINY, 5);
  const values = (name: string): Float32Array => tensors.get(name)!.values;
  const layer = (index: number, inputSize: number, outputSize: number) => ({
    weight: values(`gating.layers.${index}.weight`),
    bias: values(`gating.layers.${index}.bias`),
    inputSize,
    outputSize,
  });
  return {
    objectives: 5,
    featureSize: 32,
    regression: values('regression_layer.weight'),
    gate: { layers: [layer(0, 32, 12), layer(1, 12, 5)], temperature: 10, logitScale: 1.25 },
    transform: Float64Array.from(values('reward_transform_matrix')),
  };
}

function openFixture(name: GgufFixture) {
  return openGgufCheckpoint(memorySource(`tiny-${name}.gguf`, ggufFixture(name)), tokenizer);
}

async function convert(files: FileSet, dtype: Dtype, blocks?: Awaited<ReturnType<typeof openFixture>>['blocks']) {
  const sink = memoryPackageSink('package');
  const report = await convertCheckpoint(
    files,
    sink,
    {
      dtype,
      layersPerStage: 1,
      name: 'Tiny',
      source: { name: 'tiny' },
      heads: tinyHeads(),
      ...(blocks === undefined ? {} : { blocks }),
    },
    tools,
  );
  const { manifest } = report;
  const table = await openEmbeddingTable(await openEntry(sink.files, manifest.embedding), manifest.architecture);
  return { sink, report, embedding: await table.lookup(Array.from({ length: 131 }, (_, id) => id)) };
}

async function convertFixture(name: GgufFixture, dtype: Dtype) {
  const { files, blocks } = await openFixture(name);
  return convert(files, dtype, blocks);
}

function convertDequantised(name: GgufFixture, dtype: Dtype) {
  const files = new Map<string, Uint8Array<ArrayBuffer> | string>([
    ['config.json', JSON.stringify(HUGGING_FACE_CONFIG)],
    ['model.safetensors', dequantisedFixture(name)],
    ...TOKENIZER_FILES,
  ]);
  return convert(memoryFileSet('dequantised', files), dtype);
}

type Converted = Awaited<ReturnType<typeof convert>>;
const rewards = ({ report }: Converted, of: 'own' | 'reference'): number[] =>
  report.comparisons.flatMap((comparison) => comparison[of].rewards);
const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

describe.each(GGUF_FIXTURES)('%s', (name) => {
  test('every tensor has the bytes that Python gives it, wherever reading begins', async () => {
    const { files } = await openFixture(name);
    const source = (await files.open('model.safetensors'))!;
    const header = await readSafetensorsHeader(source);
    const expected = memorySource('expected', dequantisedFixture(name));
    const expectedHeader = await readSafetensorsHeader(expected);
    expect([...header.tensors.keys()].sort()).toEqual([...expectedHeader.tensors.keys()].sort());
    for (const [tensor, { shape, begin, end }] of header.tensors) {
      expect(shape).toEqual(expectedHeader.tensors.get(tensor)!.shape);
      expect(await readTensorAsFloat32(source, header, tensor)).toEqual(
        await readTensorAsFloat32(expected, expectedHeader, tensor),
      );
      // Not on a row's, block's or element's edge.
      const whole = await source.read(begin, end - begin);
      expect(await source.read(begin + 7, 50)).toEqual(whole.slice(7, 57));
    }
    const all = await source.read(0, source.size);
    expect(await source.read(3, source.size - 5)).toEqual(all.slice(3, -2));
    await expect(source.read(1, source.size)).rejects.toThrow(/has \d+/);
  });

  test('an f32 package is the one that its dequantised form gives, file by file', async () => {
    const [ours, theirs] = [await convertFixture(name, 'f32'), await convertDequantised(name, 'f32')];
    expect(ours.report.manifest.stages).toEqual(theirs.report.manifest.stages);
    expect(ours.report.manifest.architecture).toEqual(theirs.report.manifest.architecture);
    expect(ours.embedding).toEqual(theirs.embedding);
    expect(rewards(ours, 'own')).toEqual(rewards(theirs, 'own'));
  });
});

describe.each(['q4_0', 'q4_1', 'q8_0'] as const)('%s in a 4-bit package', (name) => {
  test('its blocks are carried over: nothing is rounded again', async () => {
    const ours = await convertFixture(name, 'q4');
    const theirs = await convertDequantised(name, 'f32');
    const linear = ours.report.tensors.filter(({ tensor }) => tensor.startsWith('model.layers'));
    expect(linear).toHaveLength(7);
    for (const { form, relativeError } of linear) {
      expect(form).toBe(`${name.toUpperCase()} blocks carried over`);
      expect(relativeError).toBe(0);
    }
    // The package's own graph against the f32 weights: the order of sums is what differs, and for Q4_1 an f16 embedding.
    expect(rewards(ours, 'reference')).toEqual(rewards(theirs, 'reference'));
    expect(worst(rewards(ours, 'own'), rewards(theirs, 'own'))).toBeLessThan(name === 'q4_1' ? 2e-3 : 5e-6);
    const tolerance = name === 'q4_1' ? 2 ** -11 : 0;
    for (const [i, value] of ours.embedding.entries())
      expect(Math.abs(value - theirs.embedding[i]!)).toBeLessThanOrEqual(tolerance * Math.abs(theirs.embedding[i]!));
    expect(ours.report.manifest.quantisation?.form).toContain('blocks carried over without rounding again');
    // Bits a weight: 4.5, 5 and 8.5 in blocks of 32.
    const weights = 64 * 32 * 2 + 2 * 32 * 32 + 3 * 32 * 64;
    const bits = { q4_0: 4.5, q4_1: 5, q8_0: 8.5 }[name];
    const data = ours.report.manifest.stages[0]!.data[0]!.bytes;
    expect(data - (weights * bits) / 8).toBeLessThan(64 * 21);
  });
});

test('Q4_0 does not survive a second rounding: its dequantised form loses what carrying keeps', async () => {
  const { report } = await convertDequantised('q4_0', 'q4');
  const linear = report.tensors.filter(({ tensor }) => tensor.startsWith('model.layers'));
  for (const { relativeError } of linear) expect(relativeError).toBeGreaterThan(0.01);
});

test.each(['f32', 'f16'] as const)('%s is rounded like any checkpoint', async (name) => {
  const [ours, theirs] = [await convertFixture(name, 'q4'), await convertDequantised(name, 'q4')];
  expect(ours.report.manifest.stages).toEqual(theirs.report.manifest.stages);
  expect(ours.embedding).toEqual(theirs.embedding);
});

test('name and licence are the metadata’s; the tokenizer’s files and no others come from its folder', async () => {
  const folder = memoryFileSet('tokenizer', new Map([...TOKENIZER_FILES, ['config.json', '{}'], ['README.md', 'x']]));
  const checkpoint = await openGgufCheckpoint(memorySource('a.gguf', ggufFixture('q4_1')), folder);
  expect(checkpoint).toMatchObject({ name: 'Tiny llama', licence: 'Apache-2.0' });
  expect(await checkpoint.files.open('README.md')).toBeUndefined();
  expect(await checkpoint.files.open('tokenizer.json')).toBeDefined();
});

describe('refused', () => {
  const base: Record<string, TestGgufValue> = {
    'general.architecture': { text: 'llama' },
    'llama.embedding_length': { u32: 32 },
    'llama.block_count': { u32: 1 },
    'llama.feed_forward_length': { u32: 32 },
    'llama.attention.head_count': { u32: 2 },
    'llama.context_length': { u32: 64 },
    'llama.attention.layer_norm_rms_epsilon': { f32: 1e-5 },
  };
  const f32 = (name: string, ...shape: number[]) => ({
    name,
    shape,
    type: 0,
    data: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)),
  });
  const layer = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'];
  const tensors = [
    f32('token_embd.weight', 40, 32),
    f32('output_norm.weight', 32),
    ...['attn_norm', 'ffn_norm'].map((name) => f32(`blk.0.${name}.weight`, 32)),
    ...layer.map((name) => f32(`blk.0.${name}.weight`, 32, 32)),
  ];
  const open = (
    change: Record<string, TestGgufValue | undefined>,
    changeTensors: (all: typeof tensors) => typeof tensors = (all) => all,
  ) => {
    const metadata = Object.fromEntries(
      Object.entries({ ...base, ...change }).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    );
    return openGgufCheckpoint(memorySource('a.gguf', writeTestGguf(metadata, changeTensors(tensors))), tokenizer);
  };

  test('not the file that the cases change', async () => {
    expect(await open({})).toBeDefined();
  });

  const metadata: readonly (readonly [Record<string, TestGgufValue | undefined>, RegExp])[] = [
    [{ 'general.architecture': { text: 'gemma2' } }, /a\.gguf: general\.architecture: must be "llama", not "gemma2"/],
    [{ 'general.architecture': undefined }, /general\.architecture/],
    [{ 'llama.embedding_length': undefined }, /llama\.embedding_length: is missing/],
    [{ 'llama.block_count': { text: '1' } }, /llama\.block_count: must be a number/],
    [{ 'llama.attention.head_count': { u32: 3 } }, /llama\.attention\.head_count/],
    [{ 'llama.attention.head_count_kv': { list: [1, 2] } }, /head_count_kv: is a list/],
    [{ 'llama.attention.layer_norm_rms_epsilon': undefined }, /layer_norm_rms_epsilon/],
    [{ 'llama.attention.value_length': { u32: 8 } }, /value_length: is 8, but a head has 16/],
    [{ 'llama.rope.dimension_count': { u32: 8 } }, /rope\.dimension_count: is 8/],
    [{ 'llama.rope.scaling.type': { text: 'yarn' } }, /rope\.scaling\.type: is "yarn"/],
    [
      { 'llama.rope.scaling.type': { text: 'linear' }, 'llama.rope.scaling.factor': { f32: 4 } },
      /rope\.scaling\.type: is "linear"/,
    ],
    [{ 'llama.expert_count': { u32: 8 } }, /llama\.expert_count: is not understood/],
    [{ 'llama.vocab_size': { u32: 41 } }, /vocab_size: is 41, but token_embd\.weight has 40 rows/],
  ];
  test.each(metadata)('%o', async (change, says) => {
    await expect(open(change)).rejects.toThrow(says);
  });

  test('a type that is not read, by the names of tensor and type', async () => {
    const bytes = ggufFixture('q4_0');
    // IQ4_NL has as many bytes as Q4_0, so only the type's number changes.
    const name = new TextEncoder().encode('blk.0.attn_q.weight');
    const at = bytes.findIndex((_, i) => name.every((byte, j) => bytes[i + j] === byte));
    new DataView(bytes.buffer).setUint32(at + name.length + 4 + 16, 20, true);
    await expect(openGgufCheckpoint(memorySource('a.gguf', bytes), tokenizer)).rejects.toThrow(
      /tensor "blk\.0\.attn_q\.weight": is of type IQ4_NL.*--pure/,
    );
  });

  test('a missing, a surplus and an ill-shaped tensor', async () => {
    const without = (all: typeof tensors) => all.filter(({ name }) => name !== 'blk.0.ffn_up.weight');
    await expect(open({}, without)).rejects.toThrow(/"blk\.0\.ffn_up\.weight": is missing/);
    const surplus = (all: typeof tensors) => [...all, f32('blk.0.attn_q.bias', 32)];
    await expect(open({}, surplus)).rejects.toThrow(/"blk\.0\.attn_q\.bias": is not a tensor of a Llama/);
    const narrow = (all: typeof tensors) =>
      all.map((one) => (one.name === 'blk.0.attn_q.weight' ? f32(one.name, 16, 32) : one));
    await expect(open({}, narrow)).rejects.toThrow(/"blk\.0\.attn_q\.weight": has 16 rows where 2 heads of 16/);
  });

  test('rotary factors of nobody; those of Llama 3.1 and 3.2 are read', async () => {
    const factors = (values: readonly number[]) => (all: typeof tensors) => [
      ...all,
      { name: 'rope_freqs.weight', shape: [8], type: 0, data: new Uint8Array(Float32Array.from(values).buffer) },
    ];
    await expect(open({}, factors(Array<number>(8).fill(2)))).rejects.toThrow(
      /rope_freqs\.weight: holds rotary factors/,
    );
    const scaling = {
      rope_type: 'llama3',
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    };
    // By convert_hf_to_gguf.py's formula, in Python, for theta 500,000 and heads of 16.
    const expected = [1.0, 1.0, 1.0, 1.0, 3.2922621029408843, 32.0, 32.0, 32.0];
    const { files } = await open({ 'llama.rope.freq_base': { f32: 500_000 } }, factors(expected));
    const config = (await files.open('config.json'))!;
    const json: unknown = JSON.parse(new TextDecoder().decode(await config.read(0, config.size)));
    expect(json).toMatchObject({ rope_theta: 500_000, rms_norm_eps: 1e-5, rope_scaling: scaling, head_dim: 16 });
  });
});
