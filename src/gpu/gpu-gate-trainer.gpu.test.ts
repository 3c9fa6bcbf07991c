/** The WebGPU trainer in a real browser, against PyTorch's runs and against the f64 reference. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '@/base/random.ts';
import { openCpuGateTrainer } from '@/core/cpu-gate-trainer.ts';
import { initialGateLayers } from '@/core/gate-network.ts';
import type { GateTrainerSettings, GateTrainingData } from '@/core/gate-trainer-backend.ts';
import { goldenRuns, memoryRows, readGateGolden, relativeErrors, worstError } from '@/core/test-gate-golden.ts';
import { openGpuGateTrainer } from './gpu-gate-trainer.ts';
import { openTrainingDevice, type TrainingDevice } from './training-device.ts';

let device: TrainingDevice;
beforeAll(async () => {
  const opened = await openTrainingDevice();
  if ('unavailable' in opened) throw new Error(opened.unavailable);
  device = opened;
  console.info(`adapter: ${device.adapter}`);
});
afterAll(() => device.device.destroy());

const fixture = async (name: string) => fetch(new URL(`../core/fixtures/${name}`, import.meta.url));
const load = async (name: string) => {
  const [json, file] = await Promise.all([fixture(`${name}.json`), fixture(`${name}.safetensors`)]);
  return readGateGolden(await json.text(), new Uint8Array(await file.arrayBuffer()));
};

describe.each(goldenRuns)('PyTorch’s run %s', (name) => {
  test('gradients of step 1, the whole curve, parameters after 1, 10 and 200 steps', async () => {
    const { golden, data, settings, layers, flat } = await load(name);
    const trainer = await openGpuGateTrainer(device, data, layers, golden.beta_initial, settings);
    const gradient = relativeErrors(await trainer.gradientAt(0), flat('gradient'), layers);
    const logs = [...(await trainer.steps(1))];
    const after1 = worstError((await trainer.state()).parameters, flat('after_1'));
    logs.push(...(await trainer.steps(9)));
    const after10 = worstError((await trainer.state()).parameters, flat('after_10'));
    logs.push(...(await trainer.steps(golden.steps - 10)));
    const after200 = worstError((await trainer.state()).parameters, flat('after_200'));
    trainer.dispose();
    const losses = worstError(
      logs.map((log) => log.loss),
      golden.losses,
    );
    console.info(
      `${name}: gradient ${Math.max(...gradient).toExponential(1)} (relative), loss ${losses.toExponential(1)}, ` +
        `parameters ${[after1, after10, after200].map((error) => error.toExponential(1)).join(', ')}`,
    );
    expect(Math.max(...gradient)).toBeLessThan(1e-5);
    expect(losses).toBeLessThan(golden.tolerance.loss);
    expect(after1).toBeLessThan(golden.tolerance.params_after_1);
    expect(after10).toBeLessThan(golden.tolerance.params_after_10);
    expect(after200).toBeLessThan(golden.tolerance.params_after_200);
    const accuracies = logs.map((log) => log.accuracy);
    // A margin next to zero may fall on the other side in f32.
    expect(worstError(accuracies, golden.batch_accuracy)).toBeLessThan(1.5 / golden.batch);
    expect(
      accuracies.filter((accuracy, i) => Math.abs(accuracy - golden.batch_accuracy[i]!) > 1e-6).length,
    ).toBeLessThan(4);
    expect(logs.map((log) => log.step)).toEqual(golden.losses.map((_, i) => i + 1));
    expect(trainer.plan.dispatches).toBeLessThanOrEqual(20);
  });
});

/** Random pairs whose shapes divide nothing. */
function randomRun(widths: readonly number[], count: number, seed = 1) {
  const random = new SeededRandom(seed);
  const [d, k] = [widths[0]!, widths.at(-1)!];
  const normals = (length: number) => Float32Array.from({ length }, () => random.normal());
  const data: GateTrainingData = {
    rows: memoryRows(normals(count * d), d),
    objectives: k,
    rewardDifferences: Float64Array.from(normals(count * k)),
  };
  const settings: GateTrainerSettings = {
    mode: 'paper',
    temperature: 3,
    logitScale: 1.7,
    activeObjectives: Array.from({ length: k }, (_, j) => j).filter((j) => j !== 1),
    batches: { pairs: count, batchSize: Math.min(count, 37), seed: 5 },
    learningRate: 3e-3,
    scheduleSteps: 40,
    weightDecay: 0.05,
    adamBetas: [0.85, 0.99],
    adamEpsilon: 1e-7,
    dropout: 0.3,
    seed: 9,
  };
  return { data, settings, layers: initialGateLayers(widths, seed) };
}

describe('against the f64 reference: dropout, a mask, a scale, shapes that divide nothing', () => {
  test.each([
    ['no hidden layer', [5, 3], 50],
    ['one', [67, 70, 5], 41],
    ['four of different widths', [33, 65, 3, 130, 17, 9], 90],
    ['a batch cut into slices', [200, 9, 4], 700],
  ] as const)('%s', async (_name, widths, count) => {
    const { data, settings: plain, layers } = randomRun(widths, count);
    const settings = count < 700 ? plain : { ...plain, batches: { ...plain.batches, batchSize: 613 } };
    const gpu = await openGpuGateTrainer(device, data, layers, 4, settings);
    const cpu = await openCpuGateTrainer(data, layers, 4, settings);
    const errors = relativeErrors(await gpu.gradientAt(3), await cpu.gradientAt(3), layers);
    expect(Math.max(...errors)).toBeLessThan(1e-5);
    const [fast, exact] = [await gpu.steps(35), await cpu.steps(35)];
    expect(
      worstError(
        fast.map((log) => log.loss),
        exact.map((log) => log.loss),
      ),
    ).toBeLessThan(1e-4);
    expect(
      worstError(
        fast.map((log) => log.gateEntropy),
        exact.map((log) => log.gateEntropy),
      ),
    ).toBeLessThan(1e-4);
    const some = Uint32Array.from({ length: count - 3 }, (_, i) => i + 1);
    const [a, b] = [await gpu.evaluate(some), await cpu.evaluate(some)];
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-4);
    expect(Math.abs(a.gateEntropy - b.gateEntropy)).toBeLessThan(1e-4);
    expect(worstError(a.gateWeights, b.gateWeights)).toBeLessThan(1e-3);
    expect(Math.abs(a.accuracy - b.accuracy)).toBeLessThan(1.5 / some.length);
    gpu.dispose();
  });
});

test('gradients agree with central differences of the loss in f64', async () => {
  const { data, settings, layers } = randomRun([6, 7, 5, 4], 20);
  const gpu = await openGpuGateTrainer(device, data, layers, 2, settings);
  const gradient = await gpu.gradientAt(0);
  gpu.dispose();
  const { parameters, ...rest } = await (await openCpuGateTrainer(data, layers, 2, settings)).state();
  const lossAt = async (index: number, offset: number) => {
    const moved = Float64Array.from(parameters);
    moved[index]! += offset;
    const [log] = await (await openCpuGateTrainer(data, { ...rest, parameters: moved }, 2, settings)).steps(1);
    return log!.loss;
  };
  for (const [i, value] of gradient.entries()) {
    const difference = ((await lossAt(i, 1e-5)) - (await lossAt(i, -1e-5))) / 2e-5;
    expect(Math.abs(difference - value)).toBeLessThan(2e-6);
  }
});

describe('a seeded run', () => {
  const { data, settings, layers } = randomRun([40, 33, 6], 120);
  const run = async (steps: number, options = {}) => {
    const trainer = await openGpuGateTrainer(device, data, layers, 4, settings, options);
    const logs = await trainer.steps(steps);
    const state = await trainer.state();
    trainer.dispose();
    return { logs, state };
  };

  test('is the same again, to the bit', async () => {
    expect(await run(33)).toEqual(await run(33));
  });

  test('resumed from a state that went through a clone is the run that never stopped, to the bit', async () => {
    const whole = await run(40);
    const { state } = await run(13);
    const resumed = await openGpuGateTrainer(device, data, structuredClone(state), 0, settings);
    expect(await resumed.steps(27)).toEqual(whole.logs.slice(13));
    expect(await resumed.state()).toEqual(whole.state);
    resumed.dispose();
  });

  test('does not depend on where its rows are kept', async () => {
    expect(await run(10, { streamRows: true })).toEqual(await run(10));
  });
});

test('a run that diverges says so', async () => {
  const { data, settings, layers } = randomRun([8, 9, 3], 30);
  const trainer = await openGpuGateTrainer(device, data, layers, 1, { ...settings, learningRate: 1e30 });
  await expect(trainer.steps(60)).rejects.toThrow(/the loss is .*: the run diverged/);
  trainer.dispose();
});

test('a lost device is a typed error', async () => {
  const own = await openTrainingDevice();
  if ('unavailable' in own) throw new Error(own.unavailable);
  const { data, settings, layers } = randomRun([8, 9, 3], 30);
  const trainer = await openGpuGateTrainer(own, data, layers, 1, settings);
  await trainer.steps(1);
  own.device.destroy();
  await expect(trainer.steps(1)).rejects.toMatchObject({ name: 'DeviceLostError' });
});
