/** A device too small for all stages: the same scores one stage at a time, said before it starts, fallen back to where memory runs out. */
import { afterEach, beforeAll, expect, test } from 'vitest';
import { diskFileSet } from '@/cli/disk-files.ts';
import { goldenPackage } from '@/cli/golden-packages.ts';
import type { EngineProgress, ScoredResponse } from '@/engine/api/messages.ts';
import type { FileSet } from '@/formats/byte-source.ts';
import type { Backend, BackendFactory } from '@/runtime/backend.ts';
import { nativeBackendFactory } from '@/runtime/native-backend.ts';
import { RewardEngineHost, type EnginePlatform } from './reward-engine-host.ts';

let files: FileSet;
beforeAll(async () => {
  files = diskFileSet(await goldenPackage('armorm-tiny-smollm'));
}, 180_000);

const engines: RewardEngineHost[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
});

interface Device {
  /** Sessions that fit at once. */
  readonly sessions?: number;
  readonly limits?: NonNullable<Backend['limits']>;
}

function engineOn({ sessions = Infinity, limits }: Device, change: Partial<EnginePlatform> = {}): RewardEngineHost {
  const native = nativeBackendFactory({ threads: 1 });
  const backends: BackendFactory = {
    order: ['webgpu', 'wasm'],
    async create(provider) {
      const created = await native.create('native');
      if (!('backend' in created)) return created;
      const { backend } = created;
      let alive = 0;
      return {
        backend: {
          provider,
          lost: backend.lost,
          ...(limits === undefined || provider !== 'webgpu' ? {} : { limits }),
          tensor: (...call) => backend.tensor(...call),
          dispose: () => backend.dispose(),
          async createSession(...call) {
            if (alive >= sessions) throw new Error('std::bad_alloc');
            const session = await backend.createSession(...call);
            alive += 1;
            return {
              inputNames: session.inputNames,
              outputNames: session.outputNames,
              run: (...inputs) => session.run(...inputs),
              async release() {
                alive -= 1;
                await session.release();
              },
            };
          },
        },
      };
    },
  };
  const device = {
    webgpu: { available: false, features: [], limits: {} },
    crossOriginIsolated: true,
    jspi: false,
    threads: 1,
  };
  const engine = new RewardEngineHost({ backends, openFiles: () => files, device: async () => device, ...change });
  engines.push(engine);
  return engine;
}

const source = { kind: 'directory', path: 'golden' } as const;
const request = {
  messages: [{ role: 'user' as const, content: 'Why is the sky blue?' }],
  responses: ['Air scatters blue light most.', 'It reflects the sea.', 'Nobody knows.'],
  features: true,
};
const numbersOf = ({ timings: _timings, ...numbers }: ScoredResponse): unknown => numbers;

test('one stage at a time gives the same numbers to the last bit, and says so before it starts', async () => {
  const resident = engineOn({});
  expect((await resident.load(source)).memory.mode).toBe('resident');
  const expected = await resident.score(request);

  const streamed = engineOn({ sessions: 1 });
  const progress: EngineProgress[] = [];
  const model = await streamed.load(source, { stages: 'streamed', onProgress: (event) => progress.push(event) });
  expect(model.manifest.stages.length).toBeGreaterThan(1);
  expect(model.memory).toMatchObject({ mode: 'streamed', reason: expect.stringContaining('You chose') });
  const stages = [...new Set(progress.map(({ stage }) => stage))];
  expect(stages).toEqual(['download', 'streaming', 'compile', 'warmup', 'ready']);

  const scoring: EngineProgress[] = [];
  const result = await streamed.score(request, { onProgress: (event) => scoring.push(event) });
  expect(result.responses.map(numbersOf)).toEqual(expected.responses.map(numbersOf));
  expect(new Set(scoring.map(({ stage }) => stage))).toEqual(new Set(['score', 'result']));
});

test('where memory runs out with all stages, the same provider is tried stage by stage', async () => {
  const model = await engineOn({ sessions: 1 }).load(source);
  expect(model.provider).toBe('webgpu');
  expect(model.memory).toMatchObject({ mode: 'streamed', reason: expect.stringContaining('ran out of memory') });
  expect(model.proofs).toHaveLength(1);
});

test('a person who wants all stages is told that memory ran out', async () => {
  await expect(engineOn({ sessions: 1 }).load(source, { stages: 'resident', provider: 'wasm' })).rejects.toThrow(
    /not enough memory/,
  );
});

test('a device known to be too small is not tried with all stages', async () => {
  const small = engineOn({ sessions: 1 }, { memory: () => ({ bytes: 1_000_000, orMore: false }) });
  const model = await small.load(source);
  expect(model.memory).toMatchObject({
    mode: 'streamed',
    reason: expect.stringMatching(/take about .* of the 1 MB here/),
  });
});

test('an adapter whose buffers are too small is skipped, with both numbers', async () => {
  const engine = engineOn({ limits: { maxBufferSize: 1e9, maxStorageBufferBindingSize: 1000 } });
  const model = await engine.load(source);
  expect(model.provider).toBe('wasm');
  expect(model.proofs[0]).toMatchObject({
    provider: 'webgpu',
    outcome: 'skipped',
    reason: expect.stringMatching(/largest matrix.*maxStorageBufferBindingSize/),
  });
});
