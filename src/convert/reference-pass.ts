/**
 * Runs texts through unquantised f32 layers while the checkpoint streams by: each layer is written to a scratch place as a
 * stage of its own, run over every text, and thrown away. So the reference costs one layer of memory and no second read.
 */
import type { CheckpointTensors } from '@/formats/checkpoint-tensors.ts';
import type { Architecture } from '@/formats/manifest.ts';
import { EMBEDDING_TENSOR, FINAL_NORM_TENSOR, layerTensor, linearShape } from './backbone-tensors.ts';
import type { ConvertCall, ConvertTools } from './conversion.ts';
import { requireFinite } from './finite.ts';
import {
  buildDecoderStage,
  gatherLinears,
  LINEAR_NAMES,
  type LinearName,
  type StoredLinear,
} from './graph/decoder-stage.ts';
import { DataFile, encodeLinear, type Matrix } from './linear-encoder.ts';
import { type PackageFile, type PackageSink, writePackageFile } from './package-sink.ts';
import type { StageRunner } from './stage-runner.ts';

/** One tokenised sequence and the rows of it that the heads read. */
export interface SequenceRows {
  readonly tokenIds: Int32Array;
  readonly rows: readonly number[];
}

const GRAPH_FILE = 'layer.onnx';
const DATA_FILE = 'layer.data';

export class ReferencePass {
  private readonly architecture: Architecture;
  private readonly runner: StageRunner;
  private readonly scratch: PackageSink;
  private readonly sequences: {
    readonly rows: readonly number[];
    readonly tokens: number;
    hidden: Float32Array<ArrayBuffer>;
  }[];
  private open:
    | { readonly file: PackageFile; readonly data: DataFile; readonly linears: Map<LinearName, StoredLinear> }
    | undefined;

  /** @param embedded f32 [tokens, hiddenSize] of every sequence, from the checkpoint's own rows; taken over. */
  constructor(
    architecture: Architecture,
    runner: StageRunner,
    scratch: PackageSink,
    sequences: readonly SequenceRows[],
    embedded: readonly Float32Array<ArrayBuffer>[],
  ) {
    this.architecture = architecture;
    this.runner = runner;
    this.scratch = scratch;
    this.sequences = sequences.map(({ tokenIds, rows }, index) => ({
      rows,
      tokens: tokenIds.length,
      hidden: embedded[index]!,
    }));
  }

  /** Takes one of the seven matrices of the layer at hand. */
  async addLinear(name: LinearName, matrix: Matrix): Promise<void> {
    if (this.open === undefined) {
      const file = await this.scratch.create(DATA_FILE);
      this.open = { file, data: new DataFile(file, DATA_FILE), linears: new Map() };
    }
    const { stored } = await encodeLinear(matrix, 'f32', this.open.data);
    this.open.linears.set(name, stored);
  }

  /** Runs the layer over every sequence. The last one also applies the final norm and keeps only the wanted rows. */
  async finishLayer(
    layer: number,
    norms: {
      readonly inputNorm: Float32Array;
      readonly postAttentionNorm: Float32Array;
      readonly finalNorm?: Float32Array;
    },
    signal?: AbortSignal,
  ): Promise<void> {
    if (this.open === undefined) throw new Error(`layer ${layer} has no matrices`);
    const { file, linears } = this.open;
    this.open = undefined;
    await file.finish();
    const { inputNorm, postAttentionNorm, finalNorm } = norms;
    const graph = buildDecoderStage({
      architecture: this.architecture,
      firstLayer: layer,
      layers: [{ inputNorm, postAttentionNorm, linears: gatherLinears(linears) }],
      ...(finalNorm === undefined ? {} : { finalNorm }),
      producerVersion: '',
    });
    await writePackageFile(this.scratch, GRAPH_FILE, graph);
    const graphSource = await this.scratch.files.open(GRAPH_FILE);
    const dataSource = await this.scratch.files.open(DATA_FILE);
    if (graphSource === undefined || dataSource === undefined) throw new Error('the scratch files are gone');
    const stage = await this.runner.open(
      {
        architecture: this.architecture,
        firstLayer: layer,
        endLayer: layer + 1,
        graph: graphSource,
        data: [{ name: DATA_FILE, bytes: dataSource }],
      },
      signal,
    );
    try {
      for (const sequence of this.sequences) {
        signal?.throwIfAborted();
        sequence.hidden = await stage.run(
          sequence.hidden,
          sequence.tokens,
          finalNorm === undefined ? undefined : sequence.rows,
        );
      }
    } finally {
      await stage.close();
      await this.scratch.discard();
    }
  }

  /** After the last layer: f32 [rows, hiddenSize] of every sequence. */
  features(): readonly Float32Array<ArrayBuffer>[] {
    return this.sequences.map(({ hidden }) => hidden);
  }
}

/** The checkpoint's own embedding rows, f32 [tokens, hiddenSize] for every sequence. */
export async function embedSequences(
  tensors: CheckpointTensors,
  sequences: readonly SequenceRows[],
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>[]> {
  const rows = new Map<number, Float32Array>();
  const embedded: Float32Array<ArrayBuffer>[] = [];
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
  tools: Pick<ConvertTools, 'stageRunner' | 'scratch'>,
  { signal, onProgress }: ConvertCall,
): Promise<readonly Float32Array<ArrayBuffer>[]> {
  const embedded = await embedSequences(tensors, sequences, signal);
  const pass = new ReferencePass(architecture, tools.stageRunner, tools.scratch, sequences, embedded);
  const read = async (tensor: string): Promise<Float32Array<ArrayBuffer>> => {
    const values = await tensors.readAsFloat32(tensor, signal);
    requireFinite(values, tensors.where(tensor));
    return values;
  };
  for (let layer = 0; layer < architecture.layers; layer++) {
    onProgress?.({ stage: 'prove', done: layer, total: architecture.layers });
    for (const name of LINEAR_NAMES) {
      const [outputs, inputs] = linearShape(architecture, name);
      await pass.addLinear(name, { values: await read(layerTensor(layer, name)), outputs, inputs });
    }
    const norms = {
      inputNorm: await read(layerTensor(layer, 'input_layernorm')),
      postAttentionNorm: await read(layerTensor(layer, 'post_attention_layernorm')),
      ...(layer === architecture.layers - 1 ? { finalNorm: await read(FINAL_NORM_TENSOR) } : {}),
    };
    await pass.finishLayer(layer, norms, signal);
  }
  onProgress?.({ stage: 'prove', done: architecture.layers, total: architecture.layers });
  return pass.features();
}
