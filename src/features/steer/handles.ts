/**
 * The four ways to take hold of one head: what each slider shows, how far it goes, what moving it does. Three of them are the
 * same gate seen from three sides; penalties change what the gate weighs. Pure.
 */
import {
  gateWeightRange,
  moveGateWeight,
  setCoefficient,
  setLogitShift,
  setPenalty,
  type OpenPrompt,
} from '@/core/steering-moves.ts';
import {
  applySteering,
  identitySteering,
  steeredPenalties,
  type SteerableHead,
  type Steering,
} from '@/core/steering.ts';
import type { SteeringHandle } from '@/state/steering-store.ts';

export interface HandleWords {
  /** After the objective in every accessible name: "helpsteer-verbosity, gate weight". */
  readonly name: string;
  readonly label: string;
  readonly explanation: string;
}

export const handleWords: Readonly<Record<SteeringHandle, HandleWords>> = {
  gate: {
    name: 'gate weight',
    label: 'Gate weights',
    explanation:
      'g: how the gate shares its sum among the objectives on this prompt. Move one, and the others share the rest; locked ones hold.',
  },
  coefficients: {
    name: 'final coefficient',
    label: 'Final coefficients',
    explanation:
      'c = M g: what each raw reward is multiplied with. A pinned coefficient is free, also below zero; the others follow the gate.',
  },
  logits: {
    name: 'gate logit',
    label: 'Gate logits',
    explanation:
      'l: what the gate computes before softmax(l / τ). Here a shift is the same on every prompt, and τ flattens or sharpens the gate.',
  },
  penalties: {
    name: 'penalty',
    label: 'Penalties λ',
    explanation:
      'λ: how much of the verbosity reward is taken off each objective before the gate weighs it, r′ = r − λ r_v.',
  },
};

export const handles: readonly SteeringHandle[] = ['gate', 'coefficients', 'logits', 'penalties'];

/** Where one slider stands. */
export interface HandleValue {
  readonly value: number;
  /** Under the model's own head. */
  readonly baseline: number;
  /** Ends of the slider; the same for all objectives of a handle, so that they compare. */
  readonly minimum: number;
  readonly maximum: number;
  /** False where nothing can move: all others are locked, or the gate may not weigh it. */
  readonly free: boolean;
}

/** What the sliders of a handle show. `dimension` is the verbosity objective that penalties are for. */
export function handleValues(
  handle: SteeringHandle,
  prompt: OpenPrompt,
  steering: Steering,
  dimension: number | undefined,
): readonly HandleValue[] {
  const { head, gateLogits } = prompt;
  const none = new Float64Array(head.objectives);
  const now = applySteering(head, { rewards: none, gateLogits }, steering);
  const own = applySteering(head, { rewards: none, gateLogits }, identitySteering);
  const rows = (values: Float64Array, baseline: Float64Array, [minimum, maximum]: readonly [number, number]) =>
    Array.from(values, (value, j) => ({ value, baseline: baseline[j] ?? 0, minimum, maximum, free: true }));
  if (handle === 'coefficients')
    return rows(now.coefficients, own.coefficients, roundRange([...own.coefficients, ...now.coefficients], head));
  if (handle === 'logits') return rows(now.gateLogits, own.gateLogits, logitRange(prompt, now.gateLogits));
  if (handle === 'penalties') {
    if (dimension === undefined) return [];
    const values = steeredPenalties(head, steering.penalties, dimension);
    const baseline = steeredPenalties(head, identitySteering.penalties, dimension);
    return rows(values, baseline, [Math.min(-1, ...values), Math.max(2, ...values)]).map((row) => ({
      ...row,
      free: steering.penalties.scale !== 0,
    }));
  }
  return rows(now.gateWeights, own.gateWeights, [0, head.gate.logitScale]).map((row, j) => {
    const range = gateWeightRange(prompt, steering, [j]);
    return { ...row, free: range.minimum < range.maximum };
  });
}

/** The steering after the slider of `objective` was moved to `value`. */
export function moveHandle(
  handle: SteeringHandle,
  prompt: OpenPrompt,
  steering: Steering,
  objective: number,
  value: number,
  dimension: number | undefined,
): Steering {
  // −0 is 0 to the person, and to every link.
  const wanted = value + 0;
  if (handle === 'coefficients') return setCoefficient(steering, objective, wanted);
  if (handle === 'logits')
    return setLogitShift(prompt, steering, objective, wanted - (prompt.gateLogits[objective] ?? 0));
  if (handle === 'gate') return moveGateWeight(prompt, steering, objective, wanted);
  const { scale } = steering.penalties;
  if (dimension === undefined || scale === 0) return steering;
  return setPenalty(steering, dimension, objective, wanted / scale);
}

/** Whether the handle's own part of the steering says something about this objective. */
export function isMoved(handle: SteeringHandle, steering: Steering, objective: number, dimension: number | undefined) {
  if (handle === 'coefficients') return objective in steering.coefficientOverrides;
  if (handle === 'penalties')
    return dimension !== undefined && objective in (steering.penalties.overrides[dimension] ?? {});
  return objective in steering.logitShifts || steering.muted.includes(objective);
}

/** A range around zero that holds every coefficient and the whole gate, in steps that are round. */
function roundRange(values: readonly number[], { gate }: SteerableHead): readonly [number, number] {
  const largest = Math.max(Math.abs(gate.logitScale), ...values.map(Math.abs));
  const power = 10 ** Math.floor(Math.log10(largest));
  const end = Math.ceil((largest / power) * 2 - 1e-9) * (power / 2);
  return [-end, end];
}

/** The prompt's own logits with five temperatures of room on both sides: e⁵ is a hundred and fifty times the odds. */
function logitRange({ head, gateLogits }: OpenPrompt, now: Float64Array): readonly [number, number] {
  const room = 5 * head.gate.temperature;
  return [
    Math.floor(Math.min(...now, Math.min(...gateLogits) - room)),
    Math.ceil(Math.max(...now, Math.max(...gateLogits) + room)),
  ];
}
