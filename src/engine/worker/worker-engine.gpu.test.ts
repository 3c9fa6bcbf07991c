/**
 * The engine of the page in its real worker, on real packages: goldens on wasm and on WebGPU, providers left and told, loss of
 * the GPU process, a worker that cannot load.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cdp } from 'vitest/browser';
import type { Golden, GoldenCase, GoldenName } from '@/cli/fixtures/golden-checkpoints.ts';
import { EngineError } from '@/engine/api/errors.ts';
import type { LoadedModel, ProviderProof, ScoredResponse } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { describeContract } from '@/engine/api/test-contract.ts';
import { createWebEngine } from '@/engine/host/web-engine.ts';
import { createWorkerEngine } from './worker-client.ts';

const folder = (name: GoldenName): string => `/.cache/goldens/${name}`;
const source = (name: GoldenName) => ({ kind: 'url', url: new URL(folder(name), location.href).href }) as const;
/** A software adapter compiles shaders slowly. */
const loadTimeoutMs = 240_000;

async function readExpected(name: GoldenName): Promise<Golden> {
  return (await (await fetch(`${folder(name)}/expected.json`)).json()) as Golden;
}

function worst(values: ArrayLike<number>, expected: readonly number[]): number {
  expect(values).toHaveLength(expected.length);
  return Math.max(...expected.map((value, i) => Math.abs(value - (values[i] ?? Number.NaN))));
}

async function loadError(engine: RewardEngine, ...parameters: Parameters<RewardEngine['load']>): Promise<EngineError> {
  const error: unknown = await engine.load(...parameters).catch((cause: unknown) => cause);
  if (error instanceof EngineError) return error;
  throw new Error(`load gave ${String(error)}`);
}

beforeAll(async () => {
  const engine = createWorkerEngine();
  const { webgpu } = await engine.device();
  await engine.dispose();
  console.info(`adapter: ${webgpu.adapter ?? webgpu.reason}`);
  if (!webgpu.available) throw new Error(webgpu.reason);
});

const goldens: readonly GoldenName[] = ['armorm-tiny-llama3', 'armorm-tiny-smollm', 'multidomain-tiny'];
const runs = goldens.flatMap((name) => (['wasm', 'webgpu'] as const).map((provider) => ({ name, provider })));

describe.each(runs)('golden $name on $provider', ({ name, provider }) => {
  const engine = createWorkerEngine();
  let model: LoadedModel;
  let golden: Golden;
  beforeAll(async () => {
    golden = await readExpected(name);
    model = await engine.load(source(name), { provider });
    console.info(
      `${name} on ${provider} (${model.adapter ?? 'cpu'}): canary error ${model.worstError.toExponential(1)}, loaded in ${Math.round(model.elapsedMs)} ms`,
    );
  }, loadTimeoutMs);
  afterAll(() => engine.dispose());

  async function scoreCase({ messages, response }: GoldenCase): Promise<ScoredResponse> {
    const [scored] = (await engine.score({ messages, responses: [response], features: true })).responses;
    if (scored === undefined) throw new Error('no response was scored');
    return scored;
  }

  test('proves itself on the canaries', () => {
    expect(model.proofs.at(-1)).toMatchObject({ provider, outcome: 'passed' });
    expect(model.worstError).toBeLessThan(1e-4);
  });

  test('every case: token ids are equal, rewards, gate weights and score within the golden tolerance', async () => {
    const { tolerance } = golden.meta;
    const errors = { rewards: 0, gateWeights: 0, score: 0 };
    let longest = 0;
    for (const one of golden.cases) {
      const { tokenIds } = await engine.tokenize(one.messages, one.response);
      expect([...tokenIds]).toEqual(one.input_ids);
      longest = Math.max(longest, tokenIds.length);
      const scored = await scoreCase(one);
      errors.rewards = Math.max(errors.rewards, worst(scored.rewards, one.rewards));
      errors.gateWeights = Math.max(errors.gateWeights, worst(scored.gateWeights, one.gateWeights));
      errors.score = Math.max(errors.score, Math.abs(scored.score - one.score));
    }
    console.info(
      `${name} on ${provider}: worst errors ${JSON.stringify(errors)}, tolerances ${JSON.stringify(tolerance)}`,
    );
    expect(golden.cases.length).toBeGreaterThanOrEqual(16);
    // Attention goes wrong only on long texts (runtime.md): one case must be long, over several chunks.
    expect(longest).toBeGreaterThan(1000);
    expect(errors.rewards).toBeLessThanOrEqual(tolerance.rewards);
    expect(errors.gateWeights).toBeLessThanOrEqual(tolerance.gateWeights);
    expect(errors.score).toBeLessThanOrEqual(tolerance.score);
  });
});

test.each(['wasm', 'webgpu'] as const)(
  'one stage at a time gives the same numbers on %s, to the last bit',
  async (provider) => {
    const { cases } = await readExpected('armorm-tiny-smollm');
    const [one] = cases;
    if (one === undefined) throw new Error('the golden has no case');
    const scored: ScoredResponse[] = [];
    for (const stages of ['resident', 'streamed'] as const) {
      const engine = createWorkerEngine();
      const model = await engine.load(source('armorm-tiny-smollm'), { provider, stages });
      expect(model.memory.mode).toBe(stages);
      const responses = [one.response, 'Another answer.'];
      scored.push(...(await engine.score({ messages: one.messages, responses, features: true })).responses);
      await engine.dispose();
    }
    const numbers = scored.map(({ timings: _timings, ...rest }) => rest);
    expect(numbers.slice(2)).toEqual(numbers.slice(0, 2));
  },
  loadTimeoutMs,
);

describe('contract: the real worker, on wasm', () => {
  describeContract({
    create: () => createWorkerEngine(),
    source: source('armorm-tiny-smollm'),
    options: { provider: 'wasm' },
  });
});

test('by itself it takes wasm over a software adapter, and says why', async () => {
  const engine = createWorkerEngine();
  const { provider, proofs } = await engine.load(source('armorm-tiny-smollm'));
  expect(provider).toBe('wasm');
  expect(proofs.map((proof) => [proof.provider, proof.outcome])).toEqual([
    ['webgpu', 'skipped'],
    ['webgpu-no-subgroups', 'skipped'],
    ['wasm', 'passed'],
  ]);
  expect(proofs[0]?.reason).toMatch(/software/);
  expect(proofs[0]?.adapter).toMatch(/software/);
  await engine.dispose();
});

test('subgroups forced on an adapter that is too narrow for them: the canaries catch it, nothing is scored', async () => {
  const engine = createWebEngine({ subgroups: 'force' });
  const { webgpu } = await engine.device();
  expect(webgpu.features).toContain('subgroups');
  const error = await loadError(engine, source('armorm-tiny-smollm'), { provider: 'webgpu' });
  expect(error.code).toBe('unproven');
  const proofs = JSON.parse(error.detail ?? '[]') as ProviderProof[];
  expect(proofs).toMatchObject([{ provider: 'webgpu', outcome: 'failed' }]);
  expect(proofs[0]?.worstError).toBeGreaterThan(0.01);
  console.info(`forced subgroups: canary error ${proofs[0]?.worstError}`);
  await engine.dispose();
});

test('a native provider is refused in the page', async () => {
  const engine = createWorkerEngine();
  const error = await loadError(engine, source('armorm-tiny-smollm'), { provider: 'native' });
  expect(error).toMatchObject({ code: 'unproven', message: expect.stringMatching(/command line/) });
  await engine.dispose();
});

test('a crash of the GPU process: scoring goes on by itself', async () => {
  const engine = createWorkerEngine();
  await engine.load(source('armorm-tiny-smollm'), { provider: 'webgpu' });
  const [one] = (await readExpected('armorm-tiny-smollm')).cases;
  if (one === undefined) throw new Error('no case');
  const request = { messages: one.messages, responses: [one.response] };
  const before = await engine.score(request);
  const crash = cdp() as unknown as { send(method: string): Promise<unknown> };
  await crash.send('Browser.crashGpuProcess').catch(() => undefined);
  const after = await engine.score(request);
  expect(after.responses[0]?.score).toBeCloseTo(before.responses[0]?.score ?? Number.NaN, 4);
  await engine.dispose();
});

test('a worker that cannot load rejects instead of hanging', async () => {
  const engine = createWorkerEngine(() => new Worker('/no-such-worker.js', { type: 'module' }));
  expect((await loadError(engine, source('armorm-tiny-smollm'))).code).toBe('internal');
  await expect(engine.device()).rejects.toBeInstanceOf(EngineError);
});
