/** What goes into a conversion and what comes out: options, injected tools, progress, report. Types only. */
import type { DoctorFinding } from '@/core/doctor-findings.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import type { MergedAdapter } from '@/formats/lora-adapter.ts';
import type { FileEntry, HeadOutputs, Manifest, Objective, Stage } from '@/formats/manifest.ts';
import type { BlockSource } from './carried-blocks.ts';
import type { Dtype } from './linear-encoder.ts';
import type { TemplateMessage, TextTools } from './model-tokens.ts';
import type { SlabRounder } from './slab-rounder.ts';
import type { StageRunner } from './stage-runner.ts';

export interface ConvertOptions {
  /** How the linear layers are stored. */
  readonly dtype: Dtype;
  /**
   * In a q4 package, the matrices of the values (`v_proj`) in 8 bits: they are few and round worst for scores (README's table). Blocks
   * that are carried over stay as they are.
   */
  readonly mixed?: boolean;
  /** Decoder layers in one stage; the last stage may have fewer. */
  readonly layersPerStage: number;
  /** Keep only the first layers; the final norm then follows the last one kept. */
  readonly maxLayers?: number;
  readonly name: string;
  readonly source: Manifest['source'];
  /** SPDX identifier or a sentence. Default: what the model card states, else `unknown`. */
  readonly licence?: string;
  readonly notice?: string;
  readonly description?: string;
  /** One entry per row of the regression layer; default: ArmoRM's names for 19, else numbers. */
  readonly objectives?: readonly Objective[];
  /** Heads from elsewhere: for a plain language model, which has none. Refused where the checkpoint brings its own. */
  readonly heads?: RewardHead;
  /** Blocks that the checkpoint's weights came in; a 4- or 8-bit package carries them over without rounding again. */
  readonly blocks?: BlockSource;
  /** A template instead of the checkpoint's own. Only for heads that were trained with it. */
  readonly chatTemplate?: string;
  /** A LoRA adapter's folder, merged while the weights stream by. */
  readonly adapter?: FileSet;
  /** Measure more texts against f32 than the canaries. */
  readonly verify?: boolean;
}

/** A tokenised conversation and where its heads read. */
export interface EncodedText {
  readonly tokenIds: Int32Array;
  readonly scoredIndex: number;
  /** In `gateTokenIds` where there is one, else in `tokenIds`. */
  readonly gateIndex: number;
  readonly gateTokenIds?: Int32Array;
  /** First token of the response. */
  readonly responseStart: number;
  /** What the template wrote after the response's end of turn, cut from `tokenIds`. */
  readonly cutText: string;
  /** Where a search in the whole sequence finds the gate's marker last; absent for a rule without a marker. */
  readonly searchedGateIndex?: number;
  /** Whether the first token is the one tokenizer_config.json calls BOS; absent where it names none. */
  readonly startsWithNamedBos?: boolean;
}

export interface ChatEncoder {
  encode(messages: readonly TemplateMessage[], response: string): EncodedText;
}

/** What of a manifest decides how a conversation is tokenised. */
export interface ChatRules {
  readonly tokens: Manifest['tokens'];
  readonly gate: { readonly rule: Manifest['gate']['rule'] };
  readonly architecture: Pick<Manifest['architecture'], 'maxPositions' | 'vocabSize'>;
}

/** What the converter cannot do itself, because it knows neither ONNX Runtime nor a tokenizer library nor a disk. */
export interface ConvertTools {
  /** @param tokenizerJson parsed `tokenizer.json`. @param tokenizerConfig parsed `tokenizer_config.json`. */
  textTools(chatTemplate: string, tokenizerJson: unknown, tokenizerConfig: unknown): TextTools;
  chatEncoder(rules: ChatRules, tokenizerJson: unknown, tokenizerConfig: unknown): ChatEncoder;
  readonly stageRunner: StageRunner;
  /** Where weights are rounded; default: on this thread. */
  readonly rounder?: SlabRounder;
}

export type ConvertProgress =
  | { readonly stage: 'convert'; readonly tensor: string; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly stage: 'prove'; readonly done: number; readonly total: number };

export interface ConvertCall {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ConvertProgress) => void;
  /** Where an interrupted conversion of this checkpoint with these options stood; its finished files are still in the sink. */
  readonly resume?: ConversionState;
  /** Told where the conversion stands after the embedding and after every stage; waited for. */
  readonly onState?: (state: ConversionState) => Promise<void>;
}

/** All that the next stage needs of those before it. */
export interface ConversionState {
  readonly embedding: FileEntry;
  readonly stages: readonly Stage[];
  readonly reports: readonly TensorReport[];
  readonly storedOtherwise: readonly string[];
  readonly doneBytes: number;
  /** The reference's residual stream after the last layer done: f32 [tokens of all texts, hiddenSize]. */
  readonly hidden: Float32Array<ArrayBuffer>;
}

export interface TensorReport {
  readonly tensor: string;
  /** How it is stored. */
  readonly form: string;
  /** ‖w − w'‖ / ‖w‖. */
  readonly relativeError: number;
  /** max |w − w'|. */
  readonly largestError: number;
}

/** The same text by the unquantised f32 weights and by the package's own. */
export interface TextComparison {
  readonly kind: 'canary' | 'verify';
  readonly prompt: string;
  readonly reference: HeadOutputs;
  readonly own: HeadOutputs;
}

export interface ConversionReport {
  readonly manifest: Manifest;
  /** What was merged into the weights. */
  readonly adapter?: MergedAdapter;
  readonly packageBytes: number;
  readonly tensors: readonly TensorReport[];
  readonly comparisons: readonly TextComparison[];
  /** What the checkpoint doctor found, the gravest first. */
  readonly findings: readonly DoctorFinding[];
}
