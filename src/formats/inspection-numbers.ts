/** One response's numbers, between the typed arrays the page works with and the plain arrays of an inspection file. */
import type { InspectionResult } from './inspection-file.ts';

type Vector = 'rewards' | 'adjustedRewards' | 'gateLogits' | 'gateWeights' | 'coefficients';

/** Structurally a scored response of the engine, without its hidden states. */
export type InspectionNumbers = Omit<InspectionResult, Vector | 'response' | 'warnings'> &
  Readonly<Record<Vector, Float64Array>> & { readonly warnings: readonly InspectionResult['warnings'][number][] };

/** `response` is its index in the conversation. Hidden states are left out: another head cannot be evaluated from a file. */
export function toInspectionResult(response: number, scored: InspectionNumbers): InspectionResult {
  const { rewards, adjustedRewards, gateLogits, gateWeights, coefficients, score, tokens, warnings, timings } = scored;
  return {
    response,
    rewards: [...rewards],
    adjustedRewards: [...adjustedRewards],
    gateLogits: [...gateLogits],
    gateWeights: [...gateWeights],
    coefficients: [...coefficients],
    score,
    tokens: { ...tokens },
    warnings: warnings.map(({ code, message }) => ({ code, message })),
    timings: { ...timings },
  };
}

/** New arrays; every number as it was written. */
export function fromInspectionResult(result: InspectionResult): InspectionNumbers {
  const { response: _, ...rest } = result;
  return {
    ...rest,
    rewards: Float64Array.from(result.rewards),
    adjustedRewards: Float64Array.from(result.adjustedRewards),
    gateLogits: Float64Array.from(result.gateLogits),
    gateWeights: Float64Array.from(result.gateWeights),
    coefficients: Float64Array.from(result.coefficients),
  };
}
