/** A manifest and responses for tests of this folder: ArmoRM's shape, values from a seeded generator, Eq 1-4 obeyed. */
import type { ScoredResponse } from '@/engine/api/messages.ts';
import type { Manifest } from '@/formats/manifest.ts';

const names = [
  ...['helpfulness', 'correctness', 'coherence', 'complexity', 'verbosity'].map((name) => `helpsteer-${name}`),
  ...['overall_score', 'instruction_following', 'truthfulness', 'honesty', 'helpfulness'].map(
    (name) => `ultrafeedback-${name}`,
  ),
  'beavertails-is_safe',
  'prometheus-score',
  'argilla-overall_quality',
  'argilla-judge_lm',
  ...['complexity', 'style', 'explanation', 'instruction-following', 'readability'].map((name) => `code-${name}`),
];

function groupOf(name: string): string {
  const source = name.split('-')[0] ?? '';
  return { beavertails: 'safety', prometheus: 'judge', argilla: 'judge' }[source] ?? source;
}

export function testManifest(): Manifest {
  const file = (name: string) => ({ file: name, bytes: 1, sha256: '0'.repeat(64) });
  return {
    formatVersion: 1,
    id: 'test@000000000000',
    name: 'Test model',
    licence: 'Apache-2.0',
    source: { name: 'test' },
    architecture: {
      family: 'llama',
      hiddenSize: 8,
      layers: 1,
      attentionHeads: 1,
      keyValueHeads: 1,
      headDim: 8,
      intermediateSize: 8,
      vocabSize: 8,
      maxPositions: 64,
      rmsNormEps: 1e-5,
      rope: { theta: 10000 },
    },
    dtype: 'f32',
    objectives: names.map((name, index) => ({
      name,
      group: groupOf(name),
      description: '',
      labels: { kind: 'unknown', note: '' },
      ...(index < 5 ? { nativeScale: { scale: 5, offset: -0.5, min: 0, max: 4, unit: 'rating' } } : {}),
    })),
    verbosityDimensions: [4],
    gate: { rule: { kind: 'prompt-last-token' }, temperature: 10, logitScale: 1.25, hidden: [4] },
    tokens: { chatTemplate: '', endOfTurnId: 2 },
    embedding: file('embedding.safetensors'),
    heads: file('heads.safetensors'),
    tokenizer: file('tokenizer.json'),
    tokenizerConfig: file('tokenizer_config.json'),
    stages: [{ firstLayer: 0, endLayer: 1, graph: file('stage-00.onnx'), data: [] }],
    canaries: [],
  };
}

/** λ of the test transform: verbosity is subtracted from every objective, from itself wholly. */
const lambda = (index: number) => (index === 4 ? 1 : 0.1 + index / 100);

export function testResponse(manifest: Manifest, seed: number): ScoredResponse {
  let state = seed * 2654435761;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.3;
  };
  const count = manifest.objectives.length;
  const rewards = Float64Array.from({ length: count }, random);
  const adjustedRewards = rewards.map((reward, index) => reward - lambda(index) * (rewards[4] ?? 0));
  const gateLogits = Float64Array.from({ length: count }, () => random() * 20);
  const exponentials = gateLogits.map((logit) => Math.exp(logit / manifest.gate.temperature));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  const gateWeights = exponentials.map((value) => (value / total) * manifest.gate.logitScale);
  const leaked = gateWeights.reduce((sum, weight, index) => sum + weight * lambda(index), 0);
  const coefficients = gateWeights.map((weight, index) => (index === 4 ? weight - leaked : weight));
  return {
    rewards,
    adjustedRewards,
    gateLogits,
    gateWeights,
    coefficients,
    score: gateWeights.reduce((sum, weight, index) => sum + weight * (adjustedRewards[index] ?? 0), 0),
    tokens: {
      total: 30,
      prompt: 12,
      response: 18,
      gateIndex: 8,
      gateToken: '<|im_end|>',
      scoredIndex: 29,
      scoredToken: '<|im_end|>',
      reused: 0,
    },
    warnings: [],
    timings: { tokenizeMs: 1, backboneMs: 10, headsMs: 1 },
  };
}
