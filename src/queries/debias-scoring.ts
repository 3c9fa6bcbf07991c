/** What Debias has the engine score: the written pairs, and one answer in several lengths. Only when asked for. */
import { queryOptions } from '@tanstack/react-query';
import { lengthVariants, type SweepVariant } from '@/core/length-sweep.ts';
import { ScoredSetBuilder, type ScoredSet } from '@/core/scored-set.ts';
import type { LoadedModel, Message, ScoredResponse, ScoreResult } from '@/engine/api/messages.ts';
import { requestsAtOnce } from '@/engine/api/requests-at-once.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { scoreProgressed } from '@/state/activity.ts';
import { pairsProgressed, sweepProgressed } from '@/state/debias-store.ts';
import { modelRevision } from './score-queries.ts';
import { writtenPairsUrl } from './sample-url.ts';

interface Ready {
  readonly model: LoadedModel;
  readonly loadId: number;
}

interface WrittenPair {
  readonly id: string;
  readonly subset: string;
  readonly prompt: string;
  readonly chosen: string;
  readonly rejected: string;
}

export function writtenPairsQuery(engine: RewardEngine, ready: Ready | undefined) {
  return queryOptions({
    queryKey: ['debias', 'written-pairs', ready === undefined ? undefined : modelRevision(ready.model, ready.loadId)],
    gcTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }): Promise<ScoredSet> => {
      if (ready === undefined) throw new Error('There is no model yet.');
      const { manifest, transform } = ready.model;
      const response = await fetch(writtenPairsUrl(), { signal });
      if (!response.ok) throw new Error(`The written pairs could not be fetched (${response.status}). Try again.`);
      const pairs = (await response.text())
        .split('\n')
        .filter((line) => line !== '')
        // The file is this page's own; a test reads every line of it.
        .map((line): WrittenPair => JSON.parse(line));
      const objectives = manifest.objectives.map(({ name }) => name);
      const builder = new ScoredSetBuilder(objectives, manifest.id, { transform });
      const charactersOf = ({ prompt, chosen, rejected }: WrittenPair) =>
        prompt.length + chosen.length + rejected.length;
      const allCharacters = pairs.reduce((sum, pair) => sum + charactersOf(pair), 0);
      const startedAtMs = performance.now();
      let tokens = 0;
      let characters = 0;
      const atOnce = requestsAtOnce(ready.model.memory);
      let scoring: Promise<ScoreResult>[] = [];
      for (const [index, pair] of pairs.entries()) {
        const { id, subset } = pair;
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
          scoring = pairs.slice(index, index + atOnce).map((each) => {
            const messages = [{ role: 'user' as const, content: each.prompt }];
            return engine.score({ messages, responses: [each.chosen, each.rejected] }, { signal });
          });
          // Those after one that fails are not waited for.
          for (const each of scoring) each.catch(() => undefined);
        }
        const result = await scoring[index % atOnce];
        if (result === undefined) throw new Error('a pair was left out');
        const { responses } = result;
        characters += charactersOf(pair);
        for (const [side, scored] of responses.entries())
          tokens += scored.tokens.total - (side === 0 ? 0 : scored.tokens.reused);
        const rows = responses.map(
          ({ score, rewards, gateWeights, gateLogits, tokens: { response: responseTokens } }, side) => ({
            score,
            rewards,
            gateWeights,
            gateLogits,
            subset,
            role: side === 0 ? ('chosen' as const) : ('rejected' as const),
            responseTokens,
          }),
        );
        builder.addGroup(id, index + 1, rows);
      }
      pairsProgressed(undefined);
      return builder.finish();
    },
  });
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
