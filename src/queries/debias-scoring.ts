/** What Debias has the engine score: the written pairs, and one answer in several lengths. Only when asked for. */
import { queryOptions } from '@tanstack/react-query';
import { lengthVariants, type SweepVariant } from '@/core/length-sweep.ts';
import type { ScoredSet } from '@/core/scored-set.ts';
import type { LoadedModel, Message, ScoredResponse, ScoreResult } from '@/engine/api/messages.ts';
import { requestsAtOnce } from '@/engine/api/requests-at-once.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import {
  readWrittenPairs,
  writtenPairsSet,
  type RecordedPairs,
  type RecordedResponse,
  type WrittenPair,
} from '@/formats/written-pairs.ts';
import { scoreProgressed } from '@/state/activity.ts';
import { pairsProgressed, sweepProgressed } from '@/state/debias-store.ts';
import type { HeadOwner } from './active-head.ts';
import { modelRevision } from './score-queries.ts';
import { sampleUrl, writtenPairsUrl } from './sample-url.ts';

interface Ready {
  readonly model: LoadedModel;
  readonly loadId: number;
}

async function fetchWrittenPairs(signal: AbortSignal): Promise<WrittenPair[]> {
  const response = await fetch(writtenPairsUrl(), { signal });
  if (!response.ok) throw new Error(`The written pairs could not be fetched (${response.status}). Try again.`);
  return readWrittenPairs(await response.text());
}

/** What the embedded package said of the written pairs when it was recorded; `null` where another model is in use. */
export function recordedPairsQuery(owner: HeadOwner | undefined) {
  return queryOptions({
    queryKey: ['debias', 'recorded-pairs', owner?.manifest.id],
    gcTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }): Promise<ScoredSet | null> => {
      if (owner === undefined) return null;
      const [pairs, response] = await Promise.all([
        fetchWrittenPairs(signal),
        fetch(sampleUrl('written-pairs-scored.json'), { signal }),
      ]);
      if (!response.ok)
        throw new Error(`The recorded scores of the written pairs could not be fetched (${response.status}).`);
      // The page's own file; a test scores its pairs again.
      const recorded: RecordedPairs = await response.json();
      if (recorded.model !== owner.manifest.id) return null;
      return writtenPairsSet(pairs, recorded.pairs, setOwner(owner));
    },
  });
}

function setOwner({ manifest, transform }: HeadOwner) {
  return { objectives: manifest.objectives.map(({ name }) => name), modelId: manifest.id, head: { transform } };
}

export function writtenPairsQuery(engine: RewardEngine, ready: Ready | undefined) {
  return queryOptions({
    queryKey: ['debias', 'written-pairs', ready === undefined ? undefined : modelRevision(ready.model, ready.loadId)],
    gcTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }): Promise<ScoredSet> => {
      if (ready === undefined) throw new Error('There is no model yet.');
      const pairs = await fetchWrittenPairs(signal);
      const scored: (readonly [ScoredResponse, ScoredResponse])[] = [];
      const charactersOf = ({ messages, chosen, rejected }: WrittenPair) =>
        messages.reduce((sum, { content }) => sum + content.length, chosen.length + rejected.length);
      const allCharacters = pairs.reduce((sum, pair) => sum + charactersOf(pair), 0);
      const startedAtMs = performance.now();
      let tokens = 0;
      let characters = 0;
      const atOnce = requestsAtOnce(ready.model.memory);
      let scoring: Promise<ScoreResult>[] = [];
      try {
        for (const [index, pair] of pairs.entries()) {
          const elapsedMs = performance.now() - startedAtMs;
          pairsProgressed({
            done: index,
            total: pairs.length,
            unit: 'pair',
            share: characters / allCharacters,
            tokensPerSecond: index === 0 ? undefined : (1000 * tokens) / elapsedMs,
            elapsedMs,
          });
          if (index % atOnce === 0) {
            scoring = pairs
              .slice(index, index + atOnce)
              .map(({ messages, chosen, rejected }) =>
                engine.score({ messages, responses: [chosen, rejected] }, { signal }),
              );
            // Those after one that fails are not waited for.
            for (const each of scoring) each.catch(() => undefined);
          }
          const [first, second] = (await scoring[index % atOnce])?.responses ?? [];
          if (first === undefined || second === undefined) throw new Error(`The pair ${pair.id} was left out.`);
          characters += charactersOf(pair);
          tokens += first.tokens.total + second.tokens.total - second.tokens.reused;
          scored.push([first, second]);
        }
      } finally {
        pairsProgressed(undefined);
      }
      const rows = scored.map(([chosen, rejected]) => [recordedResponse(chosen), recordedResponse(rejected)] as const);
      return writtenPairsSet(pairs, rows, setOwner(ready.model));
    },
  });
}

function recordedResponse({ score, rewards, gateWeights, gateLogits, tokens }: ScoredResponse): RecordedResponse {
  return { score, rewards, gateWeights, gateLogits, responseTokens: tokens.response };
}

export interface ScoredVariant extends SweepVariant {
  readonly scored: ScoredResponse;
}

/** One answer cut and padded, scored to its conversation (armorm.md 8). */
export function sweepQuery(engine: RewardEngine, ready: Ready | undefined, messages: readonly Message[], text: string) {
  return queryOptions({
    queryKey: [
      'debias',
      'sweep',
      ready === undefined ? undefined : modelRevision(ready.model, ready.loadId),
      messages,
      text,
    ],
    gcTime: 3_600_000,
    queryFn: async ({ signal }): Promise<readonly ScoredVariant[]> => {
      const variants = lengthVariants(text);
      const startedAtMs = performance.now();
      try {
        const { responses } = await engine.score(
          // With features, so that another head can be evaluated on them.
          { messages, responses: variants.map((variant) => variant.text), features: true },
          {
            signal,
            onProgress: (event) => {
              if (event.stage !== 'score' || signal.aborted) return;
              const { doneTokens, totalTokens } = event;
              const elapsedMs = performance.now() - startedAtMs;
              scoreProgressed({ doneTokens, totalTokens });
              sweepProgressed({
                done: doneTokens,
                total: totalTokens,
                unit: 'token',
                share: doneTokens / totalTokens,
                tokensPerSecond: doneTokens === 0 ? undefined : (1000 * doneTokens) / elapsedMs,
                elapsedMs,
              });
            },
          },
        );
        return variants.flatMap((variant, index) => {
          const scored = responses[index];
          return scored === undefined ? [] : [{ ...variant, scored }];
        });
      } finally {
        scoreProgressed(undefined);
        sweepProgressed(undefined);
      }
    },
  });
}
