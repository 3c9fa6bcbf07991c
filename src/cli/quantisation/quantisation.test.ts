/** The pieces of the benchmark of roundings, on weights small enough to check by hand or by their definition. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { layerTensor, linearShape } from '@/convert/backbone-tensors.ts';
import { makeTinyCheckpoint, TINY } from '@/convert/fixtures/tiny-checkpoint.ts';
import { LINEAR_NAMES } from '@/convert/graph/decoder-stage.ts';
import { ReferencePass } from '@/convert/reference-pass.ts';
import { zeroRewardHead } from '@/convert/reward-head-tensors.ts';
import { parseCheckpointConfig } from '@/formats/hugging-face.ts';
import { openPackage } from '@/formats/model-package.ts';
import { createConvertTools } from '../convert-tools.ts';
import { diskFileSet } from '../disk-files.ts';
import { allCandidates } from './candidates.ts';
import { measureCandidates } from './measure.ts';
import { type BackboneWeights, everyLinear, readPackageLayers } from './package-layers.ts';
import { dithered, folded } from './unrounded.ts';
import {
  affine,
  eightBits,
  extremes,
  halfQuadratic,
  largestAtEight,
  presentAffine,
  refined,
  symmetric,
  symmetricSearch,
  type WeightForm,
} from './weight-forms.ts';

function gaussian(count: number, seed = 4): Float32Array<ArrayBuffer> {
  const random = new SeededRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}

function error(form: WeightForm, values: Float32Array<ArrayBuffer>): number {
  const rounded = form.round(values);
  return Math.sqrt(values.reduce((sum, value, i) => sum + (value - rounded[i]!) ** 2, 0) / values.length);
}

describe('forms', () => {
  const values = gaussian(4096);
  const nearest = affine('nearest', 32, (block) => extremes(block));

  test('weights on a grid come back exactly', () => {
    const grid = Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? 0.5 : 0.25) * (i % 16) - 3);
    for (const form of [nearest, presentAffine(32), affine('refined', 32, refined)])
      expect(form.round(grid), form.name).toEqual(grid);
    const zeroed = Float32Array.from({ length: 64 }, (_, i) => 0.5 * ((i % 16) - 8));
    for (const form of [symmetric('nearest', 32, largestAtEight), symmetric('search', 32, symmetricSearch)])
      expect(form.round(zeroed), form.name).toEqual(zeroed);
  });

  test('zeros stay zeros', () => {
    const zeros = new Float32Array(32);
    const forms = [nearest, affine('HQQ', 32, halfQuadratic), symmetric('search', 32, symmetricSearch)];
    for (const form of [...forms, eightBits(32)]) expect(form.round(zeros).every((value) => value === 0)).toBe(true);
  });

  test('a search gains, small blocks gain, and 8 bits gain most', () => {
    expect(error(presentAffine(32), values)).toBeLessThan(0.97 * error(nearest, values));
    expect(error(affine('refined', 32, refined), values)).toBeLessThan(0.97 * error(nearest, values));
    const [symmetricNearest, searched] = [symmetric('', 32, largestAtEight), symmetric('', 32, symmetricSearch)];
    expect(error(searched, values)).toBeLessThan(error(symmetricNearest, values));
    expect(error(presentAffine(16), values)).toBeLessThan(error(presentAffine(64), values));
    expect(error(eightBits(32), values)).toBeLessThan(0.1 * error(presentAffine(16), values));
  });

  test('HQQ lowers the mean error of heavy-tailed weights, which is what it is for', () => {
    const heavy = gaussian(4096).map((value) => value ** 3);
    const absolute = (form: WeightForm): number =>
      form.round(heavy).reduce((sum, value, i) => sum + Math.abs(value - heavy[i]!), 0);
    expect(absolute(affine('HQQ', 32, halfQuadratic))).toBeLessThan(absolute(nearest));
  });

  test('bits a weight', () => {
    const bits = [presentAffine(32), symmetric('', 16, largestAtEight), eightBits(32)];
    expect(bits.map(({ bitsPerWeight }) => bitsPerWeight)).toEqual([5, 5, 8.5]);
  });
});

describe('a backbone', () => {
  const checkpoint = makeTinyCheckpoint(TINY, 6);
  const { architecture } = parseCheckpointConfig(checkpoint.config);
  const values = (name: string) => checkpoint.tensors.get(name)!.values;
  const weights: BackboneWeights = {
    finalNorm: values('model.norm.weight'),
    layers: Array.from({ length: architecture.layers }, (_, layer) => ({
      inputNorm: values(layerTensor(layer, 'input_layernorm')),
      postAttentionNorm: values(layerTensor(layer, 'post_attention_layernorm')),
      linears: everyLinear((name) => values(layerTensor(layer, name))),
    })),
  };
  let tools: Awaited<ReturnType<typeof createConvertTools>>;
  beforeAll(async () => {
    tools = await createConvertTools();
  });
  afterAll(() => tools.dispose());

  const sequences = [40, 30].map((tokens) => ({ tokenIds: new Int32Array(tokens), rows: [tokens - 1, 3] }));
  const head = { ...zeroRewardHead(32, 5), regression: gaussian(160, 5) };
  const measure = (of: BackboneWeights, candidates: Parameters<typeof measureCandidates>[1]) =>
    measureCandidates(
      {
        weights: of,
        architecture,
        head,
        sequences,
        pairs: [[0, 1]],
        embedded: sequences.map(({ tokenIds }, i) => gaussian(tokenIds.length * 32, 7 + i)),
        runner: tools.stageRunner,
      },
      candidates,
    );

  test('every candidate costs something, more bits less; f32 costs nothing', async () => {
    const candidates = allCandidates(architecture.layers);
    const [reference, ...rest] = await measure(weights, candidates);
    expect(reference).toMatchObject({
      bitsPerWeight: 32,
      weightError: 0,
      featureError: 0,
      marginDeviation: 0,
      roundingNs: 0,
    });
    expect(new Set(candidates.map(({ name }) => name)).size).toBe(candidates.length);
    for (const { name, featureError, bitsPerWeight } of rest) {
      expect(featureError, name).toBeGreaterThan(0);
      // Where one kind alone is rounded the rest stays f32.
      expect(bitsPerWeight, name).toBeLessThan(name.startsWith('only') ? 32 : 9);
    }
    const eight = rest.find(({ name }) => name.startsWith('8 bits'))!;
    // Three layers are all first or last ones, so one of the mixtures is 8 bits throughout.
    for (const other of rest.filter(({ name }) => name.startsWith('4 bits') && !name.includes('8 bits')))
      expect(eight.featureError, other.name).toBeLessThan(0.5 * other.featureError);
  });

  test('folded weights are other numbers of the same function', async () => {
    const other = folded(weights, architecture);
    for (const [i, { linears }] of other.layers.entries())
      for (const name of ['self_attn.q_proj', 'self_attn.o_proj', 'mlp.down_proj'] as const)
        expect(linears[name]).not.toEqual(weights.layers[i]!.linears[name]);
    const plain = await tracedFeatures(weights);
    const same = await tracedFeatures(other);
    for (const [i, value] of plain.entries()) expect(Math.abs(value - same[i]!)).toBeLessThan(2e-5);
    const changed = await tracedFeatures(dithered(weights));
    expect(Math.max(...plain.map((value, i) => Math.abs(value - changed[i]!)))).toBeGreaterThan(1e-3);
  });

  /** Final features of both sequences. */
  async function tracedFeatures(of: BackboneWeights): Promise<number[]> {
    const embedded = sequences.map(({ tokenIds }, i) => gaussian(tokenIds.length * 32, 7 + i));
    const pass = new ReferencePass(architecture, tools.stageRunner, sequences, embedded);
    for (const layer of of.layers) {
      pass.beginLayer(layer);
      for (const name of LINEAR_NAMES) {
        const [outputs, inputs] = linearShape(architecture, name);
        await pass.addLinear(name, { values: layer.linears[name], outputs, inputs });
      }
    }
    return pass.features(of.finalNorm).flatMap((rows) => [...rows]);
  }
});

test('the embedded model’s layers are read back from its stages', async () => {
  const files = diskFileSet('public/models/embedded');
  const { manifest } = await openPackage(files);
  const { layers, finalNorm } = await readPackageLayers(files, manifest);
  expect(layers).toHaveLength(manifest.architecture.layers);
  expect(finalNorm).toHaveLength(576);
  for (const { inputNorm, postAttentionNorm, linears } of layers) {
    expect([inputNorm.length, postAttentionNorm.length]).toEqual([576, 576]);
    expect(linears['mlp.down_proj']).toHaveLength(576 * 1536);
    expect(linears['self_attn.k_proj']).toHaveLength(192 * 576);
  }
  // They came in 4 bits in blocks of 32, so no row of a block has more than 16 values.
  const block = layers[19]!.linears['mlp.up_proj'].subarray(64, 96);
  expect(new Set(block).size).toBeLessThanOrEqual(16);
  expect(new Set(block).size).toBeGreaterThan(4);
});
