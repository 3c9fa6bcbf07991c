import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startNodeHelper } from '@/cli/node-trainer.ts';
import { SeededRandom } from '@/base/random.ts';
import { openCpuGateTrainer } from './cpu-gate-trainer.ts';
import { initialGateLayers } from './gate-network.ts';
import type { GateTrainerSettings, GateTrainingData } from './gate-trainer-backend.ts';
import {
  type FullShapeGolden,
  fullShapeRun,
  goldenRuns,
  memoryRows,
  readGateGolden,
  relativeErrors,
  tensorNorms,
  tensorSamples,
  worstError,
} from './test-gate-golden.ts';
import { openWasmGateTrainer } from './wasm-gate-trainer.ts';
import { WasmKernel } from './wasm-kernel.ts';
import { rowProductsModule } from './wasm-row-products.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const threads = { threads: 3, startHelper: startNodeHelper };

describe('products', () => {
  const shape = fc.record({
    m: fc.integer({ min: 1, max: 23 }),
    n: fc.integer({ min: 1, max: 140 }),
    k: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1020, max: 1100 })),
    seed: fc.nat(),
  });

  test('are the plain sums, for shapes that divide nothing, part of a matrix and added to what was there', async () => {
    const kernel = await WasmKernel.create(8e6);
    const [a, b, c] = [kernel.allocate(40_000), kernel.allocate(200_000), kernel.allocate(5000)];
    fc.assert(
      fc.property(shape, ({ m, n, k, seed }) => {
        const random = new SeededRandom(seed);
        const [strideA, strideB, strideC] = [k + 1, k + 3, n + 2];
        for (const values of [a, b, c]) for (let i = 0; i < values.length; i++) values[i] = random.uniform() - 0.5;
        const before = c.slice();
        const left = { values: a, stride: strideA, start: 1, end: m + 1 };
        kernel.addRowProducts(c, strideC, left, { values: b, stride: strideB, start: 2, end: n + 2 }, k);
        const expected = Float64Array.from(before);
        for (let i = 1; i <= m; i++)
          for (let j = 2; j < n + 2; j++) {
            let sum = 0;
            for (let t = 0; t < k; t++) sum += a[i * strideA + t]! * b[j * strideB + t]!;
            expected[i * strideC + j]! += sum;
          }
        expect(worstError(c, expected)).toBeLessThan(2e-5);
      }),
      { numRuns: 25 },
    );
  });

  test('are the same bits on any number of threads', async () => {
    const results: Float32Array[] = [];
    for (const count of [1, 2, 3]) {
      const kernel = await WasmKernel.create(4e6, count, startNodeHelper);
      const [m, n, k] = [131, 90, 257];
      const [a, b, c] = [kernel.allocate(m * k), kernel.allocate(n * k), kernel.allocate(m * n)];
      const random = new SeededRandom(1);
      for (const values of [a, b]) for (let i = 0; i < values.length; i++) values[i] = random.normal();
      const rows = (values: Float32Array, end: number) => ({ values, stride: k, start: 0, end });
      kernel.addRowProducts(c, n, rows(a, m), rows(b, n), k);
      results.push(c.slice());
      expect(kernel.threads).toBe(count);
      kernel.dispose();
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  test('the module with fused multiply-adds differs in that instruction alone', () => {
    const plain = rowProductsModule(false, false);
    const fused = rowProductsModule(true, false);
    expect(WebAssembly.validate(plain)).toBe(true);
    expect(fused.length).toBeLessThan(plain.length);
  });
});

describe.each(goldenRuns)('PyTorch’s run %s in f32', (name) => {
  test('gradients of step 1, the whole curve, parameters after 1, 10 and 200 steps', async () => {
    const { golden, data, settings, layers, flat } = readGateGolden(
      fixture(`${name}.json`).toString(),
      fixture(`${name}.safetensors`),
    );
    const trainer = await openWasmGateTrainer(data, layers, golden.beta_initial, settings);
    expect(Math.max(...relativeErrors(await trainer.gradientAt(0), flat('gradient'), layers))).toBeLessThan(1e-5);
    const logs = await trainer.steps(1);
    for (const [until, key] of [
      [1, 'params_after_1'],
      [10, 'params_after_10'],
      [200, 'params_after_200'],
    ] as const) {
      logs.push(...(await trainer.steps(until - logs.length)));
      const { parameters } = await trainer.state();
      expect(worstError(parameters, flat(`after_${until}`)), key).toBeLessThan(golden.tolerance[key]);
    }
    const losses = logs.map((log) => log.loss);
    expect(worstError(losses, golden.losses)).toBeLessThan(golden.tolerance.loss);
    expect(logs.map((log) => log.learningRate)).toEqual(golden.learning_rates.map((rate) => expect.closeTo(rate, 15)));
    trainer.dispose();
  });
});

test('the paper’s shapes: three steps are PyTorch’s', async () => {
  const { float64 }: FullShapeGolden = JSON.parse(fixture('gate-full-shape.json').toString());
  const { data, settings, layers } = fullShapeRun();
  const trainer = await openWasmGateTrainer(data, layers, 100, settings, { threads: 2, startHelper: startNodeHelper });
  const norms = tensorNorms(await trainer.gradientAt(0), layers);
  for (const [i, norm] of float64.gradient_norms_step_1.entries())
    expect(Math.abs(norms[i]! / norm - 1), `tensor ${i}`).toBeLessThan(1e-3);
  const logs = await trainer.steps(3);
  expect(
    worstError(
      logs.map((log) => log.loss),
      float64.losses,
    ),
  ).toBeLessThan(1e-6);
  const { parameters } = await trainer.state();
  for (const [i, samples] of tensorSamples(parameters, layers).entries())
    // PyTorch's own f32 run is off by 3e-6 here.
    expect(worstError(samples, float64.sample_after_3[i]), `tensor ${i}`).toBeLessThan(2e-5);
  expect(Math.abs(parameters.at(-1)! - float64.beta)).toBeLessThan(2e-5);
  trainer.dispose();
});

function randomRun(mode: GateTrainerSettings['mode']) {
  const random = new SeededRandom(2);
  const [count, d, k] = [90, 33, 9];
  const normals = (length: number) => Float64Array.from({ length }, () => random.normal());
  const data: GateTrainingData = {
    rows: memoryRows(Float32Array.from(normals(count * d)), d),
    objectives: k,
    rewardDifferences: normals(count * k),
    rawRewards: normals(2 * count * k),
  };
  const settings: GateTrainerSettings = {
    mode,
    temperature: 3,
    logitScale: 1.7,
    activeObjectives: [0, 2, 3, 5, 8],
    batches: {
      pairs: Uint32Array.from({ length: 70 }, (_, i) => i + 11),
      batchSize: 37,
      seed: 5,
      replacement: mode !== 'paper',
    },
    learningRate: 3e-3,
    scheduleSteps: 40,
    weightDecay: 0.05,
    adamBetas: [0.85, 0.99],
    adamEpsilon: 1e-7,
    dropout: 0.3,
    seed: 9,
  };
  return { data, settings, layers: initialGateLayers([d, 65, 3, 17, k], 4) };
}

describe.each(['paper', 'authors-script'] as const)('%s: dropout, a mask, a scale, threads', (mode) => {
  const { data, settings, layers } = randomRun(mode);

  test('the f64 reference’s run, and its evaluation', async () => {
    const fast = await openWasmGateTrainer(data, layers, 4, settings, threads);
    const exact = await openCpuGateTrainer(data, layers, 4, settings);
    expect(Math.max(...relativeErrors(await fast.gradientAt(3), await exact.gradientAt(3), layers))).toBeLessThan(1e-5);
    const [a, b] = [await fast.steps(30), await exact.steps(30)];
    for (const key of ['loss', 'gateEntropy', 'beta', 'learningRate'] as const)
      expect(
        worstError(
          a.map((log) => log[key]),
          b.map((log) => log[key]),
        ),
        key,
      ).toBeLessThan(1e-4);
    const some = Uint32Array.from({ length: 50 }, (_, i) => i + 3);
    const [c, d] = [await fast.evaluate(some), await exact.evaluate(some)];
    expect(Math.abs(c.loss - d.loss)).toBeLessThan(1e-4);
    expect(c.accuracy).toBeCloseTo(d.accuracy, 12);
    expect(worstError(c.gateWeights, d.gateWeights)).toBeLessThan(1e-3);
    fast.dispose();
  });

  test('the same seed gives the same bits, resumed or not, on any number of threads', async () => {
    const whole = await openWasmGateTrainer(data, layers, 4, settings);
    const logs = await whole.steps(20);
    const first = await openWasmGateTrainer(data, layers, 4, settings, threads);
    expect(await first.steps(9)).toEqual(logs.slice(0, 9));
    const resumed = await openWasmGateTrainer(data, structuredClone(await first.state()), 0, settings);
    expect(await resumed.steps(11)).toEqual(logs.slice(9));
    expect(await resumed.state()).toEqual(await whole.state());
    for (const trainer of [whole, first, resumed]) trainer.dispose();
  });
});

test('a run that diverges says so', async () => {
  const { data, settings, layers } = randomRun('paper');
  const trainer = await openWasmGateTrainer(data, layers, 1, { ...settings, learningRate: 1e30 });
  await expect(trainer.steps(20)).rejects.toThrow(/the loss is .*: the run diverged/);
});
