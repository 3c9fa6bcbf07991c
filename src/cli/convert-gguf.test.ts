/** The convert command on a GGUF file made from a golden checkpoint, with that checkpoint's own heads and tokenizer. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memorySource } from '@/formats/memory-source.ts';
import { openPackage } from '@/formats/model-package.ts';
import { readSafetensorsHeader, readTensorAsFloat32 } from '@/formats/safetensors.ts';
import { type TensorData, writeSafetensors } from '@/formats/safetensors-writer.ts';
import { type TestGgufTensor, type TestGgufValue, writeTestGguf } from '@/formats/test-gguf.ts';
import { runConvert } from './convert.ts';
import { diskFileSet } from './disk-files.ts';
import { expandGolden } from './fixtures/golden-checkpoints.ts';

const folder = mkdtempSync(join(tmpdir(), 'armoscope-gguf-'));
const checkpoint = join(folder, 'checkpoint');
const gguf = join(folder, 'gguf', 'Tiny.F32.gguf');
const heads = join(folder, 'heads.safetensors');

const LAYER_NAMES: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

function ggufName(name: string): string | undefined {
  if (name === 'model.embed_tokens.weight') return 'token_embd.weight';
  if (name === 'model.norm.weight') return 'output_norm.weight';
  const [, layer, part] = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name) ?? [];
  return part === undefined ? undefined : `blk.${layer}.${LAYER_NAMES[part]}.weight`;
}

/** The two halves of every head's rows interleaved, as llama.cpp's `permute` has them. */
function permuted(values: Float32Array<ArrayBuffer>, heads: number, headDim: number): Float32Array<ArrayBuffer> {
  const width = values.length / (heads * headDim);
  const row = (r: number) => values.subarray(r * width, (r + 1) * width);
  const out = new Float32Array(values.length);
  for (let r = 0; r < heads * headDim; r++) {
    const [head, place] = [Math.floor(r / headDim), r % headDim];
    out.set(row(head * headDim + (place % 2) * (headDim / 2) + (place >> 1)), r * width);
  }
  return out;
}

beforeAll(async () => {
  await mkdir(checkpoint);
  await mkdir(join(folder, 'gguf'));
  await mkdir(join(folder, 'tokenizer'));
  await expandGolden('armorm-tiny-smollm', checkpoint);
  const config = JSON.parse(readFileSync(join(checkpoint, 'config.json'), 'utf8')) as Record<string, number>;
  const source = memorySource('golden', new Uint8Array(readFileSync(join(checkpoint, 'model.safetensors'))));
  const header = await readSafetensorsHeader(source);
  const [attentionHeads, keyHeads] = [config['num_attention_heads']!, config['num_key_value_heads']!];
  const headDim = config['head_dim'] ?? config['hidden_size']! / attentionHeads;
  const tensors: TestGgufTensor[] = [];
  const rest: TensorData[] = [];
  for (const [name, { shape }] of header.tensors) {
    const values = await readTensorAsFloat32(source, header, name);
    const theirs = ggufName(name);
    if (theirs === undefined) {
      rest.push({ name, dtype: 'F32', shape, data: values });
      continue;
    }
    const rotary = theirs.includes('attn_q') ? attentionHeads : theirs.includes('attn_k') ? keyHeads : undefined;
    const ordered = rotary === undefined ? values : permuted(values, rotary, headDim);
    const data = new Uint8Array(ordered.buffer, ordered.byteOffset, ordered.byteLength);
    tensors.push({ name: theirs, shape, type: 0, data });
  }
  const metadata: Record<string, TestGgufValue> = {
    'general.architecture': { text: 'llama' },
    'general.name': { text: 'Tiny' },
    'general.license': { text: 'mit' },
    'llama.embedding_length': { u32: config['hidden_size']! },
    'llama.block_count': { u32: config['num_hidden_layers']! },
    'llama.feed_forward_length': { u32: config['intermediate_size']! },
    'llama.attention.head_count': { u32: attentionHeads },
    'llama.attention.head_count_kv': { u32: keyHeads },
    'llama.attention.key_length': { u32: headDim },
    'llama.context_length': { u32: config['max_position_embeddings']! },
    'llama.attention.layer_norm_rms_epsilon': { f32: config['rms_norm_eps']! },
    'llama.rope.freq_base': { f32: config['rope_theta']! },
    'tokenizer.ggml.bos_token_id': { u32: config['bos_token_id']! },
  };
  writeFileSync(gguf, writeTestGguf(metadata, tensors));
  writeFileSync(heads, writeSafetensors(rest));
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    cpSync(join(checkpoint, file), join(folder, 'tokenizer', file));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function command(...args: string[]) {
  const errors: string[] = [];
  const exitCode = await runConvert(
    args,
    { print: () => {}, printError: (line) => errors.push(line), progress: { write: () => {} } },
    new AbortController().signal,
  );
  return { exitCode, errors };
}

test('a .gguf with heads and tokenizer gives the package of the checkpoint it was made from', async () => {
  const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
  const more = ['--dtype', 'q4', '--max-layers', '1'];
  const tokenizer = ['--tokenizer', join(folder, 'tokenizer')];
  expect(await command(gguf, '--heads', heads, ...tokenizer, '--out', ours, ...more)).toMatchObject({ errors: [] });
  expect(await command(checkpoint, '--out', theirs, ...more)).toMatchObject({ errors: [] });
  const [one, other] = [await openPackage(diskFileSet(ours)), await openPackage(diskFileSet(theirs))];
  expect(one.manifest).toMatchObject({ name: 'Tiny', licence: 'mit', source: { name: 'Tiny.F32.gguf' } });
  for (const key of [
    'stages',
    'embedding',
    'heads',
    'tokenizer',
    'canaries',
    'architecture',
    'tokens',
    'gate',
  ] as const)
    expect(one.manifest[key], key).toEqual(other.manifest[key]);
}, 120_000);

test('what is missing is named', async () => {
  const out = ['--out', join(folder, 'missing')];
  const noHeads = await command(gguf, ...out);
  expect(noHeads.exitCode).toBe(2);
  expect(noHeads.errors.join()).toMatch(/--heads FILE is missing/);
  const noTokenizer = await command(gguf, '--heads', heads, ...out);
  expect(noTokenizer.exitCode).toBe(1);
  expect(noTokenizer.errors.join()).toMatch(/tokenizer\.json: .*gguf does not have this file.*tokenizer files/);
  const noFile = await command(join(folder, 'none.gguf'), '--heads', heads, ...out);
  expect(noFile.errors.join()).toMatch(/none\.gguf: there is no such file/);
  const halfHeads = join(folder, 'half.safetensors');
  writeFileSync(
    halfHeads,
    writeSafetensors([{ name: 'regression_layer.weight', dtype: 'F32', shape: [1, 2], data: new Float32Array(2) }]),
  );
  const half = await command(gguf, '--heads', halfHeads, ...out);
  expect(half.errors.join()).toMatch(/half\.safetensors: tensor "gating\.layers\.0\.weight": is missing/);
  const folderTokenizer = await command(checkpoint, '--tokenizer', folder, ...out);
  expect(folderTokenizer.exitCode).toBe(2);
});
