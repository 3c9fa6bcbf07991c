/** The paper's shapes on WebGPU: gradient norms of the first step against PyTorch in f64. */
import { expect, test } from 'vitest';
import { type FullShapeGolden, fullShapeRun, tensorNorms } from '@/core/test-gate-golden.ts';
import { openGpuGateTrainer } from './gpu-gate-trainer.ts';
import { openTrainingDevice } from './training-device.ts';

test('one step of 4096-1024-1024-1024-19 with 1,024 pairs', async () => {
  const device = await openTrainingDevice();
  if ('unavailable' in device) throw new Error(device.unavailable);
  const response = await fetch(new URL('../core/fixtures/gate-full-shape.json', import.meta.url));
  const { float64 } = (await response.json()) as FullShapeGolden;
  const { data, settings, layers } = fullShapeRun();
  const trainer = await openGpuGateTrainer(device, data, layers, 100, settings);
  const startedAt = performance.now();
  const norms = tensorNorms(await trainer.gradientAt(0), layers);
  const seconds = (performance.now() - startedAt) / 1000;
  console.info(
    `${device.adapter}: forward and backward pass ${seconds.toFixed(1)} s, ${trainer.plan.dispatches} kernels a step`,
  );
  // In f32 PyTorch's own norms are off by 1e-4; a wrong slice, layer or mask is off by far more.
  for (const [i, norm] of float64.gradient_norms_step_1.entries())
    expect(Math.abs(norms[i]! / norm - 1), `tensor ${i}`).toBeLessThan(1e-3);
  trainer.dispose();
  device.device.destroy();
});
