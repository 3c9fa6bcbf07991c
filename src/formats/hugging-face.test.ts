import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FormatError } from './errors.ts';
import { parseCheckpointConfig, readCheckpointConfig } from './hugging-face.ts';
import { memoryFileSet } from './memory-source.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/checkpoints/${name}.config.json`, import.meta.url), 'utf8')) as Record<
    string,
    unknown
  >;
const armorm = fixture('armorm-tiny-llama3');
const multidomain = fixture('multidomain-tiny');

function errorOf(config: unknown): FormatError {
  try {
    parseCheckpointConfig(config);
  } catch (cause) {
    if (cause instanceof FormatError) return cause;
    throw cause;
  }
  throw new Error('the configuration was accepted');
}

describe('parseCheckpointConfig', () => {
  it('reads the published checkpoint in miniature', () => {
    expect(parseCheckpointConfig(armorm)).toEqual({
      architecture: {
        family: 'llama',
        hiddenSize: 64,
        layers: 3,
        attentionHeads: 4,
        keyValueHeads: 2,
        headDim: 32,
        intermediateSize: 192,
        vocabSize: 128257,
        maxPositions: 8192,
        rmsNormEps: 1e-5,
        rope: { theta: 500000 },
      },
      classes: ['LlamaForRewardModelWithGating'],
      tiedEmbedding: false,
      dtype: 'bfloat16',
      bosTokenId: 128000,
      eosTokenIds: [128009],
      padTokenId: 128256,
      gate: {
        objectives: { count: 19, key: 'num_labels' },
        hiddenDim: undefined,
        hiddenLayers: undefined,
        temperature: 10,
        logitScale: undefined,
        activeObjectives: undefined,
        sharedPromptGating: false,
        objectiveNames: undefined,
      },
      ignoredKeys: [],
      unknownKeys: [],
    });
  });

  it('reads the multi-domain descendant', () => {
    const { gate, architecture } = parseCheckpointConfig(multidomain);
    expect(gate).toEqual({
      objectives: { count: 23, key: 'num_objectives' },
      hiddenDim: 64,
      hiddenLayers: 1,
      temperature: 2,
      logitScale: 1.3,
      activeObjectives: [0, 1, 2, 3, 5, 6, 7, 8, 10, 12, 20, 22],
      sharedPromptGating: true,
    });
    expect(architecture.rope).toEqual({
      theta: 500000,
      scaling: { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 64 },
    });
  });

  it('reads the newer spelling of transformers 5 the same way', () => {
    const { rope_theta: theta, rope_scaling: scaling, torch_dtype: dtype, ...rest } = multidomain;
    const newer = { ...rest, dtype, rope_parameters: { ...(scaling as object), rope_theta: theta } };
    expect(parseCheckpointConfig(newer)).toEqual(parseCheckpointConfig(multidomain));
    const { rope_theta: plain, ...noRope } = armorm;
    const plainNewer = { ...noRope, rope_parameters: { rope_type: 'default', rope_theta: plain } };
    expect(parseCheckpointConfig(plainNewer)).toEqual(parseCheckpointConfig(armorm));
    // The older key of the type, and null as absent.
    expect(parseCheckpointConfig({ ...armorm, rope_scaling: null, head_dim: null }).architecture.headDim).toBe(16);
    const olderKey = { ...(scaling as object), rope_type: undefined, type: 'llama3' };
    expect(parseCheckpointConfig({ ...multidomain, rope_scaling: olderKey }).architecture.rope.scaling?.factor).toBe(8);
  });

  it('fills what LlamaConfig fills', () => {
    const { rope_theta: _theta, rms_norm_eps: _eps, num_key_value_heads: _kv, hidden_act: _act, ...short } = armorm;
    expect(parseCheckpointConfig(short).architecture).toMatchObject({
      rope: { theta: 10_000 },
      rmsNormEps: 1e-6,
      keyValueHeads: 4,
    });
    expect(parseCheckpointConfig({ ...armorm, eos_token_id: [1, 2], bos_token_id: null })).toMatchObject({
      eosTokenIds: [1, 2],
      bosTokenId: undefined,
    });
  });

  it('takes the number of objectives from the key that says it', () => {
    const { num_labels: _labels, ...none } = armorm;
    const objectives = (more: object) => parseCheckpointConfig({ ...none, ...more }).gate.objectives;
    expect(objectives({})).toBeUndefined();
    expect(objectives({ num_labels: 1 })).toBeUndefined();
    expect(objectives({ num_labels: 1, num_objectives: 23 })).toEqual({ count: 23, key: 'num_objectives' });
    const id2label = Object.fromEntries(Array.from({ length: 19 }, (_, i) => [String(i), `LABEL_${i}`]));
    expect(objectives({ id2label })).toEqual({ count: 19, key: 'id2label' });
    expect(objectives({ id2label: { 0: 'a', 1: 'b' } })).toBeUndefined();
  });

  it('lists keys that do not matter', () => {
    const { ignoredKeys } = parseCheckpointConfig({
      ...armorm,
      use_cache: true,
      transformers_version: '4.41.1',
      my_note: 1,
    });
    expect(ignoredKeys).toEqual(['use_cache', 'transformers_version', 'my_note']);
    const off = { ...armorm, sliding_window: null, rope_interleaved: false, quantization_config: null };
    expect(() => parseCheckpointConfig(off)).not.toThrow();
  });

  const scaling = multidomain['rope_scaling'] as Record<string, unknown>;
  it.each<[string, Record<string, unknown>, string]>([
    [
      'Gemma-2',
      { model_type: 'gemma2' },
      'model_type: a Gemma-2 backbone, "gemma2", is not supported: only "llama" is.',
    ],
    ['Qwen-3', { model_type: 'qwen3' }, 'model_type: a Qwen-3 backbone, "qwen3", is not supported'],
    ['another family', { model_type: 'rwkv' }, 'model_type: "rwkv", is not supported'],
    ['no family', { model_type: undefined }, 'model_type: is missing'],
    ['QRM', { num_quantiles: 19 }, 'num_quantiles: a QRM-style head (quantile regression) is not supported'],
    ['another activation', { hidden_act: 'gelu' }, 'hidden_act: must be "silu", not "gelu".'],
    ['attention bias', { attention_bias: true }, 'attention_bias: linear layers with a bias are not supported.'],
    ['MLP bias', { mlp_bias: true }, 'mlp_bias: linear layers with a bias'],
    ['bias as a text', { mlp_bias: 'no' }, 'mlp_bias: must be true or false, not "no".'],
    ['no hidden size', { hidden_size: undefined }, 'hidden_size: is missing.'],
    ['hidden size as a text', { hidden_size: '64' }, 'hidden_size: must be a whole number above 0, not "64".'],
    ['layers zero', { num_hidden_layers: 0 }, 'num_hidden_layers: must be a whole number above 0, not 0.'],
    [
      'heads that do not share',
      { num_key_value_heads: 3 },
      'num_key_value_heads: must divide num_attention_heads 4, not 3.',
    ],
    ['odd head', { head_dim: 31 }, 'head_dim: must be an even whole number, not 31'],
    ['head from nothing', { head_dim: undefined, hidden_size: 66 }, 'head_dim: must be an even whole number, not 16.5'],
    [
      'linear rope',
      { rope_scaling: { type: 'linear', factor: 2 } },
      'rope_scaling.type: must be "default" or "llama3", not "linear".',
    ],
    ['yarn rope', { rope_scaling: { rope_type: 'yarn', factor: 2 } }, 'rope_scaling.rope_type: must be'],
    [
      'half a rope',
      { rope_scaling: { ...scaling, low_freq_factor: undefined } },
      'rope_scaling.low_freq_factor: is missing.',
    ],
    [
      'rope upside down',
      { rope_scaling: { ...scaling, low_freq_factor: 4 } },
      'rope_scaling.high_freq_factor: must be above',
    ],
    ['unknown rope', { rope_scaling: { ...scaling, beta: 4 } }, 'rope_scaling.beta: is not understood.'],
    [
      'two ropes',
      { rope_parameters: { ...scaling, factor: 4 }, rope_scaling: scaling },
      'rope_scaling: does not agree',
    ],
    [
      'two thetas',
      { rope_parameters: { rope_theta: 1 } },
      'rope_parameters.rope_theta: is 1, but rope_theta is 500000.',
    ],
    ['partial rotation', { partial_rotary_factor: 0.5 }, 'partial_rotary_factor: must be 1, not 0.5.'],
    ['negative temperature', { gating_temperature: -1 }, 'gating_temperature: must be above 0, not -1.'],
    ['active beyond', { gating_active_attribute_indices: [19] }, 'gating_active_attribute_indices: holds 19'],
    [
      'active twice',
      { gating_active_attribute_indices: [1, 1] },
      'gating_active_attribute_indices: names an objective twice.',
    ],
    ['active none', { gating_active_attribute_indices: [] }, 'gating_active_attribute_indices: must be an array'],
    ['unknown gate key', { gating_batch_norm: true }, 'gating_batch_norm: is not understood (value true)'],
    ['quantised weights', { quantization_config: { bits: 4 } }, 'quantization_config: is not understood'],
    ['soft cap', { attn_logit_softcapping: 50 }, 'attn_logit_softcapping: is not understood'],
    ['multiplier', { embedding_multiplier: 12 }, 'embedding_multiplier: is not understood'],
    ['token id', { bos_token_id: 'x' }, 'bos_token_id: must be a token id, not "x".'],
    ['classes', { architectures: 'Llama' }, 'architectures: must be an array of class names.'],
  ])('refuses %s by its key', (_name, change, message) => {
    expect(errorOf({ ...armorm, ...change }).message).toContain(`config.json: ${message}`);
  });

  it('refuses what is no object', () => {
    for (const value of [[], null, 3, 'x']) expect(errorOf(value).message).toBe('config.json: must be a JSON object.');
  });

  it('ends any spoiled configuration in a FormatError or a usable one', () => {
    const judge = fc.property(fc.constantFrom(...Object.keys(multidomain)), fc.jsonValue(), (key, value) => {
      try {
        const { architecture } = parseCheckpointConfig({ ...multidomain, [key]: value });
        return Number.isInteger(architecture.headDim) && architecture.rope.theta > 0;
      } catch (cause) {
        return cause instanceof FormatError;
      }
    });
    expect(fc.check(judge, { numRuns: 2000 })).toMatchObject({ failed: false });
  });
});

describe('readCheckpointConfig', () => {
  it('says when the folder is no checkpoint', async () => {
    await expect(readCheckpointConfig(memoryFileSet('folder', new Map()))).rejects.toThrow(
      'folder: there is no config.json here',
    );
    const broken = memoryFileSet('folder', new Map([['config.json', '{"model_type": "llama",']]));
    await expect(readCheckpointConfig(broken)).rejects.toThrow('config.json: is not valid JSON');
    const good = memoryFileSet('folder', new Map([['config.json', JSON.stringify(armorm)]]));
    expect((await readCheckpointConfig(good)).architecture.layers).toBe(3);
  });
});
