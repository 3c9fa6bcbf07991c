import { QueryClient } from '@tanstack/react-query';
import { beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '@/engine/api/errors.ts';
import type { Message, ScoredResponse, ScoreRequest } from '@/engine/api/messages.ts';
import type { CallOptions, RewardEngine } from '@/engine/api/reward-engine.ts';
import type { Submission } from '@/state/inspect-store.ts';
import { nameResponses, scoredResponseQuery, submissionQuery, type ModelRevision } from './score-queries.ts';

const revision: ModelRevision = { modelId: 'm@1', provider: 'wasm', loadId: 1 };
const messages: readonly Message[] = [{ role: 'user', content: 'q' }];

function submission(id: number, ...texts: string[]): Submission {
  return {
    id,
    mode: 'asked',
    messages,
    responses: texts.map((text, index) => ({ draftId: index, letter: 'ABCDEFGH'[index] ?? '', text })),
  };
}

/** Scores a text by its length; only what `score` needs is real. */
function engineDouble(score: (request: ScoreRequest, options: CallOptions) => Promise<void> = async () => undefined) {
  const asked: (readonly string[])[] = [];
  const unused = () => Promise.reject(new Error('not used here'));
  const engine: RewardEngine = {
    load: unused,
    tokenize: unused,
    device: unused,
    unload: unused,
    dispose: unused,
    async score(request, options = {}) {
      asked.push(request.responses);
      const responses = request.responses.map((text, responseIndex) => {
        const response: ScoredResponse = {
          rewards: new Float64Array(),
          adjustedRewards: new Float64Array(),
          gateLogits: new Float64Array(),
          gateWeights: new Float64Array(),
          coefficients: new Float64Array(),
          score: text.length,
          tokens: {
            total: 1,
            prompt: 1,
            response: 0,
            gateIndex: 0,
            gateToken: '',
            scoredIndex: 0,
            scoredToken: '',
            reused: 0,
          },
          warnings: [],
          timings: { tokenizeMs: 0, backboneMs: 0, headsMs: 0 },
        };
        options.onProgress?.({ stage: 'result', responseIndex, response });
        return response;
      });
      await score(request, options);
      return { modelId: 'm@1', responses, elapsedMs: 1 };
    },
  };
  return { engine, asked };
}

let client: QueryClient;
beforeEach(() => {
  client = new QueryClient({ defaultOptions: { queries: { retry: false, networkMode: 'always' } } });
});
const known = (text: string) => client.getQueryData(scoredResponseQuery(revision, messages, text).queryKey)?.score;

describe('a submission', () => {
  it('runs only what is not known, once per text, and answers in order', async () => {
    const { engine, asked } = engineDouble((request) => {
      expect(request.features).toBe(true);
      return Promise.resolve();
    });
    await client.fetchQuery(submissionQuery(engine, client, revision, submission(1, 'aa', 'b', 'aa')));
    const again = await client.fetchQuery(submissionQuery(engine, client, revision, submission(2, 'ccc', 'aa')));
    expect(asked).toEqual([['aa', 'b'], ['ccc']]);
    expect(again.map((response) => response.score)).toEqual([3, 2]);
    await client.fetchQuery(submissionQuery(engine, client, revision, submission(3, 'b')));
    expect(asked).toHaveLength(2);
    const other = { ...revision, provider: 'webgpu' as const };
    await client.fetchQuery(submissionQuery(engine, client, other, submission(4, 'b')));
    expect(asked[2]).toEqual(['b']);
  });

  it('keeps what had arrived when it is cancelled, and nothing after', async () => {
    const { engine } = engineDouble(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new DOMException('stop', 'AbortError')));
        }),
    );
    const options = submissionQuery(engine, client, revision, submission(1, 'aa'));
    const running = client.fetchQuery(options).catch(() => undefined);
    await client.cancelQueries({ queryKey: ['submission'] });
    await running;
    expect(known('aa')).toBe(2);
    expect(client.getQueryState(options.queryKey)?.fetchStatus).toBe('idle');
  });

  it('names the response a refusal is about by its letter', async () => {
    const { engine } = engineDouble((request) => {
      if (!request.responses.includes('long')) return Promise.resolve();
      return Promise.reject(new EngineError({ code: 'too-long', message: 'Response 1 has 9000 tokens.' }));
    });
    await client.fetchQuery(submissionQuery(engine, client, revision, submission(1, 'known')));
    await expect(
      client.fetchQuery(submissionQuery(engine, client, revision, submission(2, 'known', 'long'))),
    ).rejects.toMatchObject({ code: 'too-long', message: 'Response B has 9000 tokens.' });
  });
});

it('leaves numbers alone that name no response', () => {
  expect(nameResponses('response 7 of 9000 tokens', ['A'])).toBe('response 7 of 9000 tokens');
});
