/**
 * What every `RewardEngine` must do, as one suite: it runs against the host in the thread, the client over a worker, and the fake.
 */
import { expect, test } from 'vitest';
import { EngineError } from './errors.ts';
import type { EngineErrorCode } from './errors.ts';
import type {
  EngineProgress,
  LoadedModel,
  LoadOptions,
  ModelSource,
  ScoreRequest,
  ScoredResponse,
} from './messages.ts';
import type { RewardEngine } from './reward-engine.ts';

export interface ContractSubject {
  /** A new engine with nothing loaded. */
  readonly create: () => RewardEngine;
  /** A package of the engine's own kind. */
  readonly source: ModelSource;
  readonly options?: LoadOptions;
}

const request: ScoreRequest = {
  messages: [
    { role: 'system', content: 'Answer briefly.' },
    { role: 'user', content: 'Why is the sky blue?' },
  ],
  responses: [
    'Because air scatters blue light more than red.',
    'It reflects the sea.',
    'Because air scatters blue light more than red.',
  ],
};
const emptyFolder: ModelSource = { kind: 'files', name: 'empty', files: [] };

async function failure(promise: Promise<unknown>): Promise<EngineErrorCode | 'no error' | 'no EngineError'> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return error instanceof EngineError ? error.code : 'no EngineError';
  }
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return sum(Array.from(a, (value, i) => value * (b[i] ?? Number.NaN)));
}

/** Everything but the timings, which are allowed to differ. */
function numbersOf({ timings: _timings, ...rest }: ScoredResponse): unknown {
  return rest;
}

export function describeContract({ create, source, options = {} }: ContractSubject): void {
  async function withEngine(use: (engine: RewardEngine) => Promise<void>): Promise<void> {
    const engine = create();
    try {
      await use(engine);
    } finally {
      await engine.dispose();
    }
  }
  const withModel = (use: (engine: RewardEngine, model: LoadedModel) => Promise<void>): Promise<void> =>
    withEngine(async (engine) => use(engine, await engine.load(source, options)));

  test('before a model is loaded, the device is described and nothing is scored', () =>
    withEngine(async (engine) => {
      const report = await engine.device();
      expect(report.provider).toBeUndefined();
      expect(report.threads).toBeGreaterThanOrEqual(1);
      expect(await failure(engine.score(request))).toBe('no-model');
      expect(await failure(engine.tokenize(request.messages, 'x'))).toBe('no-model');
    }));

  test('loading proves the model and reports bytes, sessions, canaries and readiness', () =>
    withEngine(async (engine) => {
      const progress: EngineProgress[] = [];
      const model = await engine.load(source, { ...options, onProgress: (event) => progress.push(event) });
      const last = model.proofs.at(-1);
      expect(last).toMatchObject({ provider: model.provider, outcome: 'passed', worstError: model.worstError });
      expect(model.worstError).toBeLessThanOrEqual(last?.tolerance ?? -1);
      expect(model.manifest.objectives.length).toBeGreaterThan(0);
      const grave = ['error', 'warning', 'note', 'fine'];
      const ranks = model.findings.map(({ severity }) => grave.indexOf(severity));
      expect(ranks.length).toBeGreaterThan(0);
      expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
      expect([...new Set(progress.map(({ stage }) => stage))]).toEqual(['download', 'compile', 'warmup', 'ready']);
      const downloads = progress.filter((event) => event.stage === 'download');
      const bytes = downloads.map(({ loadedBytes }) => loadedBytes);
      expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
      expect(bytes.at(-1)).toBe(downloads.at(-1)?.totalBytes);
      expect(model.loadedBytes).toBe(bytes.at(-1));
      expect(sum(model.files.map((file) => file.bytes))).toBe(model.loadedBytes);
      for (const { file, sha256, verified, bytes: length } of model.files) {
        expect(sha256).toMatch(/^[0-9a-f]{64}$/);
        expect(verified).toBe(true);
        const events = downloads.filter((event) => event.file === file);
        expect(events.map(({ fileBytes }) => fileBytes)).toEqual(events.map(() => length));
      }
      expect((await engine.device()).provider).toBe(model.provider);
    }));

  test('a score is made of its parts, for every response and as it arrives', () =>
    withModel(async (engine, { manifest, transform }) => {
      const arrived = new Map<number, ScoredResponse>();
      const result = await engine.score(request, {
        onProgress: (event) => {
          if (event.stage === 'result') arrived.set(event.responseIndex, event.response);
        },
      });
      expect(result.modelId).toBe(manifest.id);
      expect(result.responses).toHaveLength(request.responses.length);
      const { temperature, logitScale } = manifest.gate;
      for (const [index, response] of result.responses.entries()) {
        const { rewards, adjustedRewards, gateLogits, gateWeights, coefficients, score, tokens } = response;
        for (const values of [rewards, adjustedRewards, gateLogits, gateWeights, coefficients]) {
          expect(values).toBeInstanceOf(Float64Array);
          expect(values).toHaveLength(manifest.objectives.length);
        }
        expect(score).toBeCloseTo(dot(gateWeights, adjustedRewards), 9);
        const column = (j: number) => Array.from(rewards, (_, i) => transform[i * rewards.length + j] ?? Number.NaN);
        for (const [j, value] of adjustedRewards.entries()) expect(value).toBeCloseTo(dot(rewards, column(j)), 9);
        expect(score).toBeCloseTo(dot(coefficients, rewards), 9);
        expect(sum(gateWeights)).toBeCloseTo(logitScale, 9);
        const active = manifest.activeObjectives ?? Array.from(gateLogits.keys());
        const mass = sum(active.map((i) => Math.exp((gateLogits[i] ?? 0) / temperature)));
        for (const i of active)
          expect(gateWeights[i]).toBeCloseTo((logitScale * Math.exp((gateLogits[i] ?? 0) / temperature)) / mass, 9);
        expect(tokens.prompt + tokens.response).toBe(tokens.total);
        expect(tokens.scoredIndex).toBe(tokens.total - 1);
        expect(tokens.gateIndex).toBeLessThan(tokens.total);
        expect(response.feature).toBeUndefined();
        expect(numbersOf(arrived.get(index) ?? response)).toEqual(numbersOf(response));
      }
      expect([...arrived.keys()]).toEqual(request.responses.map((_, index) => index));
      const [first, second, again] = result.responses;
      expect(again?.score).toBeCloseTo(first?.score ?? Number.NaN, 4);
      expect(second?.score).not.toBe(first?.score);
    }));

  test('the same request gives the same numbers, also from calls made at once', () =>
    withModel(async (engine) => {
      const other: ScoreRequest = { ...request, responses: ['Another answer.'] };
      const [a, b, c] = await Promise.all([engine.score(request), engine.score(other), engine.score(request)]);
      expect(b.responses).toHaveLength(1);
      expect(c.responses.map(numbersOf)).toEqual(a.responses.map(numbersOf));
    }));

  test('features come only when asked for', () =>
    withModel(async (engine, { manifest }) => {
      const { responses } = await engine.score({ ...request, features: true });
      for (const { feature, gateFeature } of responses) {
        expect(feature).toBeInstanceOf(Float32Array);
        expect(feature).toHaveLength(manifest.architecture.hiddenSize);
        expect(gateFeature).toHaveLength(manifest.architecture.hiddenSize);
      }
    }));

  test('tokenising says what scoring reads', () =>
    withModel(async (engine) => {
      const response = request.responses[0] ?? '';
      const tokenized = await engine.tokenize(request.messages, response);
      const scored = (await engine.score({ ...request, responses: [response] })).responses[0]?.tokens;
      expect(tokenized.tokenIds).toBeInstanceOf(Int32Array);
      expect(tokenized.tokenTexts).toHaveLength(tokenized.tokenIds.length);
      expect(scored).toMatchObject({
        total: tokenized.tokenIds.length,
        prompt: tokenized.responseStart,
        gateIndex: tokenized.gateIndex,
        scoredIndex: tokenized.scoredIndex,
        scoredToken: tokenized.tokenTexts[tokenized.scoredIndex],
      });
    }));

  test('tokenising waits for no score, but for a model that is being loaded', () =>
    withEngine(async (engine) => {
      const loading = engine.load(source, options);
      const ends: string[] = [];
      const first = engine.tokenize(request.messages, 'x').then(() => ends.push('tokens of the model that is loaded'));
      await loading;
      await first;
      let tokenizing: Promise<unknown> | undefined;
      await engine.score(request, {
        onProgress: () => {
          tokenizing ??= engine.tokenize(request.messages, 'x').then(() => ends.push('tokens'));
        },
      });
      ends.push('score');
      await tokenizing;
      expect(ends).toEqual(['tokens of the model that is loaded', 'tokens', 'score']);
      const aborted = engine.tokenize(request.messages, 'x', { signal: AbortSignal.abort() });
      expect(await failure(aborted)).toBe('aborted');
    }));

  test('input that cannot be scored is refused by kind, and the engine goes on', () =>
    withModel(async (engine, { manifest }) => {
      expect(await failure(engine.score({ ...request, responses: [] }))).toBe('bad-input');
      expect(await failure(engine.score({ messages: [], responses: ['x'] }))).toBe('bad-input');
      const endless = 'word '.repeat(manifest.architecture.maxPositions + 1);
      expect(await failure(engine.score({ ...request, responses: [endless] }))).toBe('too-long');
      expect((await engine.score(request)).responses).toHaveLength(3);
    }));

  test('a call can be cancelled before and during, and the engine goes on', () =>
    withModel(async (engine) => {
      expect(await failure(engine.score(request, { signal: AbortSignal.abort() }))).toBe('aborted');
      const during = new AbortController();
      const scoring = engine.score(request, {
        signal: during.signal,
        onProgress: () => during.abort(),
      });
      expect(await failure(scoring)).toBe('aborted');
      expect((await engine.score(request)).responses).toHaveLength(3);
    }));

  test('a package that is none is refused, and what was loaded before is gone', () =>
    withModel(async (engine) => {
      expect(await failure(engine.load(emptyFolder, options))).toBe('bad-package');
      expect(await failure(engine.score(request))).toBe('no-model');
      await engine.load(source, options);
      expect((await engine.score(request)).responses).toHaveLength(3);
      await engine.unload();
      expect(await failure(engine.score(request))).toBe('no-model');
      expect((await engine.device()).provider).toBeUndefined();
    }));

  test('closing rejects what runs and everything after, and may be repeated', () =>
    withModel(async (engine) => {
      const running = failure(engine.score(request));
      await engine.dispose();
      expect(await running).toBe('disposed');
      expect(await failure(engine.score(request))).toBe('disposed');
      expect(await failure(engine.load(source, options))).toBe('disposed');
      await engine.dispose();
    }));
}
