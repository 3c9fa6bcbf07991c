/** Measures, in a worker: the kernel's threads wait for each other, which a page's own thread may not. */
import { openGpuGateTrainer } from '@/gpu/gpu-gate-trainer.ts';
import { openTrainingDevice } from '@/gpu/training-device.ts';
import { openWasmGateTrainer } from '@/core/wasm-gate-trainer.ts';
import { startWebHelper } from '@/jobs/host/web-trainer.ts';
import { jaxStep, type OtherStep } from './jax-step.ts';
import { ortStep } from './ort-step.ts';
import { measurePeak } from './peak.ts';
import { benchRun, type BenchShape, initialBeta, stepFlops } from './shapes.ts';

export interface BenchOrder {
  readonly shape: BenchShape;
  /** Steps that are timed, after as many to warm up (at least one). */
  readonly steps: number;
  readonly peakSeconds: number;
}

export interface BenchAnswer {
  readonly report?: BenchReport;
  readonly error?: string;
}

export interface BenchReport {
  readonly adapter: string;
  readonly peak: number;
  readonly flops: number;
  readonly dispatches: number;
  /** Each kernel of a step, run alone: milliseconds, and operations a second where it is a product. */
  readonly parts: readonly { readonly label: string; readonly ms: number; readonly flops?: number }[];
  readonly stepMs: number;
  readonly others: readonly {
    readonly name: string;
    readonly stepMs?: number;
    readonly lossError?: number;
    readonly failure?: string;
  }[];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

const say = (text: string): void => console.log(text);

async function bench({ shape, steps, peakSeconds }: BenchOrder): Promise<BenchReport> {
  const opened = await openTrainingDevice();
  if ('unavailable' in opened) throw new Error(opened.unavailable);
  const run = benchRun(shape);
  const batch = shape.batch;
  say(`${opened.adapter}: measuring the peak of fused multiply-adds …`);
  const peak = await measurePeak(opened.device, peakSeconds);
  say('compiling and warming up …');
  const trainer = await openGpuGateTrainer(opened, run.data, run.layers, initialBeta, run.settings);
  const warm = Math.max(1, Math.min(3, steps));
  const losses = (await trainer.steps(warm)).map((log) => log.loss);
  say('one step at a time …');
  const stepMs = (await timed(() => trainer.steps(steps))) / steps;
  say('each kernel alone …');
  const parts: { label: string; ms: number; flops?: number }[] = [];
  for (const label of trainer.dispatches()) {
    const ms = (await timed(() => trainer.runAlone(label, steps))) / steps;
    const layer = Number(/ (\d+)$/.exec(label)?.[1] ?? Number.NaN);
    const product = Number.isNaN(layer) ? {} : { flops: 2 * batch * run.widths[layer]! * run.widths[layer + 1]! };
    parts.push({ label, ms, ...product });
  }
  trainer.dispose();
  const others: BenchReport['others'][number][] = [];
  const compare = async (name: string, open: () => Promise<OtherStep>): Promise<void> => {
    say(`${name} …`);
    try {
      const other = await open();
      let lossError = 0;
      for (let i = 0; i < warm; i++) lossError = Math.max(lossError, Math.abs((await other.step(i)) - losses[i]!));
      const took = await timed(async () => {
        for (let i = 0; i < steps; i++) await other.step(warm + i);
      });
      others.push({ name, stepMs: took / steps, lossError });
      await other.dispose();
    } catch (error) {
      others.push({ name, failure: error instanceof Error ? error.message : String(error) });
    }
  };
  await compare('jax-js 0.1.25 on WebGPU', () => jaxStep(run, batch));
  await compare('ONNX graph in ONNX Runtime on WebGPU', () => ortStep(run, batch));
  await compare('this project in wasm', async () => {
    const threads = navigator.hardwareConcurrency;
    const options = { threads, startHelper: startWebHelper };
    const wasm = await openWasmGateTrainer(run.data, run.layers, initialBeta, run.settings, options);
    return { step: async () => (await wasm.steps(1))[0]!.loss, dispose: async () => wasm.dispose() };
  });
  const report = {
    adapter: opened.adapter,
    peak,
    flops: stepFlops(run),
    dispatches: trainer.plan.dispatches,
    parts,
    stepMs,
    others,
  };
  opened.device.destroy();
  return report;
}

self.addEventListener('message', ({ data }: MessageEvent<BenchOrder>) => {
  const port: { postMessage(message: BenchAnswer): void } = self;
  bench(data).then(
    (report) => port.postMessage({ report }),
    (error: unknown) =>
      port.postMessage({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
