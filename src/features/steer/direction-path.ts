/** The way from one gate to another, for all open responses. Pure. */
import { rankSteps, pieceAt, scoresAt, type RankSteps } from '@/core/steered-path.ts';
import { withFreeWeights } from '@/core/score-direction.ts';
import { directionOf, freeGate } from './analysis.ts';
import { pairFlip } from './flip-problem.ts';
import type { SteerSubject } from './use-steer-subject.ts';

/** `made`: from the baseline to what is steered now. `toward`: from there on to all free weight on the objective of the flip. */
export type PathKind = 'made' | 'toward';

export interface DirectionPath {
  readonly kind: PathKind;
  /** Scores of the responses at both ends. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly steps: RankSteps;
  /** Gates at both ends, where the way is one of gates alone. */
  readonly gates: { readonly from: Float64Array; readonly to: Float64Array } | undefined;
  /** Objective the way leads to. */
  readonly objective: number | undefined;
}

export function directionPath(subject: SteerSubject, kind: PathKind): DirectionPath | undefined {
  const { responses, first } = subject;
  if (responses.length < 2) return undefined;
  const now = Float64Array.from(responses, ({ steered }) => steered.score);
  if (kind === 'made') {
    const from = Float64Array.from(responses, ({ baseline }) => baseline.score);
    return { kind, from, to: now, steps: rankSteps(from, now), gates: undefined, objective: undefined };
  }
  const objective = pairFlip(subject, 'l1')?.flip.objective;
  const gate = freeGate(subject);
  const mass = gate.free.reduce((sum, j) => sum + (gate.gateWeights[j] ?? 0), 0);
  if (objective === undefined || mass === 0) return undefined;
  const end = withFreeWeights(
    gate,
    Float64Array.from(gate.free, (j) => (j === objective ? mass : 0)),
  );
  const to = Float64Array.from(responses, (response) => {
    const direction = directionOf(subject, response);
    return end.reduce((sum, weight, j) => sum + weight * (direction[j] ?? 0), 0);
  });
  return {
    kind,
    from: now,
    to,
    steps: rankSteps(now, to),
    gates: { from: first.steered.gateWeights, to: end },
    objective,
  };
}

/** (1 − t) g + t g* `[k]`. */
export function gateAt(
  { from, to }: { readonly from: Float64Array; readonly to: Float64Array },
  t: number,
): Float64Array {
  return scoresAt(from, to, t, new Float64Array(from.length));
}

export interface PathPoint {
  readonly scores: Float64Array;
  readonly ranks: Uint32Array;
  /** Kendall's τ between the order at t = 0 and here. */
  readonly tau: number;
}

export function pathPoint({ from, to, steps }: DirectionPath, t: number): PathPoint {
  const piece = pieceAt(steps.breakpoints, t);
  const n = from.length;
  return {
    scores: scoresAt(from, to, t, new Float64Array(n)),
    ranks: steps.ranks.subarray(piece * n, (piece + 1) * n),
    tau: steps.tau[piece] ?? Number.NaN,
  };
}
