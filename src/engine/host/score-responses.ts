/** From encoded responses to scores: one group of sequences over the shared prompt, then the heads, response by response. */
import { evaluateHead } from '@/core/reward-head.ts';
import { EngineError } from '@/engine/api/errors.ts';
import type { Message, ScoredResponse } from '@/engine/api/messages.ts';
import type { CallOptions } from '@/engine/api/reward-engine.ts';
import type { Sequence, SequenceFeatures, SequenceGroup } from '@/runtime/backbone.ts';
import type { EncodedResponse } from '@/runtime/chat-tokenizer.ts';
import { sequencesFor } from './canaries.ts';
import { toEngineError } from './engine-errors.ts';
import type { LocalPackage } from './local-package.ts';

export interface TimedEncoding {
  readonly encoded: EncodedResponse;
  readonly tokenizeMs: number;
}

export function encodeOne(opened: LocalPackage, messages: readonly Message[], response: string, index: number) {
  const startedAt = performance.now();
  try {
    const encoded = opened.tokenizer.encode(messages, response);
    return { encoded, tokenizeMs: performance.now() - startedAt };
  } catch (error) {
    const { code, message, detail } = toEngineError(error);
    const which = code === 'too-long' ? `Response ${index + 1}: ` : '';
    throw new EngineError({ code, message: which + message, ...(detail === undefined ? {} : { detail }) });
  }
}

/** One request on its way: what the backbone computes for it, and its responses as they are done. */
export interface Scoring {
  readonly group: SequenceGroup;
  /** In order; whole when the group is done. */
  readonly responses: readonly ScoredResponse[];
  /** Why it has no score: its own texts or numbers, which concern no other request. */
  readonly failure: unknown;
  /** Forgets what came of it, before it is computed anew. */
  restart(): void;
}

/** Each response is also reported as soon as it is there. */
export function scoringOf(
  opened: LocalPackage,
  encoded: readonly TimedEncoding[],
  withFeatures: boolean,
  signal: AbortSignal,
  onProgress: NonNullable<CallOptions['onProgress']>,
): Scoring {
  const planned = encoded.map((one) => ({ ...one, sequences: sequencesFor(one.encoded) }));
  // One prompt, so one gate sequence for all where the gate needs one of its own; first, as every result needs it.
  const gateSequence = planned.find(({ sequences: [, gate] }) => gate !== undefined)?.sequences[1];
  const gateSequences: readonly Sequence[] = gateSequence === undefined ? [] : [gateSequence];
  const lead = gateSequences.length;
  let gateAlone: Float32Array | undefined;
  const responses: ScoredResponse[] = [];
  let failure: unknown;

  const finish = (responseIndex: number, computed: SequenceFeatures) => {
    const plan = planned[responseIndex];
    const feature = computed.features[0];
    const gateFeature = plan?.sequences[1] === undefined ? computed.features[1] : gateAlone;
    if (plan === undefined || feature === undefined || gateFeature === undefined) {
      throw new Error('the backbone returned too few rows');
    }
    const headsFrom = performance.now();
    const evaluation = evaluateHead(opened.head, feature, gateFeature);
    if (![evaluation.score, ...evaluation.rewards, ...evaluation.gateWeights].every(Number.isFinite)) {
      throw new EngineError({
        code: 'internal',
        message: `Response ${responseIndex + 1} gave a score that is not a number; it is not shown.`,
      });
    }
    const { tokenIds, gateTokenIds, gateIndex, scoredIndex, responseStart, warnings } = plan.encoded;
    const response: ScoredResponse = {
      ...evaluation,
      tokens: {
        total: tokenIds.length,
        prompt: responseStart,
        response: tokenIds.length - responseStart,
        gateIndex,
        gateToken: opened.tokenizer.textOf((gateTokenIds ?? tokenIds)[gateIndex] ?? 0),
        scoredIndex,
        scoredToken: opened.tokenizer.textOf(tokenIds[scoredIndex] ?? 0),
        reused: computed.reusedTokens,
      },
      warnings,
      timings: { tokenizeMs: plan.tokenizeMs, backboneMs: computed.elapsedMs, headsMs: performance.now() - headsFrom },
      ...(withFeatures ? { feature, gateFeature } : {}),
    };
    responses.push(response);
    onProgress({ stage: 'result', responseIndex, response });
  };

  return {
    responses,
    get failure() {
      return failure;
    },
    restart() {
      responses.length = 0;
      gateAlone = undefined;
      failure = undefined;
    },
    group: {
      sequences: [...gateSequences, ...planned.map(({ sequences: [scored] }) => scored)],
      signal,
      onTokens: (doneTokens, totalTokens, index) =>
        onProgress({ stage: 'score', doneTokens, totalTokens, responseIndex: Math.max(0, index - lead) }),
      onSequence: (index, computed) => {
        if (failure !== undefined) return;
        try {
          if (index < lead) gateAlone = computed.features[0];
          else finish(index - lead, computed);
        } catch (error) {
          failure = error;
        }
      },
    },
  };
}
