/** The fake engine's model: ArmoRM's 19 objectives over a seeded random head. Deterministic, and of no meaning. */
import { SeededRandom } from '@/base/random.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import type { FileEntry, Manifest, Objective } from '@/formats/manifest.ts';

const groups: readonly (readonly [group: string, names: readonly string[]])[] = [
  ['helpsteer', ['helpfulness', 'correctness', 'coherence', 'complexity', 'verbosity']],
  ['ultrafeedback', ['overall_score', 'instruction_following', 'truthfulness', 'honesty', 'helpfulness']],
  ['beavertails', ['is_safe']],
  ['prometheus', ['score']],
  ['argilla', ['overall_quality', 'judge_lm']],
  ['code', ['complexity', 'style', 'explanation', 'instruction-following', 'readability']],
];
/** HelpSteer's scale is the one whose inverse is published (armorm.md I10). */
const helpSteerScale = { scale: 5, offset: -0.5, min: 0, max: 4, unit: 'HelpSteer rating' };

const objectives: Objective[] = groups.flatMap(([group, names]) =>
  names.map((name) => ({
    name: `${group}-${name}`,
    group,
    description: `${name} as ${group} rates it; this model is made of random numbers.`,
    ...(group === 'helpsteer' ? { nativeScale: helpSteerScale } : {}),
    labels: { kind: 'unknown' as const, note: 'random weights' },
  })),
);

/** d of the fake's features. */
export const fakeFeatureSize = 24;
const gateHidden = 16;
const temperature = 10;
const logitScale = 1.25;
const verbosity = 4;

const file = (name: string, bytes: number): FileEntry => ({ file: name, bytes, sha256: '0'.repeat(64) });

export const fakeManifest: Manifest = {
  formatVersion: 1,
  id: 'fake@000000000000',
  name: 'Fake reward model',
  description: 'Random numbers in the form of a reward model, for tests of the page.',
  licence: 'Apache-2.0',
  source: { name: 'fake' },
  architecture: {
    family: 'llama',
    hiddenSize: fakeFeatureSize,
    layers: 2,
    attentionHeads: 2,
    keyValueHeads: 1,
    headDim: 16,
    intermediateSize: 48,
    vocabSize: 65_536,
    maxPositions: 2048,
    rmsNormEps: 1e-5,
    rope: { theta: 10_000 },
  },
  dtype: 'f32',
  objectives,
  verbosityDimensions: [verbosity],
  gate: {
    rule: { kind: 'last-pattern', tokenIds: [1], text: '<|end|>' },
    temperature,
    logitScale,
    hidden: [gateHidden],
  },
  tokens: {
    chatTemplate: "{% for message in messages %}{{ message['content'] }}<|end|>{% endfor %}",
    bosId: 0,
    endOfTurnId: 1,
  },
  embedding: file('embedding.safetensors', 40_000_000),
  heads: file('heads.safetensors', 40_000),
  tokenizer: file('tokenizer.json', 2_000_000),
  tokenizerConfig: file('tokenizer_config.json', 4000),
  stages: [
    {
      firstLayer: 0,
      endLayer: 2,
      graph: file('stage-00.onnx', 20_000),
      data: [file('stage-00.data', 30_000_000)],
    },
  ],
  canaries: [],
  referenceMeans: objectives.map((_, i) => 0.1 + 0.02 * i),
  bradleyTerryBeta: 2.5,
};

function makeHead(): RewardHead {
  const random = new SeededRandom(19);
  const matrix = (rows: number, columns: number) =>
    Float32Array.from({ length: rows * columns }, () => random.normal() / Math.sqrt(columns));
  const k = objectives.length;
  // M of Eq 2 with λ_4 = 1: column 4 is zero, as in the published checkpoint (armorm.md I5).
  const transform = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    transform[j * k + j] = 1;
    transform[verbosity * k + j] = (j === verbosity ? 1 : 0) - (j === verbosity ? 1 : 0.05 * j);
  }
  return {
    objectives: k,
    featureSize: fakeFeatureSize,
    regression: matrix(k, fakeFeatureSize),
    gate: {
      layers: [
        {
          weight: matrix(gateHidden, fakeFeatureSize),
          bias: matrix(1, gateHidden),
          inputSize: fakeFeatureSize,
          outputSize: gateHidden,
        },
        { weight: matrix(k, gateHidden).map((w) => 20 * w), bias: matrix(1, k), inputSize: gateHidden, outputSize: k },
      ],
      temperature,
      logitScale,
    },
    transform,
  };
}

export const fakeHead: RewardHead = makeHead();
