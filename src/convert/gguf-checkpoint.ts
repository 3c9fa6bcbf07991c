/**
 * A Llama-family GGUF file as a checkpoint in Hugging Face layout, without writing one: `config.json` from its metadata, and a
 * `model.safetensors` whose bytes are computed where they are read. Values that lie in blocks of 4 or 8 bits can also be read as
 * those blocks, so that a package carries them over unrounded. The reward heads come from elsewhere.
 *
 * No Node and no DOM: the file is a `ByteSource`, the tokenizer's files a `FileSet`.
 */
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import { SINGLE_FILE } from '@/formats/checkpoint-tensors.ts';
import { FormatError } from '@/formats/errors.ts';
import {
  dequantiseGguf,
  isGgufBlockType,
  readGgufRows,
  requireValueType,
  unpackGgufBlocks,
  unpermuteRotaryRows,
} from '@/formats/gguf-blocks.ts';
import { type GgufFile, type GgufTensor, ggufWhere, openGguf, requireGgufTensor } from '@/formats/gguf.ts';
import { CONFIG_FILE } from '@/formats/hugging-face.ts';
import { checkRange, memorySource } from '@/formats/memory-source.ts';
import { layoutSafetensors, type SafetensorsLayout } from '@/formats/safetensors-writer.ts';
import type { SafetensorsDtype, TensorInfo } from '@/formats/safetensors.ts';
import { CHAT_TEMPLATE_FILE, TOKENIZER_CONFIG_FILE } from '@/formats/tokenizer-config.ts';
import { EMBEDDING_TENSOR, FINAL_NORM_TENSOR, layerTensor } from './backbone-tensors.ts';
import type { BlockSource } from './carried-blocks.ts';
import { type GgufShape, readGgufConfig, ROPE_FACTORS_TENSOR } from './gguf-config.ts';
import type { LinearName } from './graph/decoder-stage.ts';

export interface GgufCheckpoint {
  readonly files: FileSet;
  readonly blocks: BlockSource;
  /** `general.name`. */
  readonly name: string | undefined;
  /** `general.license`. */
  readonly licence: string | undefined;
}

/** llama.cpp's names of a layer's tensors. */
export const LAYER_TENSORS: readonly (readonly [
  gguf: string,
  ours: LinearName | 'input_layernorm' | 'post_attention_layernorm',
])[] = [
  ['attn_norm', 'input_layernorm'],
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_output', 'self_attn.o_proj'],
  ['ffn_norm', 'post_attention_layernorm'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_down', 'mlp.down_proj'],
];
/** The language model's output layer, which no reward reads; often of a type that could not be read. */
const OUTPUT_TENSOR = 'output.weight';
const BLOCK_SIZE = 32;

interface Placed {
  readonly tensor: GgufTensor;
  /** Heads whose rows llama.cpp has interleaved. */
  readonly rotaryHeads?: number;
}

/**
 * @param tokenizer where `tokenizer.json`, `tokenizer_config.json` and, if there is one, `chat_template.jinja` are; nothing else is
 * taken from it.
 * @throws FormatError naming the key or tensor that is missing, of a type that is not read, or not a Llama's.
 */
export async function openGgufCheckpoint(
  source: ByteSource,
  tokenizer: FileSet,
  signal?: AbortSignal,
): Promise<GgufCheckpoint> {
  const file = await openGguf(source, signal);
  const { shape, config } = await readGgufConfig(file, signal);
  const placed = placeTensors(file, shape);
  const layout = layoutSafetensors(
    [...placed].map(([name, { tensor }]) => ({
      name,
      dtype: dtypeOf(tensor, source.name),
      shape: tensor.shape,
    })),
    { format: 'pt' },
    source.name,
  );
  const values = new GgufValues(source, shape.headDim, placed);
  const weights: ByteSource = {
    name: source.name,
    size: layout.size,
    read: (offset, length, abort) => readVirtual(layout, values, source.name, offset, length, abort),
  };
  const configSource = memorySource(source.name, new TextEncoder().encode(JSON.stringify(config)));
  const ours = new Map([
    [CONFIG_FILE, configSource],
    [SINGLE_FILE, weights],
  ]);
  const text = (key: string): string | undefined => {
    const value = file.metadata.get(key);
    return typeof value === 'string' && value.trim() !== '' ? value : undefined;
  };
  return {
    files: {
      // What can be missing from these files is a tokenizer's.
      name: tokenizer.name,
      async open(path, abort) {
        const own = ours.get(path);
        if (own !== undefined) return own;
        const fromTokenizer = ['tokenizer.json', TOKENIZER_CONFIG_FILE, CHAT_TEMPLATE_FILE].includes(path);
        return fromTokenizer ? tokenizer.open(path, abort) : undefined;
      },
    },
    blocks: values,
    name: text('general.name'),
    licence: text('general.license'),
  };
}

/** Every tensor by its Hugging Face name; surplus ones are refused. */
function placeTensors(
  file: GgufFile,
  { layers, attentionHeads, keyValueHeads, headDim }: GgufShape,
): Map<string, Placed> {
  const placed = new Map<string, Placed>();
  const used = new Set([OUTPUT_TENSOR, ROPE_FACTORS_TENSOR]);
  const place = (gguf: string, name: string, rotaryHeads?: number): void => {
    const tensor = requireGgufTensor(file, gguf);
    used.add(gguf);
    if (rotaryHeads !== undefined && tensor.shape[0] !== rotaryHeads * headDim)
      throw new FormatError(
        'mismatch',
        ggufWhere(file.source.name, gguf),
        `has ${tensor.shape[0]} rows where ${rotaryHeads} heads of ${headDim} are expected.`,
      );
    placed.set(name, { tensor, ...(rotaryHeads === undefined ? {} : { rotaryHeads }) });
  };
  place('token_embd.weight', EMBEDDING_TENSOR);
  place('output_norm.weight', FINAL_NORM_TENSOR);
  for (let layer = 0; layer < layers; layer += 1)
    for (const [gguf, ours] of LAYER_TENSORS)
      place(
        `blk.${layer}.${gguf}.weight`,
        layerTensor(layer, ours),
        gguf === 'attn_q' ? attentionHeads : gguf === 'attn_k' ? keyValueHeads : undefined,
      );
  for (const name of file.tensors.keys())
    if (!used.has(name))
      throw new FormatError('unsupported', ggufWhere(file.source.name, name), 'is not a tensor of a Llama this reads.');
  return placed;
}

/** Plain numbers keep their dtype; blocks are read as f32. */
function dtypeOf(tensor: GgufTensor, file: string): SafetensorsDtype {
  const type = requireValueType(tensor, file);
  return isGgufBlockType(type) ? 'F32' : type;
}

class GgufValues implements BlockSource {
  private readonly source: ByteSource;
  private readonly headDim: number;
  private readonly placed: ReadonlyMap<string, Placed>;

  constructor(source: ByteSource, headDim: number, placed: ReadonlyMap<string, Placed>) {
    this.source = source;
    this.headDim = headDim;
    this.placed = placed;
  }

  formOf(tensor: string): ReturnType<BlockSource['formOf']> {
    const type = this.placed.get(tensor)?.tensor.type;
    if (type === undefined || !isGgufBlockType(type)) return undefined;
    return { name: type, hasMinima: type === 'Q4_1' };
  }

  async readRows(
    tensor: string,
    first: number,
    count: number,
    signal?: AbortSignal,
  ): ReturnType<BlockSource['readRows']> {
    const { type } = this.require(tensor).tensor;
    if (!isGgufBlockType(type)) throw new Error(`${tensor} has no blocks`);
    const raw = await this.rawRows(tensor, first, count, signal);
    return { bits: type === 'Q8_0' ? 8 : 4, blockSize: BLOCK_SIZE, ...unpackGgufBlocks(raw, type) };
  }

  /** Values of rows as the virtual file stores them: f32 of blocks, otherwise the tensor's own bytes. */
  async storedRows(
    tensor: string,
    first: number,
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { type } = this.require(tensor).tensor;
    const raw = await this.rawRows(tensor, first, count, signal);
    if (!isGgufBlockType(type)) return raw;
    const values = dequantiseGguf(raw, type);
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }

  /** Rows in Hugging Face's order. */
  private async rawRows(
    name: string,
    first: number,
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { tensor, rotaryHeads } = this.require(name);
    if (rotaryHeads === undefined) return readGgufRows(this.source, tensor, first, count, signal);
    // A head's rows are mixed among themselves: whole heads are read.
    const firstHead = Math.floor(first / this.headDim);
    const heads = Math.ceil((first + count) / this.headDim) - firstHead;
    const raw = await readGgufRows(this.source, tensor, firstHead * this.headDim, heads * this.headDim, signal);
    const ordered = unpermuteRotaryRows(raw, new Uint8Array(raw.length), heads, this.headDim);
    const rowBytes = tensor.bytes / tensor.shape[0]!;
    const skipped = (first - firstHead * this.headDim) * rowBytes;
    return ordered.slice(skipped, skipped + count * rowBytes);
  }

  private require(name: string): Placed {
    const placed = this.placed.get(name);
    if (placed === undefined) throw new Error(`no tensor ${name}`);
    return placed;
  }
}

/** Any bytes of the file that `layout` describes. */
async function readVirtual(
  layout: SafetensorsLayout,
  values: GgufValues,
  name: string,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  signal?.throwIfAborted();
  checkRange(name, layout.size, offset, length);
  const end = offset + length;
  const overlapping = [...layout.header.tensors.values()].filter((info) => info.begin < end && info.end > offset);
  const [only] = overlapping;
  if (only !== undefined && only.begin === offset && only.end === end)
    return values.storedRows(only.name, 0, only.shape[0]!, signal);
  const bytes = new Uint8Array(length);
  bytes.set(layout.headerBytes.subarray(Math.min(offset, layout.headerBytes.length), end));
  for (const info of overlapping) {
    const from = Math.max(offset, info.begin);
    const part = await readPart(values, info, from, Math.min(end, info.end), signal);
    bytes.set(part, from - offset);
  }
  return bytes;
}

async function readPart(
  values: GgufValues,
  { name, shape, begin, end }: TensorInfo,
  from: number,
  to: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const rowBytes = (end - begin) / shape[0]!;
  const first = Math.floor((from - begin) / rowBytes);
  const count = Math.ceil((to - begin) / rowBytes) - first;
  const rows = await values.storedRows(name, first, count, signal);
  const skipped = from - begin - first * rowBytes;
  return rows.subarray(skipped, skipped + (to - from));
}
