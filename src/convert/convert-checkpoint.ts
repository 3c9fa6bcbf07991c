/**
 * Hugging Face checkpoint → model package. Streams matrix by matrix: what is in memory at a time is one matrix of the
 * backbone or the embedding's integers. Pure: files, tokenizer and ONNX Runtime are injected.
 *
 * Invariant: the manifest is written last, so a folder without one is visibly incomplete.
 */
import { examineCheckpoint } from '@/core/checkpoint-doctor.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import type { CheckpointTensors } from '@/formats/checkpoint-tensors.ts';
import { doctorFacts } from '@/formats/doctor-facts.ts';
import { FormatError } from '@/formats/errors.ts';
import { blockValues } from '@/formats/gguf-blocks.ts';
import { type CheckpointConfig, readCheckpointConfig } from '@/formats/hugging-face.ts';
import { readJsonFile } from '@/formats/json-file.ts';
import { openAdaptedTensors } from '@/formats/lora-adapter.ts';
import { manifestFiles } from '@/formats/manifest-checks.ts';
import type { Architecture, FileEntry, Stage } from '@/formats/manifest.ts';
import { readTokenizerConfig, TOKENIZER_CONFIG_FILE } from '@/formats/tokenizer-config.ts';
import { gateHiddenWidths, HEADS_FILE, verbosityDimensions, writeRewardHead } from '@/formats/package-heads.ts';
import { checkTensors, EMBEDDING_TENSOR, FINAL_NORM_TENSOR, layerTensor, linearShape } from './backbone-tensors.ts';
import { carriedForm } from './carried-blocks.ts';
import type { ConversionReport, ConvertCall, ConvertOptions, ConvertTools, TensorReport } from './conversion.ts';
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
import { canariesOf, headOutputsOf, type PreparedText, prepareTexts, sequencesOf } from './head-outputs.ts';
import { carriesBlocks, DataFile, encodeLinear, type Matrix, relativeError } from './linear-encoder.ts';
import { writeManifest } from './manifest-writer.ts';
import { licenceOf } from './model-card.ts';
import { deriveModelTokens } from './model-tokens.ts';
import { defaultObjectives, plainObjective } from './objectives.ts';
import { type PackageSink, writePackageFile } from './package-sink.ts';
import { runPackage } from './package-pass.ts';
import { quantisationSummary } from './quantisation-summary.ts';
import { embedSequences, ReferencePass } from './reference-pass.ts';
import { hasNoHeads, headTensorNames, readRewardHead } from './reward-head-tensors.ts';

const TOKENIZER_FILE = 'tokenizer.json';
/** Llama-3's has 9 MB; some have 30. */
const MAX_TOKENIZER_BYTES = 200_000_000;
/** Written into every graph. */
const PRODUCER_VERSION = '1';

/**
 * @param checkpoint a folder in Hugging Face layout, wherever it is.
 * @throws FormatError naming the file, tensor or key; AbortError on abort. The sink is the caller's to discard on failure.
 */
export async function convertCheckpoint(
  checkpoint: FileSet,
  sink: PackageSink,
  options: ConvertOptions,
  tools: ConvertTools,
  call: ConvertCall = {},
): Promise<ConversionReport> {
  const { signal } = call;
  const config = await readCheckpointConfig(checkpoint, signal);
  const { tensors, adapter } = await openAdaptedTensors(checkpoint, options.adapter, signal);
  const unusedTensors = checkTensors(tensors, config.architecture, headTensorNames(tensors));
  const head = await chooseHead(tensors, config, options, signal);
  const architecture = shortened(config.architecture, options.maxLayers);
  const tokenizer = await openTokenizer(checkpoint, config, options, tools, signal);
  const texts = prepareTexts(
    tools.chatEncoder(
      { tokens: tokenizer.tokens, gate: { rule: tokenizer.rule }, architecture },
      tokenizer.json,
      tokenizer.config,
    ),
    options.verify ?? false,
  );

  const conversion = new Conversion(tensors, architecture, options, sink, tools, texts, call);
  const { embedding, stages, referenceFeatures, reports } = await conversion.run();
  const heads = await writePackageFile(sink, HEADS_FILE, writeRewardHead(head));
  const tokenizerEntry = await copyFile(tokenizer.source, TOKENIZER_FILE, sink, signal);
  const tokenizerConfig = await copyFile(tokenizer.configSource, TOKENIZER_CONFIG_FILE, sink, signal);

  const ownFeatures = await runPackage(
    sink.files,
    architecture,
    embedding,
    stages,
    sequencesOf(texts),
    tools.stageRunner,
    call,
  );
  const reference = headOutputsOf(texts, referenceFeatures, head);
  const own = headOutputsOf(texts, ownFeatures, head);
  const { objectives, namesFrom } = chooseObjectives(options, config, head.objectives);
  if (objectives.length !== head.objectives)
    throw new FormatError(
      'mismatch',
      'objectives',
      `${objectives.length} are named, but the heads have ${head.objectives}.`,
    );
  const { gate } = head;
  const manifest = await writeManifest(sink, {
    formatVersion: 1,
    name: options.name,
    ...(options.description === undefined ? {} : { description: options.description }),
    licence: options.licence ?? (await licenceOf(checkpoint, signal)) ?? 'unknown',
    ...(options.notice === undefined ? {} : { notice: options.notice }),
    source: options.source,
    architecture,
    dtype: options.dtype,
    ...quantisationSummary(options, reports),
    objectives: [...objectives],
    verbosityDimensions: verbosityDimensions(head),
    ...(gate.activeObjectives === undefined ? {} : { activeObjectives: [...gate.activeObjectives] }),
    gate: {
      rule: tokenizer.rule,
      temperature: gate.temperature,
      logitScale: gate.logitScale,
      hidden: gateHiddenWidths(head),
    },
    tokens: tokenizer.tokens,
    embedding,
    heads,
    tokenizer: tokenizerEntry,
    tokenizerConfig,
    stages,
    canaries: canariesOf(texts, reference, own),
    checkpoint: {
      namesFrom,
      tiedEmbedding: config.tiedEmbedding,
      unusedTensors,
      ignoredKeys: [...config.unknownKeys],
      storedOtherwise: conversion.storedOtherwise,
      // Heads from elsewhere may have been trained on the layers that are kept.
      ...(options.heads === undefined && architecture.layers < config.architecture.layers
        ? { layers: config.architecture.layers }
        : {}),
    },
  });
  const encoded = texts.flatMap((text) => (text.kind === 'canary' ? [text.encoded] : []));
  return {
    manifest,
    ...(adapter === undefined ? {} : { adapter }),
    packageBytes: manifestFiles(manifest).reduce((sum, { entry }) => sum + entry.bytes, 0),
    tensors: reports,
    comparisons: texts.map(({ kind, text }, index) => ({
      kind,
      prompt: text.messages.at(-1)?.content ?? '',
      reference: reference[index]!,
      own: own[index]!,
    })),
    findings: examineCheckpoint(doctorFacts(manifest, head, encoded)),
  };
}

function chooseObjectives({ objectives }: ConvertOptions, { gate }: CheckpointConfig, count: number) {
  if (objectives !== undefined) return { objectives, namesFrom: 'file' as const };
  const { objectiveNames: names } = gate;
  return names?.length === count
    ? { objectives: names.map((name) => plainObjective(name)), namesFrom: 'config' as const }
    : defaultObjectives(count);
}

async function chooseHead(
  tensors: CheckpointTensors,
  config: CheckpointConfig,
  options: ConvertOptions,
  signal: AbortSignal | undefined,
): Promise<RewardHead> {
  const { heads } = options;
  if (heads === undefined) return readRewardHead(tensors, config, signal);
  if (!hasNoHeads(tensors))
    throw new FormatError(
      'unsupported',
      tensors.where('regression_layer.weight'),
      'the checkpoint brings heads of its own.',
    );
  if (heads.featureSize !== config.architecture.hiddenSize)
    throw new FormatError(
      'mismatch',
      'heads',
      `they take features of ${heads.featureSize} numbers, the backbone makes ${config.architecture.hiddenSize}.`,
    );
  return heads;
}

function shortened(architecture: Architecture, maxLayers: number | undefined): Architecture {
  if (maxLayers === undefined || maxLayers >= architecture.layers) return architecture;
  return { ...architecture, layers: maxLayers };
}

async function openTokenizer(
  checkpoint: FileSet,
  config: CheckpointConfig,
  options: ConvertOptions,
  tools: ConvertTools,
  signal: AbortSignal | undefined,
) {
  const open = async (file: string): Promise<ByteSource> => {
    const source = await checkpoint.open(file, signal);
    if (source === undefined)
      throw new FormatError(
        'missing-file',
        file,
        `${checkpoint.name} does not have this file.`,
        "Put the model's own tokenizer files beside its weights.",
      );
    return source;
  };
  const source = await open(TOKENIZER_FILE);
  const configSource = await open(TOKENIZER_CONFIG_FILE);
  const json = await readJsonFile(source, MAX_TOKENIZER_BYTES, signal);
  const tokenizerConfig = await readJsonFile(configSource, MAX_TOKENIZER_BYTES, signal);
  const chatTemplate = options.chatTemplate ?? (await readTokenizerConfig(checkpoint, signal)).chatTemplate;
  const { rule, tokens } = deriveModelTokens(tools.textTools(chatTemplate, json, tokenizerConfig), chatTemplate, {
    bosTokenId: config.bosTokenId,
    sharedPromptGating: config.gate.sharedPromptGating,
  });
  return { source, configSource, json, config: tokenizerConfig, rule, tokens };
}

/** The weights' part of a conversion: embedding, stages, and the reference that runs beside them. */
class Conversion {
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
    for (const name of LINEAR_NAMES) {
      signal?.throwIfAborted();
      const tensor = layerTensor(layer, name);
      const [outputs, inputs] = linearShape(this.architecture, name);
      const matrix = await this.readMatrix(tensor, outputs, inputs);
      const { stored, error, fallback, carried } = await encodeLinear(matrix, this.options.dtype, data);
      linears.set(name, stored);
      if (fallback !== undefined) this.storedOtherwise.push(`${tensor} as ${fallback}`);
      this.report(tensor, fallback ?? (carried === undefined ? this.options.dtype : carriedForm(carried)), error);
      await reference.addLinear(name, matrix);
      this.advance(tensor, this.bytesOf(tensor));
    }
    return { inputNorm, postAttentionNorm, linears: gatherLinears(linears) };
  }

  /** The blocks that the values come in, where the package takes them; the file is read once either way. */
  private async readMatrix(tensor: string, outputs: number, inputs: number): Promise<Matrix> {
    const { blocks: source, dtype } = this.options;
    const form = carriesBlocks(dtype) ? source?.formOf(tensor) : undefined;
    // Blocks from before an adapter's change are not its values.
    if (source === undefined || form === undefined || this.tensors.isChanged(tensor))
      return { values: await this.read(tensor), outputs, inputs };
    const blocks = await source.readRows(tensor, 0, outputs, this.call.signal);
    const values = blockValues(blocks);
    requireFinite(values, this.tensors.where(tensor));
    return { values, outputs, inputs, carried: { name: form.name, blocks } };
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

async function copyFile(
  source: ByteSource,
  name: string,
  sink: PackageSink,
  signal: AbortSignal | undefined,
): Promise<FileEntry> {
  return writePackageFile(sink, name, await source.read(0, source.size, signal));
}
