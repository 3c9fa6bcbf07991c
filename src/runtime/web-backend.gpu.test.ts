/** onnxruntime-web on real devices: the converter's graphs give the CPU's numbers, all nodes where they are meant to run. */
import { beforeAll, expect, test, vi } from 'vitest';
import type { Provider } from '@/engine/api/messages.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import { openForward, type ForwardBytes } from '@/formats/forward-bytes.ts';
import { Backbone } from './backbone.ts';
import type { Backend } from './backend.ts';
import { syntheticModel, syntheticTokens } from './fixtures/synthetic-stage.ts';
import type { SyntheticModel, SyntheticOptions } from './fixtures/synthetic-stage.ts';
import { describeDevice, openDevice } from './web-device.ts';
import { webBackendFactory } from './web-factory.ts';
import type { WebFactoryOptions } from './web-factory.ts';
import type { WebBuild } from './web-ort.ts';

/** Two f32 implementations in another order of summation; features are of order 1. Measured: 2e-6. */
const tolerance = 2e-5;

async function makeBackend(provider: Provider, options: WebFactoryOptions = {}): Promise<Backend> {
  const made = await webBackendFactory(options).create(provider);
  if ('unavailable' in made) throw new Error(`${provider}: ${made.unavailable}`);
  return made.backend;
}

/** A backend, and the device that it opened. */
async function backendAndDevice(): Promise<{ backend: Backend; device: GPUDevice | undefined }> {
  const requested = vi.spyOn(GPUAdapter.prototype, 'requestDevice');
  const backend = await makeBackend('webgpu');
  const device = await requested.mock.results[0]?.value;
  requested.mockRestore();
  return { backend, device };
}

/** A file that says where it is read before it is. */
function watched(source: ByteSource, onFill: (offset: number) => void): ByteSource {
  return {
    ...source,
    async openForward() {
      const forward = await openForward(source);
      const fill: ForwardBytes['fill'] = (offset, ...others) => {
        onFill(offset);
        return forward.fill(offset, ...others);
      };
      return { ...forward, fill };
    },
  };
}

/** Rows spread over the whole sequence; last-token features alone would miss what happens before. */
function rowsOf(length: number): number[] {
  return [0, 5, 31, 32, 63, 64, 65, 127, 128, 200, length - 1].filter((row) => row < length);
}

/** The features of one sequence for every chunk length, on sessions made once. */
async function featuresOn(
  backend: Backend,
  { architecture, embedding, stages }: SyntheticModel,
  tokenIds: Int32Array,
  ...chunkLengths: readonly number[]
): Promise<Float32Array[][]> {
  const backbone = await Backbone.create(backend, architecture, embedding, stages);
  try {
    const found: Float32Array[][] = [];
    for (const chunkTokens of chunkLengths) {
      const [result] = await backbone.features([{ tokenIds, rows: rowsOf(tokenIds.length) }], { chunkTokens });
      found.push([...(result?.features ?? [])]);
    }
    return found;
  } finally {
    await backbone.dispose();
  }
}

function worstDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  expect(a.length).toBe(b.length);
  expect(a.length).toBeGreaterThan(0);
  let worst = 0;
  for (const [i, row] of a.entries())
    for (const [j, value] of row.entries()) worst = Math.max(worst, Math.abs(value - (b[i]?.[j] ?? Number.NaN)));
  return worst;
}

beforeAll(async () => {
  const { webgpu, crossOriginIsolated, jspi, threads } = await describeDevice();
  console.info(
    `adapter: ${webgpu.adapter ?? webgpu.reason}; isolated: ${crossOriginIsolated}; JSPI: ${jspi}; threads: ${threads}`,
  );
  // Without an adapter these tests would prove nothing: they fail instead of being skipped.
  if (!webgpu.available) throw new Error(webgpu.reason);
});

test('the page is what the wasm threads and the JSPI build need', async () => {
  const report = await describeDevice();
  expect(report.crossOriginIsolated).toBe(true);
  expect(report.jspi).toBe(true);
  expect(report.webgpu.limits['maxBufferSize']).toBeGreaterThan(0);
});

test('a device leaves subgroups out where they are too narrow to be right', async () => {
  const opened = await openDevice('safe');
  if ('unavailable' in opened) throw new Error(opened.unavailable);
  const { subgroupMinSize } = opened.device.adapterInfo;
  expect(opened.subgroups).toBe(opened.device.features.has('subgroups'));
  expect(opened.subgroups).toBe(subgroupMinSize >= 8);
  opened.device.destroy();
});

const cases: { readonly build: WebBuild; readonly model: SyntheticOptions }[] = [
  { build: 'jspi', model: { form: 'f32' } },
  { build: 'jspi', model: { form: 'f16' } },
  { build: 'jspi', model: { form: 'q4' } },
  { build: 'jspi', model: { form: 'q4-centred' } },
  { build: 'jspi', model: { form: 'q8' } },
  { build: 'jspi', model: { form: 'f32', headDim: 24 } },
  { build: 'jspi', model: { form: 'f32', inMemory: true } },
  { build: 'asyncify', model: { form: 'f32' } },
  { build: 'asyncify', model: { form: 'q4' } },
];
test.each(cases)(
  '$build, $model: WebGPU gives the wasm numbers, whole and in chunks',
  async ({ build, model: options }) => {
    const model = syntheticModel(options);
    const tokens = syntheticTokens(210, model.architecture.vocabSize);
    const found: Float32Array[][] = [];
    for (const provider of ['wasm', 'webgpu'] as const) {
      const backend = await makeBackend(provider, { build });
      found.push(...(await featuresOn(backend, model, tokens, 256, 64)));
      await backend.dispose();
    }
    const [reference, ...others] = found;
    expect(Math.max(...(reference?.at(-1) ?? []))).toBeGreaterThan(0.5);
    expect(others).toHaveLength(3);
    for (const other of others) expect(worstDifference(reference ?? [], other)).toBeLessThan(tolerance);
  },
);

test.each<WebBuild>(['jspi', 'asyncify'])(
  '%s: weights are brought to the device in the order of the files',
  async (build) => {
    const model = syntheticModel({ form: 'q4' });
    const tokens = syntheticTokens(40, model.architecture.vocabSize);
    const backend = await makeBackend('webgpu', { build });
    const [expected] = await featuresOn(backend, model, tokens, 256);
    const refuse = () => Promise.reject(new Error('read while the session is made'));
    const read: string[] = [];
    const stages = model.stages.map((stage) => ({
      ...stage,
      files: {
        ...stage.files,
        data: stage.files.data.map(({ name, bytes }) => {
          const source = watched(bytes, (offset) => read.push(`${name} ${String(offset).padStart(12)}`));
          return { name, bytes: { ...source, openSync: refuse, read: refuse } };
        }),
      },
    }));
    const [found] = await featuresOn(backend, { ...model, stages }, tokens, 256);
    expect(worstDifference(expected ?? [], found ?? [])).toBe(0);
    expect(read.length).toBeGreaterThan(20);
    expect(read).toEqual(read.toSorted());
    await backend.dispose();
  },
);

test('a device that is lost while weights are on their way: the session is not made', async () => {
  const { backend, device } = await backendAndDevice();
  const [stage] = syntheticModel({ form: 'q4' }).stages;
  if (stage === undefined) throw new Error('no stage');
  let filled = 0;
  const data = stage.files.data.map(({ name, bytes }) => ({
    name,
    bytes: watched(bytes, () => {
      filled += 1;
      if (filled === 3) device?.destroy();
    }),
  }));
  await expect(backend.createSession({ ...stage.files, data })).rejects.toBeInstanceOf(Error);
  await expect(backend.lost).resolves.toMatch(/destroyed/);
  await backend.dispose();
});

test('a lost device rejects what runs and says so', async () => {
  const { backend, device } = await backendAndDevice();
  const { architecture, embedding, stages } = syntheticModel({ form: 'f32' });
  const backbone = await Backbone.create(backend, architecture, embedding, stages);
  const tokenIds = syntheticTokens(100, architecture.vocabSize);
  await backbone.features([{ tokenIds, rows: [99] }]);
  device?.destroy();
  await expect(backend.lost).resolves.toMatch(/destroyed/);
  await expect(backbone.features([{ tokenIds, rows: [99] }])).rejects.toBeInstanceOf(Error);
  await backbone.dispose();
  await backend.dispose();
  const again = await makeBackend('webgpu');
  const model = syntheticModel({ form: 'f32' });
  expect((await featuresOn(again, model, tokenIds, 256)).length).toBeGreaterThan(0);
  await again.dispose();
});
