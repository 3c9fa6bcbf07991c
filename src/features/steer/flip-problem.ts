/** The least change that makes the other response of a pair win, and what it says in words. Pure. */
import { scoreDirection } from '@/core/score-direction.ts';
import {
  nudgePast,
  smallestFlipKL,
  smallestFlipL1,
  type FlipKL,
  type FlipL1,
  type FlipProblem,
  type NoFlip,
} from '@/core/smallest-flip.ts';
import { soundingObjectives } from '@/core/steering.ts';
import { setGateWeights } from '@/core/steering-moves.ts';
import type { Steering } from '@/core/steering.ts';
import { formatPercent, formatSigned } from '@/components/number-format.ts';
import type { SteerSubject, SubjectResponse } from './use-steer-subject.ts';

/** In which sense the change is least. */
export type FlipMeasure = 'l1' | 'kl';

export interface PairFlip {
  readonly winner: SubjectResponse;
  readonly loser: SubjectResponse;
  readonly problem: FlipProblem;
  readonly flip: FlipL1 | FlipKL | NoFlip;
}

/** The flip of the pair as it is steered now; of a tie, in favour of the second. `undefined` without a second response. */
export function pairFlip(subject: SteerSubject, measure: FlipMeasure): PairFlip | undefined {
  const { first, second, prompt, steering } = subject;
  if (second === undefined) return undefined;
  const { head } = prompt;
  const [winner, loser] = first.steered.score >= second.steered.score ? [first, second] : [second, first];
  const ahead = scoreDirection(head, steering, winner.steered.rewards);
  const behind = scoreDirection(head, steering, loser.steered.rewards);
  const problem: FlipProblem = {
    difference: ahead.map((value, j) => value - (behind[j] ?? 0)),
    gateWeights: first.steered.gateWeights,
    free: soundingObjectives(head, steering).filter((j) => !steering.locked.includes(j)),
  };
  return { winner, loser, problem, flip: measure === 'l1' ? smallestFlipL1(problem) : smallestFlipKL(problem) };
}

/** The steering that makes the other response win: the flip, and a millionth of the way past the tie. */
export function appliedFlip({ prompt }: SteerSubject, from: Steering, { problem, flip }: PairFlip): Steering {
  return flip.possible ? setGateWeights(prompt, from, nudgePast(problem, flip)) : from;
}

/** What the change is, in one sentence. */
export function flipSentence(
  { winner, loser, problem, flip }: PairFlip,
  names: readonly string[],
  scale: number,
): string {
  if (!flip.possible) return certificate(winner, loser, flip, names);
  const changes = Array.from(flip.gateWeights, (weight, j) => ({ j, change: weight - (problem.gateWeights[j] ?? 0) }));
  const moved = changes.reduce((sum, { change }) => sum + Math.max(0, change), 0);
  const given = changes.filter(({ change }) => change < 0).sort((a, b) => a.change - b.change);
  const taken = changes.filter(({ change }) => change > 0).sort((a, b) => b.change - a.change);
  const list = (entries: typeof changes) =>
    entries
      .slice(0, 2)
      .map(({ j }) => names[j] ?? String(j))
      .join(' and ') + (entries.length > 2 ? ' and others' : '');
  if (moved === 0)
    return `The two are level already: any nudge toward ${names[flip.objective] ?? ''} makes ${loser.letter} win.`;
  return `Moving ${formatPercent(moved / scale)} of the gate from ${list(given)} to ${list(taken)} makes ${loser.letter} win.`;
}

function certificate(winner: SubjectResponse, loser: SubjectResponse, none: NoFlip, names: readonly string[]): string {
  const { objective, lowestMargin } = none;
  if (objective === undefined)
    return `No weight is free to move, so ${winner.letter} stays ahead by ${formatSigned(lowestMargin)}. Unlock an objective, or take a mute off.`;
  return (
    `No gate can make ${loser.letter} win. The objective that favours ${loser.letter} most is ${names[objective] ?? ''}, and even with all ` +
    `free weight on it ${winner.letter} stays ahead by ${formatSigned(lowestMargin)}; every other gate is an average of margins at least as large.`
  );
}
