/**
 * Proves a backend on a package's canaries: texts whose head outputs the converter computed on the CPU from these very weights.
 *
 * Canaries run in turn whole and cut into two chunks, because a device can be right on one path and wrong on the other
 * (runtime.md "Attention": errors that only appear from 32 tokens on); one alone runs both ways.
 */
import { evaluateHead } from '@/core/reward-head.ts';
import type { HeadEvaluation, RewardHead } from '@/core/reward-head.ts';
import { EngineError } from '@/engine/api/errors.ts';
import { CANARY_MIN_TOKENS } from '@/formats/manifest-checks.ts';
import type { Canary, HeadOutputs } from '@/formats/manifest.ts';
import type { FeatureComputer, Sequence, SequenceGroup } from '@/runtime/backbone.ts';
import type { ChatTokenizer, EncodedResponse } from '@/runtime/chat-tokenizer.ts';

export interface EncodedCanary {
  readonly encoded: EncodedResponse;
  readonly own: HeadOutputs;
}

/**
 * Tokenises the canaries and compares with the ids the converter saw.
 * @throws EngineError `unproven` when there is no canary that could prove anything, `bad-package` when ids differ.
 */
export function encodeCanaries(tokenizer: ChatTokenizer, canaries: readonly Canary[]): EncodedCanary[] {
  if (!canaries.some(({ tokenIds }) => tokenIds.length >= CANARY_MIN_TOKENS)) {
    throw new EngineError({
      code: 'unproven',
      message:
        `The package holds no canary of at least ${CANARY_MIN_TOKENS} tokens, so no device can be proven on it and nothing ` +
        'may be scored. Convert the model again.',
    });
  }
  return canaries.map(({ messages, tokenIds, own }, index) => {
    const response = messages.at(-1);
    if (response?.role !== 'assistant') {
      throw new EngineError({
        code: 'bad-package',
        message: `canaries.${index}: the last message must be the assistant's.`,
      });
    }
    const encoded = tokenizer.encode(messages.slice(0, -1), response.content);
    const differs = tokenIds.findIndex((id, i) => encoded.tokenIds[i] !== id);
    if (differs >= 0 || encoded.tokenIds.length !== tokenIds.length) {
      const at = differs >= 0 ? differs : tokenIds.length;
      throw new EngineError({
        code: 'bad-package',
        message:
          `The tokenizer does not fit the package: canary ${index} gives id ${encoded.tokenIds[at] ?? 'none'} at token ${at}, ` +
          `the manifest says ${tokenIds[at] ?? 'none'}. Take tokenizer.json and tokenizer_config.json from the model itself.`,
      });
    }
    return { encoded, own };
  });
}

/** What the backbone has to compute for one encoded response. */
export function sequencesFor(encoded: EncodedResponse): readonly [scored: Sequence, gate: Sequence | undefined] {
  const { tokenIds, gateTokenIds, gateIndex, scoredIndex } = encoded;
  return gateTokenIds === undefined
    ? [{ tokenIds, rows: [scoredIndex, gateIndex] }, undefined]
    : [
        { tokenIds, rows: [scoredIndex] },
        { tokenIds: gateTokenIds, rows: [gateIndex] },
      ];
}

/**
 * Measured on the goldens and the embedded package against onnxruntime's CPU: wasm and the CPU in chunks differ by at most 3e-6 of
 * the largest output. Wrong attention differs by 0.1 of it and more, int8 activations by 0.01 (runtime.md "Attention").
 */
const relativeTolerance = 1e-3;
/** Below this scale a difference is noise to whoever reads the numbers. */
const leastScale = 0.1;

/**
 * The tolerance on |difference| between two correct f32 implementations of the same weights, in the unit of the outputs.
 * @param canaries the largest of their `own` outputs gives the scale. @returns > 0.
 */
export function canaryTolerance(canaries: readonly EncodedCanary[]): number {
  const outputs = canaries.flatMap(({ own }) => [...own.rewards, ...own.gateWeights, own.score]);
  return relativeTolerance * outputs.reduce((largest, value) => Math.max(largest, Math.abs(value)), leastScale);
}

export interface CanaryOptions {
  readonly signal: AbortSignal;
  readonly onCanary: (done: number, total: number) => void;
  /** Where stages are loaded on the way. */
  readonly onSession?: (done: number, total: number) => void;
}

/** @returns the largest |difference| from the canaries' own outputs over rewards, gate weights and score; NaN counts as ∞. */
export async function worstCanaryError(
  backbone: FeatureComputer,
  head: RewardHead,
  canaries: readonly EncodedCanary[],
  options: CanaryOptions,
): Promise<number> {
  const runs = canaries.flatMap(({ encoded, own }, index) => {
    const [scored, gate] = sequencesFor(encoded);
    const whole = encoded.tokenIds.length;
    const cut = Math.ceil(whole * 0.6);
    const lengths = canaries.length === 1 ? [whole, cut] : [index % 2 === 0 ? whole : cut];
    return lengths.map((chunkTokens) => ({ scored, gate, own, index, chunkTokens }));
  });
  // Together, so that a device that gets the stages one at a time gets each of them once.
  const groups = runs.map(({ scored, gate, index, chunkTokens }, run): SequenceGroup => ({
    sequences: gate === undefined ? [scored] : [scored, gate],
    chunkTokens,
    onSequence: (sequence) => {
      const last = sequence === (gate === undefined ? 0 : 1) && runs[run + 1]?.index !== index;
      if (last) options.onCanary(index + 1, canaries.length);
    },
  }));
  const { signal, onSession } = options;
  const computed = await backbone.featuresOfGroups(groups, {
    signal,
    ...(onSession === undefined ? {} : { onSession }),
  });
  let worst = 0;
  for (const [run, { gate, own }] of runs.entries()) {
    const [first, second] = computed[run] ?? [];
    const feature = first?.features[0];
    const gateFeature = gate === undefined ? first?.features[1] : second?.features[0];
    if (feature === undefined || gateFeature === undefined) throw new Error('the backbone returned too few rows');
    worst = Math.max(worst, outputError(evaluateHead(head, feature, gateFeature), own));
  }
  return worst;
}

function outputError(evaluation: HeadEvaluation, own: HeadOutputs): number {
  return Math.max(
    largestDifference(evaluation.rewards, own.rewards),
    largestDifference(evaluation.gateWeights, own.gateWeights),
    largestDifference([evaluation.score], [own.score]),
  );
}

function largestDifference(values: ArrayLike<number>, expected: readonly number[]): number {
  if (values.length !== expected.length) return Infinity;
  return expected.reduce((worst, value, i) => {
    const difference = Math.abs((values[i] ?? Number.NaN) - value);
    return Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  }, 0);
}
