/**
 * The weights' part of a conversion: embedding and stages, with the f32 reference that runs beside them.
 *
 * In memory at a time are two matrices of the backbone, one at work and one on its way, or the embedding's integers.
 */
import type { CheckpointTensors } from '@/formats/checkpoint-tensors.ts';
import { blockValues } from '@/formats/gguf-blocks.ts';
import type { Architecture, FileEntry, Stage } from '@/formats/manifest.ts';
import { EMBEDDING_TENSOR, FINAL_NORM_TENSOR, layerTensor, linearShape } from './backbone-tensors.ts';
import { carriedForm } from './carried-blocks.ts';
import type { ConvertCall, ConvertOptions, ConvertTools, TensorReport } from './conversion.ts';
import { writeEmbedding } from './embedding-writer.ts';
import { requireFinite } from './finite.ts';
import {
  buildDecoderStage,
  gatherLinears,
  LINEAR_NAMES,
  type LinearName,
  type StoredLayer,
  type StoredLinear,
} from './graph/decoder-stage.ts';
import { type PreparedText, sequencesOf } from './head-outputs.ts';
import { carriesBlocks, DataFile, type Dtype, encodeLinear, type Matrix, relativeError } from './linear-encoder.ts';
import { type PackageSink, writePackageFile } from './package-sink.ts';
import { embedSequences, ReferencePass } from './reference-pass.ts';

/** Written into every graph. */
const PRODUCER_VERSION = '1';

export class BackboneWriter {
  readonly storedOtherwise: string[] = [];
  private readonly tensors: CheckpointTensors;
  private readonly architecture: Architecture;
  private readonly options: ConvertOptions;
  private readonly sink: PackageSink;
  private readonly tools: ConvertTools;
  private readonly texts: readonly PreparedText[];
  private readonly call: ConvertCall;
  private readonly reports: TensorReport[] = [];
  private readonly totalBytes: number;
  private doneBytes = 0;

  constructor(
    tensors: CheckpointTensors,
    architecture: Architecture,
    options: ConvertOptions,
    sink: PackageSink,
    tools: ConvertTools,
    texts: readonly PreparedText[],
    call: ConvertCall,
  ) {
    this.tensors = tensors;
    this.architecture = architecture;
    this.options = options;
    this.sink = sink;
    this.tools = tools;
    this.texts = texts;
    this.call = call;
    let total = this.bytesOf(EMBEDDING_TENSOR);
    for (let layer = 0; layer < architecture.layers; layer++)
      for (const name of LINEAR_NAMES) total += this.bytesOf(layerTensor(layer, name));
    this.totalBytes = total;
  }

  async run() {
    const { signal, resume } = this.call;
    const embedding = resume === undefined ? await this.writeEmbeddingFile() : resume.embedding;
    const sequences = sequencesOf(this.texts);
    const embedded = await embedSequences(this.tensors, sequences, signal);
    const reference = new ReferencePass(this.architecture, this.tools.stageRunner, sequences, embedded);
    const finalNorm = await this.read(FINAL_NORM_TENSOR);
    const stages: Stage[] = [];
    if (resume === undefined) await this.announceState(embedding, stages, reference);
    else {
      stages.push(...resume.stages);
      this.reports.push(...resume.reports);
      this.storedOtherwise.push(...resume.storedOtherwise);
      reference.restore(resume.hidden);
      this.advance(EMBEDDING_TENSOR, resume.doneBytes);
    }
    const { layers } = this.architecture;
    for (let first = stages.at(-1)?.endLayer ?? 0; first < layers; first += this.options.layersPerStage) {
      const end = Math.min(first + this.options.layersPerStage, layers);
      stages.push(await this.writeStage(stages.length, first, end, finalNorm, reference));
      await this.announceState(embedding, stages, reference);
    }
    return { embedding, stages, referenceFeatures: reference.features(finalNorm), reports: this.reports };
  }

  private async writeEmbeddingFile(): Promise<FileEntry> {
    const { signal } = this.call;
    const written = await writeEmbedding(this.tensors, this.architecture, this.options.dtype, this.sink, {
      ...(signal === undefined ? {} : { signal }),
      ...(this.options.blocks === undefined ? {} : { blocks: this.options.blocks }),
      ...(this.tools.rounder === undefined ? {} : { rounder: this.tools.rounder }),
      onBytes: (bytes) => this.advance(EMBEDDING_TENSOR, bytes),
    });
    this.report(EMBEDDING_TENSOR, written.form, written.error);
    return written.entry;
  }

  private async announceState(embedding: FileEntry, stages: readonly Stage[], reference: ReferencePass): Promise<void> {
    const { reports, storedOtherwise, doneBytes } = this;
    const hidden = reference.snapshot();
    await this.call.onState?.({ embedding, stages: [...stages], reports, storedOtherwise, doneBytes, hidden });
  }

  private async writeStage(
    number: number,
    first: number,
    end: number,
    finalNorm: Float32Array,
    reference: ReferencePass,
  ): Promise<Stage> {
    const stem = `stage-${String(number).padStart(2, '0')}`;
    const dataName = `${stem}.data`;
    const file = await this.sink.create(dataName);
    const data = new DataFile(file, dataName);
    const stored: StoredLayer[] = [];
    for (let layer = first; layer < end; layer++) stored.push(await this.writeLayer(layer, data, reference));
    const dataEntry = await file.finish();
    const isLast = end === this.architecture.layers;
    const graph = buildDecoderStage({
      architecture: this.architecture,
      firstLayer: first,
      layers: stored,
      ...(isLast ? { finalNorm } : {}),
      producerVersion: PRODUCER_VERSION,
    });
    const graphEntry = await writePackageFile(this.sink, `${stem}.onnx`, graph);
    return { firstLayer: first, endLayer: end, graph: graphEntry, data: [dataEntry] };
  }

  private async writeLayer(layer: number, data: DataFile, reference: ReferencePass): Promise<StoredLayer> {
    const { signal } = this.call;
    const inputNorm = await this.read(layerTensor(layer, 'input_layernorm'));
    const postAttentionNorm = await this.read(layerTensor(layer, 'post_attention_layernorm'));
    reference.beginLayer({ inputNorm, postAttentionNorm });
    const linears = new Map<LinearName, StoredLinear>();
    let next = this.readLinear(layer, LINEAR_NAMES[0]);
    for (const [place, name] of LINEAR_NAMES.entries()) {
      const tensor = layerTensor(layer, name);
      const matrix = await next;
      signal?.throwIfAborted();
      // Beside the rounding, which may be on other threads: the reference's product, and the next matrix's way here.
      const dtype = dtypeOf(this.options, name);
      const encoding = encodeLinear(matrix, dtype, data, this.tools.rounder);
      const following = LINEAR_NAMES[place + 1];
      if (following !== undefined) next = this.readLinear(layer, following);
      const product = reference.addLinear(name, matrix);
      const [{ stored, error, fallback, carried }] = await allOf([encoding, product, next]);
      linears.set(name, stored);
      if (fallback !== undefined) this.storedOtherwise.push(`${tensor} as ${fallback}`);
      this.report(tensor, fallback ?? (carried === undefined ? dtype : carriedForm(carried)), error);
      this.advance(tensor, this.bytesOf(tensor));
    }
    return { inputNorm, postAttentionNorm, linears: gatherLinears(linears) };
  }

  /** The blocks that the values come in, where the package takes them; the file is read once either way. */
  private async readLinear(layer: number, name: LinearName): Promise<Matrix> {
    const tensor = layerTensor(layer, name);
    const [outputs, inputs] = linearShape(this.architecture, name);
    const { blocks: source, dtype } = this.options;
    const form = carriesBlocks(dtype) ? source?.formOf(tensor) : undefined;
    // Blocks from before an adapter's change are not its values.
    if (source === undefined || form === undefined || this.tensors.isChanged(tensor)) {
      const values = await this.tensors.readAsFloat32(tensor, this.call.signal);
      return { values, outputs, inputs, largest: requireFinite(values, this.tensors.where(tensor)) };
    }
    const blocks = await source.readRows(tensor, 0, outputs, this.call.signal);
    const values = blockValues(blocks);
    const largest = requireFinite(values, this.tensors.where(tensor));
    return { values, outputs, inputs, largest, carried: { name: form.name, blocks } };
  }

  private async read(tensor: string): Promise<Float32Array<ArrayBuffer>> {
    const values = await this.tensors.readAsFloat32(tensor, this.call.signal);
    requireFinite(values, this.tensors.where(tensor));
    return values;
  }

  private report(tensor: string, form: string, error: Parameters<typeof relativeError>[0]): void {
    this.reports.push({ tensor, form, relativeError: relativeError(error), largestError: error.largestError });
  }

  private bytesOf(tensor: string): number {
    const { begin, end } = this.tensors.require(tensor);
    return end - begin;
  }

  private advance(tensor: string, bytes: number): void {
    this.doneBytes = Math.min(this.doneBytes + bytes, this.totalBytes);
    this.call.onProgress?.({ stage: 'convert', tensor, doneBytes: this.doneBytes, totalBytes: this.totalBytes });
  }
}

/** How one of a layer's matrices is stored. */
function dtypeOf({ dtype, mixed }: ConvertOptions, name: LinearName): Dtype {
  return dtype === 'q4' && mixed === true && name === 'self_attn.v_proj' ? 'q8' : dtype;
}

/** Waits for all, also after a failure, so that nothing goes on behind an error; then throws the first. */
async function allOf<T extends readonly Promise<unknown>[]>(
  promises: readonly [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
