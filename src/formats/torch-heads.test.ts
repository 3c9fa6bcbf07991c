/**
 * What we export, in PyTorch: the two files in fixtures/torch were written by `writeTrainedHead` and loaded there with strict=True, by the
 * published modeling code's modules and by the authors' GatingNetwork; torch-heads.json holds what those computed. As long as the writer
 * writes these bytes, its files load, and as long as our head computes these numbers, they score the same.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { evaluateHead, type RewardHead } from '@/core/reward-head.ts';
import { writeTrainedHead } from './head-files.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/torch/${name}`, import.meta.url));

interface Golden {
  readonly cases: readonly {
    readonly feature: readonly number[];
    readonly gateFeature: readonly number[];
    readonly rewards: readonly number[];
    readonly adjustedRewards: readonly number[];
    readonly gateWeights: readonly number[];
    readonly score: number;
  }[];
}
// Our own fixture: its shape is part of the tree.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const golden = JSON.parse(fixture('torch-heads.json').toString()) as Golden;

const [k, d, hidden] = [5, 6, 4];
/** Numbers of no pattern that a wrong order could keep, exact in f32. */
const values = (length: number, from: number) =>
  Float32Array.from({ length }, (_, i) => (((i * 37 + from * 101) % 257) - 128) / 128);
const layer = (inputSize: number, outputSize: number, from: number) => ({
  weight: values(inputSize * outputSize, from),
  bias: values(outputSize, from + 1),
  inputSize,
  outputSize,
});
const head: RewardHead = {
  objectives: k,
  featureSize: d,
  regression: values(k * d, 1),
  transform: Float64Array.from(values(k * k, 2)),
  gate: {
    layers: [layer(d, hidden, 3), layer(hidden, hidden, 5), layer(hidden, k, 7)],
    temperature: 0.75,
    logitScale: 1.25,
  },
};

test('the files are those that PyTorch loaded', () => {
  expect(Buffer.from(writeTrainedHead(head, 98.5)).equals(fixture('exported-heads.safetensors'))).toBe(true);
  expect(Buffer.from(writeTrainedHead(head, 98.5, 'script')).equals(fixture('exported-gate.safetensors'))).toBe(true);
});

test.each(golden.cases.map((one, index) => [index, one] as const))(
  'scores as PyTorch scores, row %i',
  (_, expected) => {
    const found = evaluateHead(head, Float32Array.from(expected.feature), Float32Array.from(expected.gateFeature));
    const close = (mine: ArrayLike<number>, theirs: readonly number[]) => {
      expect(mine).toHaveLength(theirs.length);
      for (const [i, value] of theirs.entries()) expect(mine[i]).toBeCloseTo(value, 12);
    };
    close(found.rewards, expected.rewards);
    close(found.adjustedRewards, expected.adjustedRewards);
    close(found.gateWeights, expected.gateWeights);
    close([found.score], [expected.score]);
  },
);
