/**
 * Runs texts through the unquantised weights while the checkpoint streams by: each matrix is multiplied with every text's rows
 * and forgotten. So the reference costs one matrix of memory, no second read and no disk.
 */
import type { CheckpointTensors } from '@/formats/checkpoint-tensors.ts';
import type { Architecture } from '@/formats/manifest.ts';
import { EMBEDDING_TENSOR, FINAL_NORM_TENSOR, layerTensor, linearShape } from './backbone-tensors.ts';
import type { ConvertCall, ConvertTools } from './conversion.ts';
import { requireFinite } from './finite.ts';
import { LINEAR_NAMES, type LinearName } from './graph/decoder-stage.ts';
import type { Matrix } from './linear-encoder.ts';
import { addRows, attendRows, gateRows, normRows, type RowRange } from './reference-layer.ts';
import type { StageRunner } from './stage-runner.ts';

/** One tokenised sequence and the rows of it that the heads read. */
export interface SequenceRows {
  readonly tokenIds: Int32Array;
  readonly rows: readonly number[];
}

type Rows = Float32Array<ArrayBuffer>;

/** f32 [d] each. */
export interface LayerNorms {
  readonly inputNorm: Float32Array;
  readonly postAttentionNorm: Float32Array;
}

/** Weights of one product at a time: what a runtime copies of them stays small. */
const SLAB_VALUES = 16 * 1024 * 1024;

export class ReferencePass {
  private readonly architecture: Architecture;
  private readonly runner: Pick<StageRunner, 'multiply'>;
  private readonly sequences: readonly (RowRange & { readonly rows: readonly number[] })[];
  /** Residual stream of all sequences, one below the other: f32 [tokens, hiddenSize]. */
  private readonly hidden: Rows;
  private layer: { readonly norms: LayerNorms; readonly products: Map<LinearName, Rows>; inputs: Rows } | undefined;

  /** @param embedded f32 [tokens, hiddenSize] of every sequence, from the checkpoint's own rows. */
  constructor(
    architecture: Architecture,
    runner: Pick<StageRunner, 'multiply'>,
    sequences: readonly SequenceRows[],
    embedded: readonly Rows[],
  ) {
    this.architecture = architecture;
    this.runner = runner;
    let begin = 0;
    this.sequences = sequences.map(({ tokenIds, rows }) => {
      const range = { begin, end: begin + tokenIds.length, rows };
      begin = range.end;
      return range;
    });
    this.hidden = new Float32Array(begin * architecture.hiddenSize);
    for (const [index, rows] of embedded.entries())
      this.hidden.set(rows, this.sequences[index]!.begin * architecture.hiddenSize);
  }

  /** The residual stream between two layers, to go on from later: f32 [tokens, hiddenSize], new memory. */
  snapshot(): Rows {
    return this.hidden.slice();
  }

  /** Goes on from a snapshot of the same texts. */
  restore(hidden: Rows): void {
    if (hidden.length !== this.hidden.length) throw new RangeError('the snapshot is of other texts');
    this.hidden.set(hidden);
  }

  /** Begins a layer; its seven matrices follow, in `LINEAR_NAMES`' order. */
  beginLayer(norms: LayerNorms): void {
    const inputs = normRows(this.hidden, norms.inputNorm, this.architecture.rmsNormEps);
    this.layer = { norms, products: new Map(), inputs };
  }

  /** Takes the next matrix of the layer. */
  async addLinear(name: LinearName, matrix: Matrix): Promise<void> {
    const { layer, architecture, hidden } = this;
    if (layer === undefined || layer.products.size !== LINEAR_NAMES.indexOf(name))
      throw new Error(`${name} is not the matrix that comes next`);
    const product = await this.multiply(layer.inputs, matrix);
    layer.products.set(name, product);
    const made = (of: LinearName): Rows => layer.products.get(of)!;
    if (name === 'self_attn.v_proj')
      layer.inputs = attendRows(
        architecture,
        this.sequences,
        made('self_attn.q_proj'),
        made('self_attn.k_proj'),
        product,
      );
    else if (name === 'self_attn.o_proj') {
      addRows(hidden, product);
      layer.inputs = normRows(hidden, layer.norms.postAttentionNorm, architecture.rmsNormEps);
    } else if (name === 'mlp.up_proj') layer.inputs = gateRows(made('mlp.gate_proj'), product);
    else if (name === 'mlp.down_proj') addRows(hidden, product);
  }

  /** After the last layer: f32 [rows, hiddenSize] of every sequence, under the final norm. */
  features(finalNorm: Float32Array): readonly Rows[] {
    const d = this.architecture.hiddenSize;
    return this.sequences.map(({ begin, rows }) => {
      const wanted = new Float32Array(rows.length * d);
      for (const [index, row] of rows.entries())
        wanted.set(this.hidden.subarray((begin + row) * d, (begin + row + 1) * d), index * d);
      return normRows(wanted, finalNorm, this.architecture.rmsNormEps);
    });
  }

  /** x Wᵀ, a slab of W at a time. */
  private async multiply(x: Rows, { values, outputs, inputs }: Matrix): Promise<Rows> {
    const rows = x.length / inputs;
    const step = Math.max(1, Math.floor(SLAB_VALUES / inputs));
    if (outputs <= step) return this.runner.multiply(x, values, inputs);
    const result = new Float32Array(rows * outputs);
    for (let first = 0; first < outputs; first += step) {
      const count = Math.min(step, outputs - first);
      const part = await this.runner.multiply(x, values.subarray(first * inputs, (first + count) * inputs), inputs);
      for (let row = 0; row < rows; row++)
        result.set(part.subarray(row * count, (row + 1) * count), row * outputs + first);
    }
    return result;
  }
}

/** The checkpoint's own embedding rows, f32 [tokens, hiddenSize] for every sequence. */
export async function embedSequences(
  tensors: CheckpointTensors,
  sequences: readonly SequenceRows[],
  signal?: AbortSignal,
): Promise<Rows[]> {
  const rows = new Map<number, Float32Array>();
  const embedded: Rows[] = [];
  for (const { tokenIds } of sequences) {
    const d = tensors.require(EMBEDDING_TENSOR).shape[1] ?? 0;
    const hidden = new Float32Array(tokenIds.length * d);
    for (const [index, id] of tokenIds.entries()) {
      let row = rows.get(id);
      if (row === undefined) {
        row = await tensors.readRowsAsFloat32(EMBEDDING_TENSOR, id, 1, signal);
        rows.set(id, row);
      }
      hidden.set(row, index * d);
    }
    embedded.push(hidden);
  }
  return embedded;
}

/** A whole reference pass with nothing beside it: f32 [rows, hiddenSize] of every sequence. @throws FormatError */
export async function runReference(
  tensors: CheckpointTensors,
  architecture: Architecture,
  sequences: readonly SequenceRows[],
  tools: Pick<ConvertTools, 'stageRunner'>,
  { signal, onProgress }: ConvertCall,
): Promise<readonly Rows[]> {
  const embedded = await embedSequences(tensors, sequences, signal);
  const pass = new ReferencePass(architecture, tools.stageRunner, sequences, embedded);
  const read = async (tensor: string): Promise<Rows> => {
    const values = await tensors.readAsFloat32(tensor, signal);
    requireFinite(values, tensors.where(tensor));
    return values;
  };
  for (let layer = 0; layer < architecture.layers; layer++) {
    onProgress?.({ stage: 'prove', done: layer, total: architecture.layers });
    pass.beginLayer({
      inputNorm: await read(layerTensor(layer, 'input_layernorm')),
      postAttentionNorm: await read(layerTensor(layer, 'post_attention_layernorm')),
    });
    for (const name of LINEAR_NAMES) {
      signal?.throwIfAborted();
      const [outputs, inputs] = linearShape(architecture, name);
      await pass.addLinear(name, { values: await read(layerTensor(layer, name)), outputs, inputs });
    }
  }
  onProgress?.({ stage: 'prove', done: architecture.layers, total: architecture.layers });
  return pass.features(await read(FINAL_NORM_TENSOR));
}
