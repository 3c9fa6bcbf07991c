/**
 * `armoscope.json`, format version 1: everything about a model package that is not a weight.
 * The schema below is the specification; `README.md` beside it says the same in prose.
 */
import * as v from 'valibot';

export const MANIFEST_FILE = 'armoscope.json';
export const MANIFEST_FORMAT_VERSION = 1;
/** Lies in a package's folder from the first byte that is written until the manifest is: a conversion that did not finish. */
export const INCOMPLETE_FILE = 'armoscope.incomplete.json';

const positiveInteger = v.pipe(v.number(), v.integer(), v.minValue(1));
const nonNegativeInteger = v.pipe(v.number(), v.integer(), v.minValue(0));
const finite = v.pipe(v.number(), v.finite());
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'));
/** A plain file name inside the package folder: no directories, so a manifest cannot point outside its package. */
const fileName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be a plain file name'));

/** What an objective's training labels were. */
export const labelKindSchema = v.picklist(['rated', 'proxy', 'computed', 'contrast', 'unknown']);

export const objectiveSchema = v.strictObject({
  /** ArmoRM's name, e.g. `helpsteer-verbosity`. */
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(120)),
  /** Objectives of one group share a colour: `helpsteer`, `ultrafeedback`, `safety`, `judge`, `code`, or anything else. */
  group: v.pipe(v.string(), v.minLength(1), v.maxLength(60)),
  description: v.pipe(v.string(), v.maxLength(2000)),
  /** Published inverse of the label scaling: `native = scale · r + offset` (armorm.md I10). Absent: show raw. */
  nativeScale: v.optional(
    v.strictObject({ scale: finite, offset: finite, min: finite, max: finite, unit: v.string() }),
  ),
  labels: v.strictObject({ kind: labelKindSchema, note: v.pipe(v.string(), v.maxLength(2000)) }),
});

/** A file of the package with what it must be. */
export const fileEntrySchema = v.strictObject({ file: fileName, bytes: nonNegativeInteger, sha256 });

export const stageSchema = v.strictObject({
  /** Half-open range of decoder layers held by this stage. Stages are consecutive and cover [0, architecture.layers). */
  firstLayer: nonNegativeInteger,
  endLayer: positiveInteger,
  graph: fileEntrySchema,
  /** External data of the graph, under the names its initialisers refer to. */
  data: v.array(fileEntrySchema),
});

/** Rotary position parameters (config.json `rope_theta`, `rope_scaling`). */
export const ropeSchema = v.strictObject({
  theta: v.pipe(finite, v.gtValue(0)),
  scaling: v.optional(
    v.strictObject({
      type: v.literal('llama3'),
      factor: v.pipe(finite, v.gtValue(0)),
      lowFreqFactor: v.pipe(finite, v.gtValue(0)),
      highFreqFactor: v.pipe(finite, v.gtValue(0)),
      originalMaxPositions: positiveInteger,
    }),
  ),
});

export const architectureSchema = v.strictObject({
  family: v.literal('llama'),
  hiddenSize: positiveInteger,
  layers: positiveInteger,
  attentionHeads: positiveInteger,
  keyValueHeads: positiveInteger,
  headDim: positiveInteger,
  intermediateSize: positiveInteger,
  vocabSize: positiveInteger,
  maxPositions: positiveInteger,
  rmsNormEps: v.pipe(finite, v.gtValue(0)),
  rope: ropeSchema,
});

/** Where the gate reads the prompt (armorm.md I3, I8 and "Descendants"). */
export const gateRuleSchema = v.variant('kind', [
  /** Hidden state at the start of the last occurrence of `tokenIds`: the end-of-turn token of the last user turn. */
  v.strictObject({
    kind: v.literal('last-pattern'),
    tokenIds: v.pipe(v.array(nonNegativeInteger), v.minLength(1), v.maxLength(64)),
    text: v.string(),
  }),
  /** Hidden state at the last token of the prompt rendered with the generation prompt (`shared_prompt_gating`). */
  v.strictObject({ kind: v.literal('prompt-last-token') }),
]);

/** Head outputs of one canary: everything `RewardEngine.score` derives from the two features. */
export const headOutputsSchema = v.strictObject({
  rewards: v.array(finite),
  gateWeights: v.array(finite),
  score: finite,
});

/** A text whose outputs are known, longer than 64 tokens (runtime.md "Attention"). */
export const canarySchema = v.strictObject({
  messages: v.array(v.strictObject({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() })),
  /** Ids the package's tokenizer and template must give. The last message is the assistant's. */
  tokenIds: v.array(nonNegativeInteger),
  /** From the unquantised weights, f32 on the CPU; absent where the heads were replaced by somebody without those weights. */
  reference: v.optional(headOutputsSchema),
  /** From this package's own weights, f32 activations on the CPU. A device is proven against these. */
  own: headOutputsSchema,
});

export const manifestSchema = v.strictObject({
  formatVersion: v.literal(MANIFEST_FORMAT_VERSION),
  /** Stable identity: `<slug>@<first 12 hex digits of the SHA-256 over all file hashes>`. */
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  description: v.optional(v.pipe(v.string(), v.maxLength(4000))),
  /** SPDX identifier or a sentence; `unknown` when the source states none. */
  licence: v.string(),
  notice: v.optional(v.string()),
  source: v.strictObject({ name: v.string(), revision: v.optional(v.string()), url: v.optional(v.string()) }),
  architecture: architectureSchema,
  /** Storage of the linear layers' weights; activations are f32. */
  dtype: v.picklist(['q4', 'q8', 'f16', 'f32']),
  /** Prose for the device panel and the report: block size, form, worst and mean relative error per tensor. */
  quantisation: v.optional(
    v.strictObject({
      form: v.string(),
      blockSize: positiveInteger,
      worstRelativeError: finite,
      meanRelativeError: finite,
    }),
  ),
  objectives: v.pipe(v.array(objectiveSchema), v.minLength(1), v.maxLength(256)),
  /** Columns whose reward measures length (armorm.md I5); `[4]` for ArmoRM. */
  verbosityDimensions: v.array(nonNegativeInteger),
  /** Objectives the gate may weigh; absent: all. Others get weight 0. */
  activeObjectives: v.optional(v.array(nonNegativeInteger)),
  gate: v.strictObject({
    rule: gateRuleSchema,
    temperature: v.pipe(finite, v.gtValue(0)),
    /** Σg. */
    logitScale: finite,
    /** Widths of the hidden layers, e.g. [1024, 1024, 1024]. */
    hidden: v.array(positiveInteger),
  }),
  tokens: v.strictObject({
    /** Jinja source; the package's own template, always used (armorm.md I7). */
    chatTemplate: v.string(),
    /** Beginning-of-sequence id which must occur exactly once, at the start; absent where the family has none. */
    bosId: v.optional(nonNegativeInteger),
    /** The last token of a scored sequence. Anything the template writes after its last occurrence is cut. */
    endOfTurnId: nonNegativeInteger,
  }),
  /** Token embedding rows, looked up on the CPU: f32/f16/bf16 `weight [V,d]`, or `weight` I8 + `scales` (see README). */
  embedding: fileEntrySchema,
  /** `regression.weight [k,d]`, `gate.{i}.weight`, `gate.{i}.bias`, `transform [k,k]`, all f32. */
  heads: fileEntrySchema,
  tokenizer: fileEntrySchema,
  tokenizerConfig: fileEntrySchema,
  stages: v.pipe(v.array(stageSchema), v.minLength(1)),
  canaries: v.array(canarySchema),
  /** What only the conversion saw of the checkpoint, for the checkpoint doctor. Absent: not known. */
  checkpoint: v.optional(
    v.strictObject({
      /** Where `objectives` got its names: a file, `id2label` of config.json, a published model with as many, or nowhere. */
      namesFrom: v.optional(v.picklist(['file', 'config', 'count', 'none'])),
      /** `tie_word_embeddings`. */
      tiedEmbedding: v.optional(v.boolean()),
      /** Tensors that no score reads. */
      unusedTensors: v.optional(v.array(v.pipe(v.string(), v.maxLength(300)))),
      /** Keys of config.json that the converter does not know. */
      ignoredKeys: v.optional(v.array(v.pipe(v.string(), v.maxLength(300)))),
      /** Decoder layers of the checkpoint, where its own heads stand on fewer. */
      layers: v.optional(positiveInteger),
      /** Matrices that `dtype` cannot hold, with the form they are stored in. */
      storedOtherwise: v.optional(v.array(v.pipe(v.string(), v.maxLength(300)))),
    }),
  ),
  /** Means of the raw rewards on a reference set, for the waterfall. */
  referenceMeans: v.optional(v.array(finite)),
  /** Learned Bradley-Terry scale β of the gate's training; absent where it was not published (probability then uses 1). */
  bradleyTerryBeta: v.optional(v.pipe(finite, v.gtValue(0))),
  /** What the rounding of the weights does to a margin, for "too close to call" (`score-noise.ts`). Absent: not measured. */
  scoreNoise: v.optional(
    v.strictObject({
      /**
       * Standard deviation (root mean square) of what rounding the weights to `dtype` adds to the margin of two responses to
       * one prompt, in units of the score.
       */
      marginDeviation: v.pipe(finite, v.minValue(0)),
      /** Pairs of responses it was measured on. */
      pairs: positiveInteger,
      /** How it was measured, in words. */
      method: v.pipe(v.string(), v.minLength(1), v.maxLength(2000)),
    }),
  ),
});

export type Manifest = v.InferOutput<typeof manifestSchema>;
export type Objective = v.InferOutput<typeof objectiveSchema>;
export type Stage = v.InferOutput<typeof stageSchema>;
export type Canary = v.InferOutput<typeof canarySchema>;
export type HeadOutputs = v.InferOutput<typeof headOutputsSchema>;
export type FileEntry = v.InferOutput<typeof fileEntrySchema>;
export type Architecture = v.InferOutput<typeof architectureSchema>;
export type GateRule = v.InferOutput<typeof gateRuleSchema>;
