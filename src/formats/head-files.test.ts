import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { f32ToBf16 } from '@/base/half.ts';
import { evaluateHead, type RewardHead } from '@/core/reward-head.ts';
import { FormatError } from './errors.ts';
import { readHeadParts, writeLinearHead, writeTrainedHead } from './head-files.ts';
import { memorySource } from './memory-source.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import { type TensorData, writeSafetensors } from './safetensors-writer.ts';

const values = (length: number, from = 0.5) => Float32Array.from({ length }, (_, i) => from + i / 7);
const head: RewardHead = {
  objectives: 3,
  featureSize: 2,
  regression: values(6),
  transform: Float64Array.from(values(9, -1)),
  gate: {
    layers: [
      { weight: values(8, -0.4), bias: values(4), inputSize: 2, outputSize: 4 },
      { weight: values(12, -0.9), bias: values(3), inputSize: 4, outputSize: 3 },
    ],
    temperature: 7.5,
    logitScale: 1.25,
  },
};
const file = (bytes: Uint8Array<ArrayBuffer>, name = 'heads.safetensors') => memorySource(name, bytes);
const tensor = (name: string, shape: number[]): TensorData => ({
  name,
  dtype: 'F32',
  shape,
  data: values(shape.reduce((a, b) => a * b, 1)),
});

describe('a trained head', () => {
  test('written and read back is the same to the bit, and so are its scores', async () => {
    const parts = await readHeadParts([file(writeTrainedHead(head, 98.7))]);
    expect(parts).toEqual({
      objectives: 3,
      featureSize: 2,
      regression: head.regression,
      transform: head.transform,
      gateLayers: head.gate.layers,
      logitScale: 1.25,
      temperature: 7.5,
      beta: 98.7,
    });
    const again: RewardHead = {
      ...head,
      regression: parts.regression!,
      transform: parts.transform!,
      gate: { layers: parts.gateLayers!, temperature: parts.temperature!, logitScale: parts.logitScale! },
    };
    const [feature, prompt] = [values(2, 3), values(2, -2)];
    expect(evaluateHead(again, feature, prompt)).toEqual(evaluateHead(head, feature, prompt));
  });

  test('keeps which objectives may be weighed, and refuses a list that is none', async () => {
    const masked: RewardHead = { ...head, gate: { ...head.gate, activeObjectives: [0, 2] } };
    expect(await readHeadParts([file(writeTrainedHead(masked, 1))])).toMatchObject({ activeObjectives: [0, 2] });
    for (const list of ['0,3', '1,1', '0.5', '', '0,x']) {
      const bytes = writeSafetensors([tensor('weight', [3, 4])], { active_objectives: list });
      await expect(readHeadParts([file(bytes)]), list).rejects.toThrow('active_objectives');
    }
  });

  test('has ArmoRM’s names and what Transformers asks for; the gate alone has those of the authors’ class', async () => {
    const armorm = await readSafetensorsHeader(file(writeTrainedHead(head, 1)));
    expect([...armorm.tensors.keys()].sort()).toEqual([
      'gating.layers.0.bias',
      'gating.layers.0.weight',
      'gating.layers.1.bias',
      'gating.layers.1.weight',
      'gating.logit_scale',
      'regression_layer.weight',
      'reward_transform_matrix',
    ]);
    expect(armorm.metadata.get('format')).toBe('pt');
    const script = await readSafetensorsHeader(file(writeTrainedHead(head, 1, 'script')));
    expect([...script.tensors.keys()].sort()).toEqual([
      'layers.0.bias',
      'layers.0.weight',
      'layers.1.bias',
      'layers.1.weight',
      'logit_scale',
    ]);
  });
});

describe('parts', () => {
  test('from several files, under the authors’ and the package’s names', async () => {
    const gate = new Uint8Array(readFileSync(new URL('./fixtures/torch/state-dict-protocol-2.pt', import.meta.url)));
    const linear = file(
      writeSafetensors([tensor('regression.weight', [2, 3]), tensor('transform', [2, 2])]),
      'package.safetensors',
    );
    const parts = await readHeadParts([linear, file(gate, 'gate.pt')]);
    expect(parts).toMatchObject({ objectives: 2, featureSize: 3, logitScale: 1.5 });
    expect(parts.gateLayers).toEqual([
      { weight: Float32Array.of(1, 2, 3, 4, 5, 6), bias: Float32Array.of(1, -2), inputSize: 3, outputSize: 2 },
    ]);
    expect(await readHeadParts([file(writeSafetensors([tensor('weight', [5, 4])]))])).toEqual({
      objectives: 5,
      featureSize: 4,
      regression: values(20),
    });
  });

  test('in half precision; tensors of other things are not looked at', async () => {
    const half = new Uint16Array(f32ToBf16(Float32Array.of(1, 2)));
    const parts = await readHeadParts([
      file(
        writeSafetensors([
          { name: 'regression_layer.weight', dtype: 'BF16', shape: [1, 2], data: half },
          { name: 'position_ids', dtype: 'I64', shape: [1], data: new BigInt64Array(1) },
        ]),
      ),
    ]);
    expect(parts.regression).toEqual(Float32Array.of(1, 2));
  });

  test('stage 1 alone: W and M', async () => {
    const bytes = writeLinearHead(head, { alphas: '[1]' });
    const parts = await readHeadParts([file(bytes)]);
    expect(parts).toEqual({ objectives: 3, featureSize: 2, regression: head.regression, transform: head.transform });
    expect((await readSafetensorsHeader(file(bytes))).metadata.get('alphas')).toBe('[1]');
  });
});

describe('refused, by name', () => {
  const w = tensor('regression_layer.weight', [2, 3]);
  const layer = (i: number, out: number, inputs: number, bias = out) => [
    tensor(`gating.layers.${i}.weight`, [out, inputs]),
    tensor(`gating.layers.${i}.bias`, [bias]),
  ];
  const spoiled = { ...w, data: Float32Array.of(1, 2, Number.NaN, 4, 5, 6) };
  test.each<[string, TensorData[][], RegExp]>([
    ['nothing of a head', [[tensor('embeddings', [2, 3])]], /no regression layer, transform or gate here/],
    ['a part twice', [[w], [w]], /tensor "regression_layer.weight": .*has this part too/],
    ['two gates', [layer(0, 2, 3), layer(0, 2, 3)], /has a gate too/],
    ['W of one axis', [[tensor('regression_layer.weight', [6])]], /has shape \[6\] where \[objectives, features\]/],
    ['W without rows', [[tensor('regression_layer.weight', [0, 3])]], /has shape \[0, 3\]/],
    ['M that is not square', [[w, tensor('reward_transform_matrix', [2, 3])]], /where \[objectives, objectives\]/],
    ['M for others', [[w, tensor('reward_transform_matrix', [3, 3])]], /is for 3 objectives, but .* is for 2/],
    ['a gate for other features', [[w, ...layer(0, 2, 4)]], /is for 4 features, but .* is for 3/],
    ['a gate for other objectives', [[w, ...layer(0, 5, 3)]], /is for 5 objectives, but .* is for 2/],
    [
      'layers that do not follow',
      [[w, ...layer(0, 5, 3), ...layer(1, 2, 4)]],
      /has shape \[2, 4\] where \[outputs, 5\]/,
    ],
    ['half a layer', [[w, layer(0, 2, 3)[0]!]], /layer 0 has no bias/],
    ['a bias of another length', [[w, ...layer(0, 2, 3, 7)]], /has shape \[7\] where \[2\]/],
    ['a logit scale of two', [[w, tensor('gating.logit_scale', [2])]], /has shape \[2\] where \[1\]/],
    ['a number that is none', [[spoiled]], /holds NaN at element 2/],
  ])('%s', async (_name, files, says) => {
    const reading = () =>
      readHeadParts(files.map((tensors, i) => file(writeSafetensors(tensors), `f${i}.safetensors`)));
    await expect(reading()).rejects.toThrow(says);
    await expect(reading()).rejects.toBeInstanceOf(FormatError);
  });

  test('a temperature in the metadata that is no number', async () => {
    const bytes = writeSafetensors([w], { temperature: 'hot' });
    await expect(readHeadParts([file(bytes)])).rejects.toThrow('__metadata__.temperature: is hot, not a number');
  });
});
