/**
 * Runs texts through unquantised f32 layers while the checkpoint streams by: each layer is written to a scratch place as a
 * stage of its own, run over every text, and thrown away. So the reference costs one layer of memory and no second read.
 */
import type { Architecture } from '@/formats/manifest.ts';
import { buildDecoderStage, type LinearName, type StoredLinear } from './graph/decoder-stage.ts';
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
      // Every name was added, or building fails on the first that was not.
      layers: [
        { inputNorm, postAttentionNorm, linears: Object.fromEntries(linears) as Record<LinearName, StoredLinear> },
      ],
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
