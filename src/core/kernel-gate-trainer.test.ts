/** The trainers of the processor against the reference in memory, and how much they hold of rows that are kept elsewhere. */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { openCpuGateTrainer } from './cpu-gate-trainer.ts';
import { initialGateLayers } from './gate-network.ts';
import { CpuGateTrainer } from './gate-trainer.ts';
import type { GateRows, GateTrainerSettings } from './gate-trainer-backend.ts';
import { mostPairs } from './kernel-gate-trainer.ts';
import { memoryRows, worstError } from './test-gate-golden.ts';
import { openWasmGateTrainer } from './wasm-gate-trainer.ts';

const [d, k] = [7, 5];

function setting(mode: GateTrainerSettings['mode'], count: number, batchSize: number | 'all') {
  const random = new SeededRandom(3);
  const normals = (length: number) => Float64Array.from({ length }, () => random.normal());
  const gateFeatures = Float32Array.from(normals(count * d));
  const values = { objectives: k, rewardDifferences: normals(count * k), rawRewards: normals(2 * count * k) };
  const settings: GateTrainerSettings = {
    mode,
    temperature: 2,
    logitScale: 1.5,
    activeObjectives: [0, 1, 3, 4],
    batches: { pairs: count, batchSize, seed: 6, replacement: mode !== 'paper' && batchSize !== 'all' },
    learningRate: 1e-2,
    scheduleSteps: 10,
    weightDecay: 0.05,
    adamBetas: [0.9, 0.99],
    adamEpsilon: 1e-8,
    dropout: 0.25,
    seed: 6,
  };
  const layers = initialGateLayers([d, 6, 11, k], 1);
  const { batches, ...options } = settings;
  const reference = () =>
    new CpuGateTrainer({ gateFeatures, featureSize: d, ...values }, layers, {
      ...options,
      initialBeta: 2,
      batchSize: batches.batchSize,
    });
  /** Rows kept elsewhere, and how many were asked for at once. */
  const asked: number[] = [];
  const inMemory = memoryRows(gateFeatures, d);
  const rows: GateRows = {
    ...inMemory,
    gather(wanted, target) {
      asked.push(wanted.length);
      expect(target.length).toBeLessThanOrEqual(mostPairs * d);
      void inMemory.gather(wanted, target);
    },
    readStored: () => {
      throw new Error('rows are gathered, never copied as a whole');
    },
  };
  return { data: { rows, ...values }, layers, settings, reference, asked, count };
}

describe.each(['paper', 'authors-script'] as const)('%s', (mode) => {
  test('a batch that fits: the reference’s bits, and no row but the batch’s is asked for', async () => {
    const { data, layers, settings, reference, asked } = setting(mode, 300, 40);
    const trainer = await openCpuGateTrainer(data, layers, 2, settings);
    expect(asked).toEqual([]);
    const whole = reference();
    expect(await trainer.steps(12)).toEqual(Array.from({ length: 12 }, () => whole.step()));
    expect(await trainer.state()).toEqual(whole.state());
    expect(asked).toEqual(Array.from({ length: 12 }, () => 40));
    const some = Uint32Array.from({ length: 100 }, (_, i) => 3 * i);
    const [mine, theirs] = [await trainer.evaluate(some), whole.evaluate(some)];
    expect(worstError(mine.gateWeights, theirs.gateWeights)).toBeLessThan(1e-15);
    for (const key of ['loss', 'accuracy', 'gateEntropy'] as const) expect(mine[key]).toBeCloseTo(theirs[key], 13);
  });

  test('every pair at every step: part by part, with the masks and the mean of the whole batch', async () => {
    const { data, layers, settings, reference, asked, count } = setting(mode, 2 * mostPairs + 77, 'all');
    const trainer = await openCpuGateTrainer(data, layers, 2, settings);
    const whole = reference();
    const gradient = whole.gradientAt(0);
    expect(worstError(await trainer.gradientAt(0), gradient)).toBeLessThan(1e-13 * Math.max(...gradient.map(Math.abs)));
    expect(asked).toEqual([mostPairs, mostPairs, 77]);
    const [mine, theirs] = [await trainer.steps(3), Array.from({ length: 3 }, () => whole.step())];
    for (const [i, log] of theirs.entries())
      for (const key of ['loss', 'accuracy', 'gateEntropy', 'beta', 'learningRate'] as const)
        expect(mine[i]![key], key).toBeCloseTo(log[key], 12);
    expect(worstError((await trainer.state()).parameters, whole.state().parameters)).toBeLessThan(1e-11);
    const everyPair = Uint32Array.from({ length: count }, (_, i) => i);
    expect((await trainer.evaluate(everyPair)).loss).toBeCloseTo(whole.evaluate().loss, 12);

    const fast = await openWasmGateTrainer(data, layers, 2, settings);
    expect(worstError(await fast.gradientAt(0), gradient)).toBeLessThan(1e-5 * Math.max(...gradient.map(Math.abs)));
    fast.dispose();
    expect(Math.max(...asked)).toBe(mostPairs);
  });
});

test('rewards that are not finite are named before the first step, on every processor trainer', async () => {
  const { data, layers, settings } = setting('paper', 50, 10);
  const rewardDifferences = data.rewardDifferences.slice();
  rewardDifferences[17 * k + 2] = Infinity;
  for (const open of [openCpuGateTrainer, openWasmGateTrainer])
    await expect(open({ ...data, rewardDifferences }, layers, 2, settings)).rejects.toThrow(
      /rewardDifferences, pair 17.*Infinity/,
    );
});
