/**
 * Hugging Face checkpoint → model package. Streams matrix by matrix: what is in memory at a time is two matrices of
 * the backbone (one at work, one on its way) or the embedding's integers. Pure: files, tokenizer and ONNX Runtime are injected.
 *
 * Invariant: the manifest is written last, so a folder without one is visibly incomplete.
 */
import { examineCheckpoint } from '@/core/checkpoint-doctor.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import type { ByteSource, FileSet } from '@/formats/byte-source.ts';
import type { CheckpointTensors } from '@/formats/checkpoint-tensors.ts';
import { doctorFacts } from '@/formats/doctor-facts.ts';
import { FormatError } from '@/formats/errors.ts';
import { type CheckpointConfig, readCheckpointConfig } from '@/formats/hugging-face.ts';
import { readJsonFile } from '@/formats/json-file.ts';
import { openAdaptedTensors } from '@/formats/lora-adapter.ts';
import { manifestFiles } from '@/formats/manifest-checks.ts';
import type { Architecture, FileEntry } from '@/formats/manifest.ts';
import { readTokenizerConfig, TOKENIZER_CONFIG_FILE } from '@/formats/tokenizer-config.ts';
import { gateHiddenWidths, HEADS_FILE, verbosityDimensions, writeRewardHead } from '@/formats/package-heads.ts';
import { BackboneWriter } from './backbone-writer.ts';
import { checkTensors } from './backbone-tensors.ts';
import type { ConversionReport, ConvertCall, ConvertOptions, ConvertTools } from './conversion.ts';
import { canariesOf, headOutputsOf, prepareTexts, sequencesOf } from './head-outputs.ts';
import { writeManifest } from './manifest-writer.ts';
import { licenceOf } from './model-card.ts';
import { deriveModelTokens } from './model-tokens.ts';
import { defaultObjectives, plainObjective } from './objectives.ts';
import { type PackageSink, writePackageFile } from './package-sink.ts';
import { runPackage } from './package-pass.ts';
import { quantisationSummary } from './quantisation-summary.ts';
import { hasNoHeads, headTensorNames, readRewardHead } from './reward-head-tensors.ts';

const TOKENIZER_FILE = 'tokenizer.json';
/** Llama-3's has 9 MB; some have 30. */
const MAX_TOKENIZER_BYTES = 200_000_000;

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

  const conversion = new BackboneWriter(tensors, architecture, options, sink, tools, texts, call);
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

async function copyFile(
  source: ByteSource,
  name: string,
  sink: PackageSink,
  signal: AbortSignal | undefined,
): Promise<FileEntry> {
  return writePackageFile(sink, name, await source.read(0, source.size, signal));
}
