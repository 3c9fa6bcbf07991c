/**
 * Why one response scores higher than another, as facts: every number of the sentence in `pair-sentence.ts` comes from here.
 * For two responses to one prompt, which share the gate. Pure; `[k]` in the manifest's order.
 */
import { marginSteps, uncorrectedMargin } from '@/core/attribution.ts';
import type { HeadEvaluation } from '@/core/reward-head.ts';

/** What one objective does to the margin. */
export interface Reason {
  readonly index: number;
  /** c_i (r_i of the winner − r_i of the loser): positive for the winner. */
  readonly step: number;
  /** The winner's raw reward is the higher one. */
  readonly winnerHigher: boolean;
}

export interface PairReasons {
  /** Which of the two scores higher; `undefined` where they score exactly the same. */
  readonly winner: 'first' | 'second' | undefined;
  /** Score of the winner minus that of the other, ≥ 0: the steps' sum. */
  readonly margin: number;
  /** Steps toward the winner (toward the first where there is none). */
  readonly steps: Float64Array;
  /** Largest step toward the winner. `undefined`: no objective tells them apart. */
  readonly largest: Reason | undefined;
  /** The next one, where it is at least half as large. */
  readonly next: Reason | undefined;
  /** Largest step toward the other one. `undefined`: nothing pulls the other way. */
  readonly against: Reason | undefined;
  /** Share of the largest step in all steps toward the winner, in (0, 1]. */
  readonly largestShare: number;
  /** The margin the winner would have without the correction for verbosity; `undefined` where the model corrects nothing. */
  readonly uncorrected: number | undefined;
  /** The objective the gate weighs most, and its share of Σg. */
  readonly gateTop: { readonly index: number; readonly share: number } | undefined;
}

type Evaluation = Pick<HeadEvaluation, 'rewards' | 'coefficients' | 'gateWeights'>;

/** A second reason is worth its words from this share of the first. */
const WORTH_SAYING = 0.5;

export function pairReasons(first: Evaluation, second: Evaluation): PairReasons {
  const toFirst = marginSteps(first.coefficients, first.rewards, second.rewards);
  const total = toFirst.reduce((sum, step) => sum + step, 0);
  const winner = total > 0 ? 'first' : total < 0 ? 'second' : undefined;
  const sign = winner === 'second' ? -1 : 1;
  // Adding zero keeps a negative zero from being shown.
  const steps = toFirst.map((step) => sign * step + 0);
  const reason = (index: number | undefined): Reason | undefined => {
    const step = index === undefined ? undefined : steps[index];
    if (index === undefined || step === undefined) return undefined;
    const difference = sign * ((first.rewards[index] ?? 0) - (second.rewards[index] ?? 0));
    return { index, step, winnerHigher: difference > 0 };
  };
  const order = [...steps.keys()].sort((a, b) => (steps[b] ?? 0) - (steps[a] ?? 0));
  const [best, runnerUp] = order;
  const worst = order.at(-1);
  const largest = (steps[best ?? -1] ?? 0) > 0 ? reason(best) : undefined;
  const next = reason(runnerUp);
  const against = (steps[worst ?? -1] ?? 0) < 0 ? reason(worst) : undefined;
  const forward = steps.reduce((sum, step) => sum + Math.max(0, step), 0);
  const corrects = first.coefficients.some((c, i) => c !== first.gateWeights[i]);
  return {
    winner,
    margin: sign * total + 0,
    steps,
    largest,
    next: largest !== undefined && next !== undefined && next.step >= WORTH_SAYING * largest.step ? next : undefined,
    against,
    largestShare: largest === undefined ? 0 : largest.step / forward,
    uncorrected: corrects ? sign * uncorrectedMargin(first.gateWeights, first.rewards, second.rewards) + 0 : undefined,
    gateTop: gateTop(first.gateWeights),
  };
}

function gateTop(gateWeights: Float64Array): PairReasons['gateTop'] {
  const sum = gateWeights.reduce((total, weight) => total + weight, 0);
  let top = 0;
  gateWeights.forEach((weight, index) => {
    if (weight > (gateWeights[top] ?? 0)) top = index;
  });
  const weight = gateWeights[top];
  return weight === undefined || sum === 0 ? undefined : { index: top, share: weight / sum };
}
