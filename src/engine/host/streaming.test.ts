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
  /** Counts the sessions made. */
  readonly onSession?: () => void;
  /** Sessions that fit at once. */
  readonly sessions?: number;
  readonly limits?: NonNullable<Backend['limits']>;
}

function engineOn(
  { sessions = Infinity, limits, onSession }: Device,
  change: Partial<EnginePlatform> = {},
): RewardEngineHost {
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
            onSession?.();
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

test('requests made together share every stage; each has the numbers it has alone, and ends by itself', async () => {
  let made = 0;
  const streamed = engineOn({ sessions: 1, onSession: () => (made += 1) });
  const { manifest } = await streamed.load(source, { stages: 'streamed' });
  const stages = manifest.stages.length;
  // Both ways of the only canary, or all canaries, in one go.
  expect(made).toBe(stages);
  const prompts = ['Why is the sky blue?', 'Name two colours.', 'What is a prime?', 'How tall is a giraffe?'];
  const requests = prompts.map((content) => ({ ...request, messages: [{ role: 'user' as const, content }] }));
  const alone = [];
  for (const each of requests) alone.push((await streamed.score(each)).responses.map(numbersOf));

  made = 0;
  const cancelled = new AbortController();
  const heard = new Map<number, EngineProgress[]>();
  const listening = (index: number) => ({
    onProgress: (event: EngineProgress) => {
      heard.set(index, [...(heard.get(index) ?? []), event]);
      if (index === 0) cancelled.abort();
    },
  });
  const endless = { ...request, responses: ['word '.repeat(manifest.architecture.maxPositions + 1)] };
  const [first, second, tooLong, stopped, last] = await Promise.allSettled([
    streamed.score(requests[0]!, listening(0)),
    streamed.score(requests[1]!, listening(1)),
    streamed.score(endless),
    streamed.score(requests[2]!, { ...listening(2), signal: cancelled.signal }),
    streamed.score(requests[3]!, listening(3)),
  ]);
  expect(made).toBe(stages);
  const scored = [first, second, last].map((end) => end.status === 'fulfilled' && end.value.responses.map(numbersOf));
  expect(scored).toEqual([alone[0], alone[1], alone[3]]);
  expect(tooLong).toMatchObject({ status: 'rejected', reason: { code: 'too-long' } });
  expect(stopped).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
  expect([...heard.keys()].toSorted((a, b) => a - b)).toEqual([0, 1, 3]);
  for (const events of heard.values()) {
    const tokens = events.filter((event) => event.stage === 'score');
    expect(tokens.at(-1)?.doneTokens).toBe(tokens.at(-1)?.totalTokens);
    expect(events.filter(({ stage }) => stage === 'result')).toHaveLength(request.responses.length);
  }

  // Not across a load: what was asked before it is of the model before.
  made = 0;
  const before = streamed.score(requests[0]!);
  const again = streamed.load(source, { stages: 'streamed' });
  const after = streamed.score(requests[1]!);
  expect((await before).responses.map(numbersOf)).toEqual(alone[0]);
  await again;
  expect((await after).responses.map(numbersOf)).toEqual(alone[1]);
  expect(made).toBe(3 * stages);
}, 120_000);
