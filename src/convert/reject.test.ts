/** Checkpoints that must be refused, each by the name of what is wrong with it. */
import { describe, expect, test } from 'vitest';
import { writeSafetensors } from '@/formats/safetensors-writer.ts';
import { convertCheckpoint } from './convert-checkpoint.ts';
import {
  filesOf,
  makeTinyCheckpoint,
  tensorDataOf,
  TINY,
  type TinyCheckpoint,
  tinyTools,
} from './fixtures/tiny-checkpoint.ts';
import { memoryPackageSink } from './package-sink.ts';
import { parseObjectives } from './objectives.ts';

const tools = tinyTools({
  stageRunner: {
    open: () => Promise.reject(new Error('nothing runs before everything is checked')),
    multiply: () => Promise.reject(new Error('nothing runs before everything is checked')),
  },
});

async function refusal(
  change: (checkpoint: TinyCheckpoint) => void,
  replacements: (checkpoint: TinyCheckpoint) => Parameters<typeof filesOf>[1] = () => ({}),
): Promise<Error> {
  const checkpoint = makeTinyCheckpoint(TINY, 21);
  change(checkpoint);
  const sink = memoryPackageSink('package');
  const failure: unknown = await convertCheckpoint(
    filesOf(checkpoint, replacements(checkpoint)),
    sink,
    { dtype: 'q4', layersPerStage: 2, name: 'Tiny', source: { name: 'tiny' } },
    tools,
  ).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(sink.contents.has('armoscope.json')).toBe(false);
  if (!(failure instanceof Error)) throw new Error('it was not refused');
  expect(failure.name, failure.message).toBe('FormatError');
  return failure;
}

function reshape(name: string, shape: number[]) {
  return ({ tensors }: TinyCheckpoint): void => {
    tensors.set(name, { shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  };
}

const q = 'model.layers.1.self_attn.q_proj.weight';

describe('tensors', () => {
  const cases: readonly (readonly [string, (checkpoint: TinyCheckpoint) => void, RegExp])[] = [
    [
      'a missing matrix',
      ({ tensors }) => tensors.delete(q),
      /"model\.layers\.1\.self_attn\.q_proj\.weight": is missing/,
    ],
    ['a missing norm', ({ tensors }) => tensors.delete('model.norm.weight'), /"model\.norm\.weight": is missing/],
    [
      'a missing head',
      ({ tensors }) => tensors.delete('regression_layer.weight'),
      /"regression_layer\.weight".*missing/,
    ],
    [
      'a missing transform',
      ({ tensors }) => tensors.delete('reward_transform_matrix'),
      /"reward_transform_matrix".*missing/,
    ],
    ['a missing bias', ({ tensors }) => tensors.delete('gating.layers.1.bias'), /"gating\.layers\.1\.bias".*missing/],
    [
      'no logit scale anywhere',
      ({ tensors }) => tensors.delete('gating.logit_scale'),
      /"gating\.logit_scale".*missing/,
    ],
    [
      'a gap in the gate',
      ({ tensors }) => {
        tensors.delete('gating.layers.0.bias');
        tensors.delete('gating.layers.0.weight');
      },
      /"gating\.layers\.[01]\.\w+"/,
    ],
    [
      'a bias it cannot run',
      reshape('model.layers.0.self_attn.q_proj.bias', [64]),
      /"model\.layers\.0\.self_attn\.q_proj\.bias"/,
    ],
    ['a head of another kind', reshape('score.weight', [1, 32]), /"score\.weight": is not a tensor/],
    [
      'a layer too many',
      reshape('model.layers.3.mlp.up_proj.weight', [64, 32]),
      /"model\.layers\.3\.mlp\.up_proj\.weight"/,
    ],
    ['a matrix of another shape', reshape(q, [32, 32]), /q_proj\.weight".*\[32, 32\].*\[64, 32\]/],
    [
      'a regression of another width',
      reshape('regression_layer.weight', [5, 31]),
      /"regression_layer\.weight".*\[5, 31\]/,
    ],
    [
      'a regression of other rows',
      reshape('regression_layer.weight', [6, 32]),
      /"regression_layer\.weight".*6.*num_labels.*5/,
    ],
    [
      'a transform that is not square',
      reshape('reward_transform_matrix', [5, 4]),
      /"reward_transform_matrix".*\[5, 4\]/,
    ],
    ['a gate of another output', reshape('gating.layers.1.weight', [4, 12]), /"gating\.layers\.1\.weight".*\[4, 12\]/],
    ['two logit scales', reshape('gating.logit_scale', [2]), /"gating\.logit_scale".*2 numbers/],
    ['an lm_head that does not fit', reshape('lm_head.weight', [7, 32]), /"lm_head\.weight".*\[7, 32\]/],
    [
      'NaN in the embedding',
      ({ tensors }) => {
        tensors.get('model.embed_tokens.weight')!.values[3] = NaN;
      },
      /"model\.embed_tokens\.weight": holds NaN/,
    ],
    [
      'infinity in a head',
      ({ tensors }) => {
        tensors.get('regression_layer.weight')!.values[7] = Infinity;
      },
      /"regression_layer\.weight".*Infinity.*7/,
    ],
  ];
  test.each(cases)('%s', async (_, change, says) => {
    expect((await refusal(change)).message).toMatch(says);
  });

  test('integers in place of floats', async () => {
    const integers = (checkpoint: TinyCheckpoint) => ({
      'model.safetensors': writeSafetensors(
        tensorDataOf(checkpoint).map((tensor) =>
          tensor.name === q ? { ...tensor, dtype: 'I32' as const, data: new Int32Array(64 * 32) } : tensor,
        ),
      ),
    });
    expect((await refusal(() => undefined, integers)).message).toMatch(/q_proj\.weight".*I32/);
  });

  test('an lm_head and old rotary tables are known surplus', async () => {
    const surplus = (checkpoint: TinyCheckpoint): void => {
      reshape('lm_head.weight', [131, 32])(checkpoint);
      reshape('model.layers.0.self_attn.rotary_emb.inv_freq', [8])(checkpoint);
      // Something else is wrong, so that the conversion ends before anything runs.
      checkpoint.tensors.delete('model.norm.weight');
    };
    expect((await refusal(surplus)).message).toMatch(/"model\.norm\.weight"/);
  });
});

describe('configuration', () => {
  const cases: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ['another family', { model_type: 'gemma2' }, /config\.json.*model_type.*gemma2/],
    ['biases', { attention_bias: true }, /attention_bias/],
    ['another rope', { rope_scaling: { rope_type: 'yarn', factor: 4 } }, /rope_scaling\.rope_type.*yarn/],
    [
      'an active objective that is none',
      { gating_active_attribute_indices: [0, 9] },
      /gating_active_attribute_indices/,
    ],
    ['another gate depth', { gating_n_hidden: 3 }, /gating_n_hidden/],
    ['another gate width', { gating_hidden_dim: 13 }, /gating\.layers\.0\.weight.*\[12, 32\].*\[13, 32\]/],
  ];
  test.each(cases)('%s', async (_, keys, says) => {
    expect((await refusal(({ config }) => void Object.assign(config, keys))).message).toMatch(says);
  });
});

describe('files', () => {
  const cases: readonly (readonly [string, Parameters<typeof filesOf>[1], RegExp])[] = [
    ['no configuration', { 'config.json': undefined }, /config\.json/],
    ['no weights', { 'model.safetensors': undefined }, /model\.safetensors/],
    ['no tokenizer', { 'tokenizer.json': undefined }, /tokenizer\.json/],
    ['no template', { 'tokenizer_config.json': '{}' }, /chat_template/],
    ['a configuration that is no JSON', { 'config.json': '{' }, /config\.json: is not valid JSON/],
    [
      'a shard that is not there',
      { 'model.safetensors.index.json': '{"weight_map":{"model.norm.weight":"model-1.safetensors"}}' },
      /model-1\.safetensors/,
    ],
  ];
  test.each(cases)('%s', async (_, replacements, says) => {
    expect(
      (
        await refusal(
          () => undefined,
          () => replacements,
        )
      ).message,
    ).toMatch(says);
  });

  test('a truncated shard', async () => {
    const truncated = (checkpoint: TinyCheckpoint) => {
      const whole = writeSafetensors(tensorDataOf(checkpoint));
      return { 'model.safetensors': whole.slice(0, whole.length - 100) };
    };
    expect((await refusal(() => undefined, truncated)).message).toMatch(/model\.safetensors/);
  });
});

describe('objectives files', () => {
  test('names or whole entries', () => {
    const full = { name: 'b', group: 'g', description: 'd', labels: { kind: 'rated', note: '' } };
    expect(parseObjectives(['code-style', full], 'o.json')).toEqual([
      expect.objectContaining({
        name: 'code-style',
        group: 'code',
        labels: expect.objectContaining({ kind: 'unknown' }),
      }),
      full,
    ]);
  });
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['no array', { a: 1 }, /o\.json.*array/],
    ['an empty array', [], /o\.json.*array/],
    ['a number', ['a', 3], /o\.json: entry 1/],
    [
      'a key too many',
      [{ name: 'a', group: 'g', description: '', labels: { kind: 'rated', note: '' }, x: 1 }],
      /entry 0.*x/,
    ],
    [
      'another label kind',
      [{ name: 'a', group: 'g', description: '', labels: { kind: 'guessed', note: '' } }],
      /entry 0, labels\.kind/,
    ],
    ['a name twice', ['a', 'a'], /entry 1.*"a" occurs twice/],
  ];
  test.each(cases)('%s is refused', (_, value, says) => {
    expect(() => parseObjectives(value, 'o.json')).toThrow(says);
  });
});
