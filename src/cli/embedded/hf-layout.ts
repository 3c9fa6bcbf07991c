/**
 * Writes the embedded model's backbone as a Hugging Face folder that the converter reads: the first layers of the base
 * model dequantised to f32, their norms with our gains, reward heads of zeros (they are trained later, on features of this very backbone), and our own
 * chat template.
 *
 * Invariant: tensors are written one at a time; memory holds the GGUF file and one tensor.
 */
import { LAYER_TENSORS } from '@/convert/gguf-checkpoint.ts';
import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { readGgufTensor, unpermuteRotaryRows } from '@/formats/gguf-blocks.ts';
import { type GgufFile, openGguf } from '@/formats/gguf.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { parseJsonRecord } from './json-record.ts';
import { type NormGains, withNormGains } from './norm-gains.ts';

/**
 * No default system turn (20 tokens a text that say nothing), contents trimmed, and no newline after the last
 * `<|im_end|>`: the scored sequence simply ends there. The gate pattern stops before the newline that follows the header,
 * because that newline merges with newlines at the start of a response.
 */
export const EMBEDDED_CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] | trim + '<|im_end|>' }}" +
  "{% if not loop.last or add_generation_prompt %}{{ '\n' }}{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

export const GATE_HIDDEN = 128;
export const GATE_HIDDEN_LAYERS = 3;
export const OBJECTIVE_COUNT = 19;

interface PlannedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: () => Promise<Float32Array>;
}

function planBackbone(file: GgufFile, layers: number, heads: number, keyValueHeads: number): PlannedTensor[] {
  const planned: PlannedTensor[] = [];
  const add = (gguf: string, name: string, rotaryHeads?: number): void => {
    const shape = file.tensors.get(gguf)?.shape ?? [];
    planned.push({
      name,
      shape,
      values: async () => {
        const values = await readGgufTensor(file, gguf);
        if (rotaryHeads === undefined) return values;
        return unpermuteRotaryRows(values, new Float32Array(values.length), rotaryHeads, (shape[0] ?? 0) / rotaryHeads);
      },
    });
  };
  add('token_embd.weight', 'model.embed_tokens.weight');
  for (let layer = 0; layer < layers; layer += 1)
    for (const [from, to] of LAYER_TENSORS)
      add(
        `blk.${layer}.${from}.weight`,
        `model.layers.${layer}.${to}.weight`,
        from === 'attn_q' ? heads : from === 'attn_k' ? keyValueHeads : undefined,
      );
  add('output_norm.weight', 'model.norm.weight');
  return planned;
}

function planZeroHeads(hidden: number): PlannedTensor[] {
  const planned: PlannedTensor[] = [];
  const zeros = (name: string, ...shape: number[]): void => {
    const count = shape.reduce((product, size) => product * size, 1);
    planned.push({ name, shape, values: () => Promise.resolve(new Float32Array(count)) });
  };
  zeros('regression_layer.weight', OBJECTIVE_COUNT, hidden);
  let width = hidden;
  for (let layer = 0; layer <= GATE_HIDDEN_LAYERS; layer += 1) {
    const out = layer === GATE_HIDDEN_LAYERS ? OBJECTIVE_COUNT : GATE_HIDDEN;
    zeros(`gating.layers.${layer}.weight`, out, width);
    zeros(`gating.layers.${layer}.bias`, out);
    width = out;
  }
  const ones = Float32Array.of(1);
  planned.push({ name: 'gating.logit_scale', shape: [1], values: () => Promise.resolve(ones) });
  const identity = new Float32Array(OBJECTIVE_COUNT ** 2);
  for (let i = 0; i < OBJECTIVE_COUNT; i += 1) identity[i * OBJECTIVE_COUNT + i] = 1;
  planned.push({
    name: 'reward_transform_matrix',
    shape: [OBJECTIVE_COUNT, OBJECTIVE_COUNT],
    values: () => Promise.resolve(identity),
  });
  return planned;
}

async function writeF32Safetensors(path: string, tensors: readonly PlannedTensor[]): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const bytes = shape.reduce((product, size) => product * size, 4);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  let text = JSON.stringify(header);
  text = text.padEnd(Math.ceil(text.length / 8) * 8, ' ');
  const stream = createWriteStream(`${path}.part`);
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (!stream.write(bytes)) await once(stream, 'drain');
  };
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(text.length), true);
  await write(new Uint8Array(length.buffer));
  await write(new TextEncoder().encode(text));
  for (const tensor of tensors) {
    const values = await tensor.values();
    await write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  stream.end();
  await once(stream, 'close');
  await rename(`${path}.part`, path);
}

/**
 * Writes `out/{config.json,model.safetensors,tokenizer.json,tokenizer_config.json}` from the folder `source` (see the base
 * model's README there): its one `*.gguf`, `config.json` and tokenizer files.
 * @param gains of the norms (`norm-gains.ts`). @param layers how many of the base model's decoder layers to keep; the final norm is applied after the last kept one.
 * @param change what to write instead of a tensor's values, for experiments with the weights.
 */
export async function writeHuggingFaceFolder(
  source: string,
  ggufName: string,
  out: string,
  layers: number,
  gains: NormGains,
  change: (name: string, values: Float32Array) => Float32Array = (_, values) => values,
): Promise<void> {
  await mkdir(out, { recursive: true });
  const file = await openGguf(memorySource(ggufName, new Uint8Array(await readFile(join(source, ggufName)))));
  const config = parseJsonRecord(await readFile(join(source, 'config.json'), 'utf8'), 'config.json');
  const hidden = Number(config['hidden_size']);
  const heads = Number(config['num_attention_heads']);
  const keyValueHeads = Number(config['num_key_value_heads']);
  await writeF32Safetensors(join(out, 'model.safetensors'), [
    ...planBackbone(file, layers, heads, keyValueHeads).map((tensor) => ({
      ...tensor,
      values: async () => change(tensor.name, withNormGains(gains, tensor.name, await tensor.values())),
    })),
    ...planZeroHeads(hidden),
  ]);
  const ours = {
    ...config,
    architectures: ['LlamaForRewardModelWithGating'],
    num_hidden_layers: layers,
    torch_dtype: 'float32',
    num_labels: OBJECTIVE_COUNT,
    gating_hidden_dim: GATE_HIDDEN,
    gating_n_hidden: GATE_HIDDEN_LAYERS,
  };
  await writeFile(join(out, 'config.json'), `${JSON.stringify(ours, undefined, 2)}\n`);
  await copyFile(join(source, 'tokenizer.json'), join(out, 'tokenizer.json'));
  const tokenizerConfig = {
    ...parseJsonRecord(await readFile(join(source, 'tokenizer_config.json'), 'utf8'), 'tokenizer_config.json'),
    chat_template: EMBEDDED_CHAT_TEMPLATE,
  };
  await writeFile(join(out, 'tokenizer_config.json'), `${JSON.stringify(tokenizerConfig, undefined, 2)}\n`);
}
