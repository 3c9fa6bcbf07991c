/** Training in the way of the authors' script (armorm.md "Where the authors' scripts leave the paper"). */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { initialGateLayers } from './gate-network.ts';
import { CpuGateTrainer, type GateTrainerOptions } from './gate-trainer.ts';

const [d, k, count] = [5, 4, 12];
const random = new SeededRandom(3);
const rawRewards = Float64Array.from({ length: count * 2 * k }, () => random.normal());
const pairs = {
  gateFeatures: Float32Array.from({ length: count * d }, () => random.normal()),
  featureSize: d,
  // Not what the loss may use: the script trains on raw rewards.
  rewardDifferences: Float64Array.from({ length: count * k }, () => 99),
  objectives: k,
  rawRewards,
};
const layers = initialGateLayers([d, 7, 6, k], 1);
const options: GateTrainerOptions = {
  mode: 'authors-script',
  batchSize: 8,
  temperature: 10,
  logitScale: 1.3,
  dropout: 0.2,
  seed: 2,
  weightDecay: 0,
};

test('without dropout the gate’s gradient is exactly zero, and only logit_scale learns', () => {
  const trainer = new CpuGateTrainer(pairs, layers, { ...options, dropout: 0 });
  const gradient = trainer.gradientAt(0);
  expect(gradient.subarray(0, -1).every((value) => value === 0)).toBe(true);
  expect(gradient.at(-1)).not.toBe(0);
  const before = trainer.state().parameters;
  for (let step = 0; step < 5; step++) trainer.step();
  const { gate, beta } = trainer.gate();
  expect(trainer.state().parameters.subarray(0, -1)).toEqual(before.subarray(0, -1));
  expect(gate.logitScale).not.toBe(1.3);
  expect(beta).toBe(1);
});

test('without dropout every weight is half of logit_scale: the loss is that of the plain sum of rewards', () => {
  const all = Array.from({ length: count }, (_, i) => i);
  const trainer = new CpuGateTrainer(pairs, layers, { ...options, dropout: 0 });
  const margins = all.map((pair) => {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += rawRewards[2 * pair * k + j]! - rawRewards[(2 * pair + 1) * k + j]!;
    return (1.3 / 2) * sum;
  });
  const { loss, accuracy } = trainer.evaluate(all);
  expect(loss).toBeCloseTo(margins.reduce((sum, m) => sum + Math.log1p(Math.exp(-m)), 0) / count, 12);
  expect(accuracy).toBe(margins.filter((m) => m > 0).length / count);
});

describe('with dropout', () => {
  test('gradients agree with central differences', () => {
    const start = new CpuGateTrainer(pairs, layers, options);
    const gradient = start.gradientAt(0);
    const state = start.state();
    const lossAt = (index: number, offset: number) => {
      const parameters = Float64Array.from(state.parameters);
      parameters[index]! += offset;
      return new CpuGateTrainer(pairs, { ...state, parameters }, options).step().loss;
    };
    const errors = Array.from(gradient, (value, i) => Math.abs((lossAt(i, 1e-5) - lossAt(i, -1e-5)) / 2e-5 - value));
    expect(Math.max(...errors)).toBeLessThan(1e-9);
    expect(gradient.filter((value) => value !== 0).length).toBeGreaterThan(gradient.length / 2);
  });

  test('the gate it gives sums to the learned logit_scale, and is read over the objectives', () => {
    const trainer = new CpuGateTrainer(pairs, layers, options);
    for (let step = 0; step < 20; step++) trainer.step();
    const { logitScale } = trainer.gate().gate;
    const { gateWeights } = trainer.evaluate();
    for (let pair = 0; pair < count; pair++) {
      const sum = gateWeights.subarray(pair * k, (pair + 1) * k).reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(logitScale, 12);
    }
  });

  test('a resumed run is the run that never stopped', () => {
    const whole = new CpuGateTrainer(pairs, layers, options);
    for (let step = 0; step < 9; step++) whole.step();
    const first = new CpuGateTrainer(pairs, layers, options);
    for (let step = 0; step < 4; step++) first.step();
    const resumed = new CpuGateTrainer(pairs, first.state(), options);
    for (let step = 0; step < 5; step++) resumed.step();
    expect(resumed.state()).toEqual(whole.state());
  });
});
