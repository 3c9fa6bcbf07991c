/** Baseline beside steered: scores, ranks and contributions of the responses that are steered. Pure. */
import type { HeadEvaluation } from '@/core/reward-head.ts';
import {
  applySteering,
  identitySteering,
  type SteerableHead,
  type SteerableResponse,
  type Steering,
} from '@/core/steering.ts';

export interface SteeredResponse {
  readonly baseline: HeadEvaluation;
  readonly steered: HeadEvaluation;
  /** 1 is best; equal scores share a rank. */
  readonly baselineRank: number;
  readonly steeredRank: number;
}

/** Every response under the head as it is and as it is steered; the same functions make both, so identity differs in no bit. */
export function steerResponses(
  head: SteerableHead,
  responses: readonly SteerableResponse[],
  steering: Steering,
): readonly SteeredResponse[] {
  const baseline = responses.map((response) => applySteering(head, response, identitySteering));
  const steered = responses.map((response) => applySteering(head, response, steering));
  const baselineRanks = ranks(baseline.map(({ score }) => score));
  const steeredRanks = ranks(steered.map(({ score }) => score));
  return responses.flatMap((_, i) => {
    const [before, after] = [baseline[i], steered[i]];
    if (before === undefined || after === undefined) return [];
    return [
      { baseline: before, steered: after, baselineRank: baselineRanks[i] ?? 1, steeredRank: steeredRanks[i] ?? 1 },
    ];
  });
}

/** 1 + how many are higher. */
export function ranks(scores: readonly number[]): readonly number[] {
  return scores.map((score) => 1 + scores.filter((other) => other > score).length);
}

export interface MarginShare {
  readonly baseline: number;
  readonly steered: number;
}

/** What each objective adds to the margin of the first over the second: c_j (r_j of the first − r_j of the second). */
export function marginShares(first: SteeredResponse, second: SteeredResponse): readonly MarginShare[] {
  return Array.from(first.baseline.rewards, (reward, j) => ({
    baseline: share(first.baseline, second.baseline, reward, j),
    steered: share(first.steered, second.steered, reward, j),
  }));
}

/** Across prompts the coefficients differ, so each response is weighed with its own. */
function share(first: HeadEvaluation, second: HeadEvaluation, reward: number, j: number): number {
  return (first.coefficients[j] ?? 0) * reward - (second.coefficients[j] ?? 0) * (second.rewards[j] ?? 0);
}
