/**
 * Moves of the steering handles: value to value, nothing mutated, so undo is keeping the value before.
 *
 * Every gate move is one operation: pin some objectives to given shares of the gate (share = weight / logitScale, Σ = 1) on the
 * open prompt, and let all others keep their shifts, hence their proportions, in what is left. So moving one gate weight with
 * nothing locked changes that objective's shift and no other: the weight handle and the logit handle are the same move.
 * Locked objectives are pinned to the share they have, whatever is moved: weights, logits, temperature or mutes.
 *
 * Shares never leave the simplex: a move is cut to its range (`gateWeightRange`), whose upper end leaves the unlocked others a
 * billionth of what they share, so that their proportions survive a slider at its end.
 */
import { assert } from '@/base/assert.ts';
import { DataError } from './errors.ts';
import {
  type ByObjective,
  type PenaltySteering,
  type SteerableHead,
  type Steering,
  soundingObjectives,
  steeredGateWeights,
  steeredLogits,
  steeringLimits,
} from './steering.ts';

/** The part of the free mass that the others keep when one objective takes all it can: shown as 0, far above underflow. */
const reserve = 1e-9;
/** What a share that underflowed counts as where its logarithm is needed. */
const leastShare = 1e-300;

/** The prompt a gate move is made on: its logits `[k]` before any steering. */
export interface OpenPrompt {
  readonly head: SteerableHead;
  readonly gateLogits: Float64Array;
}

export interface WeightRange {
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * Gate weights that `objectives` (one, or a group: their sum) can be moved to on this prompt with the locks in force. Both
 * ends are the present weight where nothing can move: all of them or all others are locked, or they cannot sound at all.
 */
export function gateWeightRange(prompt: OpenPrompt, steering: Steering, objectives: readonly number[]): WeightRange {
  const { least, most } = shareRange(prompt, steering, objectives);
  const { logitScale } = prompt.head.gate;
  const ends = [least * logitScale, most * logitScale] as const;
  return { minimum: Math.min(...ends), maximum: Math.max(...ends) };
}

/**
 * Moves the gate weight of `objective` on this prompt to `weight`, cut to its range: locked objectives hold, the others share
 * the rest in their present proportions, Σ stays logitScale. Weight 0 mutes; any other takes the mute off.
 * @throws DataError where logitScale is 0, so that weights say nothing; AssertionError unless `weight` is finite.
 */
export function moveGateWeight(prompt: OpenPrompt, steering: Steering, objective: number, weight: number): Steering {
  return moveGroupWeight(prompt, steering, [objective], weight);
}

/**
 * The same for a group, whose weights sum to `weight` afterwards: its unlocked members keep their proportions to each other,
 * its locked members hold. Muted members stay muted, unless all are.
 */
export function moveGroupWeight(
  prompt: OpenPrompt,
  steering: Steering,
  objectives: readonly number[],
  weight: number,
): Steering {
  assert(Number.isFinite(weight), () => `a gate weight is a finite number, got ${weight}`);
  const { logitScale } = prompt.head.gate;
  if (logitScale === 0) throw new DataError('logitScale', 'is 0: every gate weight is 0 and cannot be moved');
  const { present, least, most, moved, held } = shareRange(prompt, steering, objectives);
  const target = within(weight / logitScale, [least, most]);
  if (least === most || target === present) return steering;
  const share = target - least;
  const proportions = softmaxOver(prompt, steering, moved);
  const pins = new Map(held.pins);
  for (const [i, j] of moved.entries())
    // A member too small for a share of its own stays too small; pinning it would mute it.
    if (share === 0 || share * proportions[i]! > 0) pins.set(j, share * proportions[i]!);
  return pinShares(prompt, steering, { pins, rest: held.rest - share });
}

/**
 * Mutes or unmutes an objective. Muted, its weight is exactly 0 on every prompt; unmuted, it returns with the shift it had.
 * Locks hold. Unchanged where its mute would leave nothing to sound, or no unlocked objective to take its weight.
 */
export function setMuted(prompt: OpenPrompt, steering: Steering, objective: number, muted: boolean): Steering {
  if (steering.muted.includes(objective) === muted) return steering;
  const changed = {
    ...steering,
    muted: withMember(steering.muted, objective, muted),
    soloed: muted ? withMember(steering.soloed, objective, false) : steering.soloed,
  };
  // Silencing the last soloed one would bring all others back.
  if (muted && steering.soloed.length > 0 && changed.soloed.length === 0) return steering;
  // Outside a solo it makes no difference to this gate, so there is nothing to hold.
  if (![steering, changed].some((state) => soundingObjectives(prompt.head, state).includes(objective))) return changed;
  const held = heldShares(prompt, steering, [objective]);
  const takers = soundingObjectives(prompt.head, changed).filter((j) => !held.pins.has(j));
  if (takers.length === 0 || held.rest === 0) return steering;
  return pinShares(prompt, changed, held);
}

/** Sets which objectives alone sound (none: all do), taking their mutes off. Locks do not hold against it: solo is for listening. */
export function setSoloed(head: SteerableHead, steering: Steering, objectives: readonly number[]): Steering {
  const active = head.gate.activeObjectives;
  const soloed = ascending(objectives.filter((j) => active === undefined || active.includes(j)));
  return { ...steering, soloed, muted: steering.muted.filter((j) => !soloed.includes(j)) };
}

export function setLocked(steering: Steering, objective: number, locked: boolean): Steering {
  return { ...steering, locked: withMember(steering.locked, objective, locked) };
}

/** Sets δ of one objective, cut to the limits; locks hold. A locked objective's shift is not free: unchanged. */
export function setLogitShift(prompt: OpenPrompt, steering: Steering, objective: number, shift: number): Steering {
  assert(Number.isFinite(shift), () => `a logit shift is a finite number, got ${shift}`);
  if (steering.locked.includes(objective)) return steering;
  const value = within(shift, steeringLimits.number);
  const logitShifts = withNumber(steering.logitShifts, objective, value === 0 ? undefined : value);
  return pinShares(prompt, { ...steering, logitShifts }, heldShares(prompt, steering));
}

/** Sets τ, cut to the limits, or with `undefined` returns to the model's own; locks hold. @throws AssertionError unless τ > 0. */
export function setTemperature(prompt: OpenPrompt, steering: Steering, temperature: number | undefined): Steering {
  assert(temperature === undefined || temperature > 0, () => `temperature must be positive, got ${temperature}`);
  const { temperature: _, ...rest } = steering;
  const own = temperature === undefined || temperature === prompt.head.gate.temperature;
  const changed = own ? rest : { ...rest, temperature: within(temperature, steeringLimits.temperature) };
  return pinShares(prompt, changed, heldShares(prompt, steering));
}

/**
 * Steers so that this prompt's gate is `weights` `[k]`, as a suggested flip wants it: ≥ 0, Σ = logitScale. Objectives whose
 * weight it leaves alone keep their shifts; weight 0 becomes a mute; a solo ends. Locks are not asked: who made `weights`
 * minded them.
 * @throws AssertionError when `weights` is not on the simplex, or weighs an objective the gate may not.
 */
export function setGateWeights(prompt: OpenPrompt, steering: Steering, weights: Float64Array): Steering {
  const { head, gateLogits } = prompt;
  const { logitScale, activeObjectives } = head.gate;
  assert(weights.length === head.objectives, () => `${weights.length} weights for ${head.objectives} objectives`);
  const sum = sumOf(weights);
  assert(Math.abs(sum / logitScale - 1) < 1e-9, () => `the weights sum to ${sum}, not ${logitScale}`);
  const present = steeredGateWeights(head, gateLogits, steering);
  const pins = new Map<number, number>();
  let rest = 0;
  for (const [j, weight] of weights.entries()) {
    const share = weight / logitScale;
    assert(share >= 0, () => `weight ${j} is ${weight}, off the simplex`);
    const able = activeObjectives === undefined || activeObjectives.includes(j);
    assert(share === 0 || able, () => `objective ${j} is not one that the gate may weigh`);
    if (weight === present[j]) rest += share;
    else pins.set(j, share);
  }
  const silent = soundingObjectives(head, { ...steering, soloed: [] }).filter((j) => weights[j] === 0);
  const muted = steering.soloed.length === 0 ? steering.muted : ascending([...steering.muted, ...silent]);
  return pinShares(prompt, { ...steering, soloed: [], muted }, { pins, rest });
}

/** Pins c_j to `value` on every prompt, cut to the limits, or with `undefined` lets it follow the gate again. */
export function setCoefficient(steering: Steering, objective: number, value: number | undefined): Steering {
  return { ...steering, coefficientOverrides: withNumber(steering.coefficientOverrides, objective, limited(value)) };
}

/** Overrides λ of one objective for one verbosity dimension, cut to the limits, or with `undefined` returns to the base's. */
export function setPenalty(
  steering: Steering,
  dimension: number,
  objective: number,
  value: number | undefined,
): Steering {
  const { [dimension]: row, ...others } = steering.penalties.overrides;
  const changed = withNumber(row ?? {}, objective, limited(value));
  const overrides = Object.keys(changed).length === 0 ? others : { ...others, [dimension]: changed };
  return { ...steering, penalties: { ...steering.penalties, overrides } };
}

/** Replaces the base of the penalties and forgets the overrides, which were made on the old one. The scale stays. */
export function setPenaltyBase(steering: Steering, base: PenaltySteering['base']): Steering {
  return { ...steering, penalties: { ...steering.penalties, base, overrides: {} } };
}

/** Sets what multiplies every λ, cut to the limits. */
export function setPenaltyScale(steering: Steering, scale: number): Steering {
  assert(Number.isFinite(scale), () => `a penalty scale is a finite number, got ${scale}`);
  return { ...steering, penalties: { ...steering.penalties, scale: within(scale, steeringLimits.number) } };
}

/** Takes back everything said about one objective (shift, mute, coefficient, penalties); other locks hold, its own stays. */
export function resetObjective(prompt: OpenPrompt, steering: Steering, objective: number): Steering {
  let cleared = setCoefficient(steering, objective, undefined);
  for (const dimension of prompt.head.verbosityDimensions)
    cleared = setPenalty(cleared, dimension, objective, undefined);
  cleared = {
    ...cleared,
    logitShifts: withNumber(cleared.logitShifts, objective, undefined),
    muted: withMember(cleared.muted, objective, false),
  };
  return pinShares(prompt, cleared, heldShares(prompt, steering, [objective]));
}

/** Shares that a move leaves as they are, and what is left for all others. */
interface HeldShares {
  readonly pins: ReadonlyMap<number, number>;
  /** Summed from the others and not 1 − Σ pins, so that it is right to the last digits when it is tiny. */
  readonly rest: number;
}

/**
 * Pins the given objectives to shares ≥ 0 of this prompt's gate; the other sounding objectives keep their shifts and with
 * them their proportions in `rest` = 1 − Σ pinned. With Σ_F the sum of the others' e^(a), a = (l + δ) / τ,
 *     share_i = rest · e^(a_i) / Σ_F,   so   a_i = log share_i − log rest + log Σ_F   and   δ_i = τ a_i − l_i.
 * Nothing else is solved anywhere. Where no other is left, a common factor is free and the present Σ stands in for Σ_F.
 */
function pinShares(prompt: OpenPrompt, steering: Steering, { pins, rest }: HeldShares): Steering {
  if (pins.size === 0) return steering;
  const { head, gateLogits } = prompt;
  const tau = steering.temperature ?? head.gate.temperature;
  const muted = new Set(steering.muted);
  for (const [j, share] of pins)
    if (share > 0) muted.delete(j);
    else muted.add(j);
  const soloed = steering.soloed.filter((j) => !muted.has(j));
  const opened = { ...steering, soloed, muted: ascending([...muted]) };
  const sounding = soundingObjectives(head, opened);
  assert(sounding.length > 0, 'pinned shares leave nothing that sounds');
  const free = sounding.filter((j) => !pins.has(j));
  const anchors = free.length > 0 ? free : sounding;
  const logRest = free.length > 0 ? Math.log(Math.max(rest, leastShare)) : 0;
  const logits = steeredLogits(gateLogits, steering);
  const largest = Math.max(...anchors.map((j) => logits[j]!));
  const logSum = Math.log(sumOf(anchors.map((j) => Math.exp((logits[j]! - largest) / tau))));
  let shifts = steering.logitShifts;
  for (const [j, share] of pins)
    if (share > 0)
      shifts = withNumber(shifts, j, tau * (Math.log(share) - logRest + logSum) + largest - gateLogits[j]!);
  return { ...opened, logitShifts: shifts };
}

/** Present shares of the locked objectives, less `released`: what any move pins. */
function heldShares(
  { head, gateLogits }: OpenPrompt,
  steering: Steering,
  released: readonly number[] = [],
): HeldShares {
  const pins = new Map<number, number>();
  if (steering.locked.length === 0) return { pins, rest: 1 };
  const weights = steeredGateWeights(head, gateLogits, steering);
  let rest = 0;
  for (const j of soundingObjectives(head, steering)) {
    const share = weights[j]! / head.gate.logitScale;
    // A share that underflowed to 0 holds by itself; pinning it would mute it.
    if (share > 0 && steering.locked.includes(j) && !released.includes(j)) pins.set(j, share);
    else rest += share;
  }
  return { pins, rest };
}

/** Shares a group may take together, and who would move. */
function shareRange(prompt: OpenPrompt, steering: Steering, objectives: readonly number[]) {
  const { head, gateLogits } = prompt;
  const { logitScale } = head.gate;
  const shares = steeredGateWeights(head, gateLogits, steering).map((weight) => weight / logitScale);
  const held = heldShares(prompt, steering);
  const isLocked = (j: number) => steering.locked.includes(j);
  const able = soundingObjectives(head, { ...steering, muted: [] }).filter((j) => objectives.includes(j));
  const present = sumOf(able.map((j) => shares[j]!));
  const unlocked = able.filter((j) => !isLocked(j));
  const receivers = soundingObjectives(head, steering).some((j) => !objectives.includes(j) && !isLocked(j));
  // Members that sound move together; where all are muted, all come back in the proportions of their logits.
  const sounding = unlocked.filter((j) => !steering.muted.includes(j));
  const moved = sounding.length > 0 ? sounding : unlocked;
  if (moved.length === 0 || !receivers) return { present, least: present, most: present, moved, held };
  const least = sumOf(able.filter(isLocked).map((j) => shares[j]!));
  return { present, least, most: Math.max(present, least + held.rest * (1 - reserve)), moved, held };
}

/** Softmax of the steered logits over `objectives` alone, mutes ignored. */
function softmaxOver(
  { head, gateLogits }: OpenPrompt,
  steering: Steering,
  objectives: readonly number[],
): Float64Array {
  const tau = steering.temperature ?? head.gate.temperature;
  const logits = steeredLogits(gateLogits, steering);
  const largest = Math.max(...objectives.map((j) => logits[j]!));
  const powers = Float64Array.from(objectives, (j) => Math.exp((logits[j]! - largest) / tau));
  const sum = sumOf(powers);
  return powers.map((power) => power / sum);
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** Cut to the range; −0 becomes 0, since JSON has no −0 and a link must give the same bits back. */
function within(value: number, [least, most]: readonly [number, number]): number {
  return Math.min(most, Math.max(least, value)) + 0;
}

function limited(value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  assert(Number.isFinite(value), () => `a steered number is finite, got ${value}`);
  return within(value, steeringLimits.number);
}

function withMember(list: readonly number[], member: number, present: boolean): readonly number[] {
  return ascending(present ? [...list, member] : list.filter((j) => j !== member));
}

function ascending(members: readonly number[]): number[] {
  return [...new Set(members)].sort((a, b) => a - b);
}

function withNumber(record: ByObjective, objective: number, value: number | undefined): ByObjective {
  const { [objective]: _, ...rest } = record;
  return value === undefined ? rest : { ...rest, [objective]: value };
}
