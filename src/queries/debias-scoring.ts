/** What Debias has the engine score: the written pairs, and one answer in several lengths. Only when asked for. */
import { queryOptions } from '@tanstack/react-query';
import { lengthVariants, type SweepVariant } from '@/core/length-sweep.ts';
import { ScoredSetBuilder, type ScoredSet } from '@/core/scored-set.ts';
import type { LoadedModel, Message, ScoredResponse } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { scoreProgressed } from '@/state/activity.ts';
import { pairsProgressed } from '@/state/debias-store.ts';
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
      for (const [index, { id, subset, prompt, chosen, rejected }] of pairs.entries()) {
        pairsProgressed({ done: index, total: pairs.length });
        const messages = [{ role: 'user' as const, content: prompt }];
        const { responses } = await engine.score({ messages, responses: [chosen, rejected] }, { signal });
        const rows = responses.map(({ score, rewards, gateWeights, gateLogits, tokens }, side) => ({
          score,
          rewards,
          gateWeights,
          gateLogits,
          subset,
          role: side === 0 ? ('chosen' as const) : ('rejected' as const),
          responseTokens: tokens.response,
        }));
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
      try {
        const { responses } = await engine.score(
          // With features, so that another head can be evaluated on them.
          { messages, responses: variants.map((variant) => variant.text), features: true },
          {
            signal,
            onProgress: (event) => {
              if (event.stage === 'score' && !signal.aborted)
                scoreProgressed({ doneTokens: event.doneTokens, totalTokens: event.totalTokens });
            },
          },
        );
        return variants.flatMap((variant, index) => {
          const scored = responses[index];
          return scored === undefined ? [] : [{ ...variant, scored }];
        });
      } finally {
        scoreProgressed(undefined);
      }
    },
  });
}
