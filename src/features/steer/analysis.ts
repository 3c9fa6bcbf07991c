/** The pair and the responses as linear functions of the gate: what sensitivity, win region and the way to a flip are made of. Pure. */
import type { GatePoint } from '@/core/gate-sensitivity.ts';
import { freeDirection, freeMass, scoreDirection, type FreeGate } from '@/core/score-direction.ts';
import { soundingObjectives, steeredSoftmax } from '@/core/steering.ts';
import type { SteerSubject, SubjectResponse } from './use-steer-subject.ts';

/** The gate as steered, and what of it may move: what sounds and is not locked. */
export function freeGate({ prompt, steering, first }: SteerSubject): FreeGate {
  return {
    gateWeights: first.steered.gateWeights,
    free: soundingObjectives(prompt.head, steering).filter((j) => !steering.locked.includes(j)),
  };
}

/** v `[k]` of a response: its score is g · v. */
export function directionOf({ prompt, steering }: SteerSubject, response: SubjectResponse): Float64Array {
  return scoreDirection(prompt.head, steering, response.steered.rewards);
}

/** Directions of all responses on the free objectives `[f]`, for gates of the free mass; none where nothing is free. */
export function freeDirections(subject: SteerSubject): readonly Float64Array[] {
  const gate = freeGate(subject);
  if (freeMass(gate) === 0) return [];
  return subject.responses.map((response) => freeDirection(gate, directionOf(subject, response)));
}

/** Where the gate stands, with the direction of one response, or of the difference of two. */
export function gatePoint(subject: SteerSubject, direction: Float64Array): GatePoint {
  const { temperature, logitScale } = steeredSoftmax(subject.prompt.head, subject.steering);
  return { gateWeights: subject.first.steered.gateWeights, direction, temperature, logitScale };
}
