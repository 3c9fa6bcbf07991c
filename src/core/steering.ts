/**
 * Steering: what a person changed about a reward head by hand, as plain data, and what every response scores under it.
 *
 * One rule carries a change from the open prompt to every other. A gate is only ever changed on its logits: each objective has a
 * shift δ_j, the temperature may be replaced, and a muted objective leaves the softmax. So on every prompt
 *
 *     g = logitScale · softmax((l + δ) / τ) over the objectives that sound,
 *
 * which multiplies the odds of any two weights, g_i / g_j, by the same factor e^((δ_i − δ_j) / τ) on all prompts, whatever
 * their gates were. Asking for gate weights on the open prompt (`steering-moves.ts`) solves for the shifts that give exactly
 * those, so the three handles cannot disagree, and a response has one steered score wherever it is shown: there is no override
 * that holds on one prompt alone. Weight 0 is out of reach of a finite shift, hence the mute, which keeps its shift for later.
 *
 * Final coefficients c = M g are free: an override pins c_j to one number on every prompt, and the others still follow the
 * gate. While any is pinned the score is c · r, since no gate need exist that makes those coefficients.
 *
 * Identity steering changes nothing to the bit: the same functions run on the same numbers in the same order (`reward-head.ts`).
 */
import { assert } from '@/base/assert.ts';
import { writeExponentials } from './exponential.ts';
import {
  adjustedRewards,
  coefficients,
  gateWeights,
  type GateSoftmax,
  type HeadEvaluation,
  score,
} from './reward-head.ts';
import { gateFactors, writeBelowLargest, writeReweightedGate } from './reweighted-gate.ts';

/** Numbers by objective index; an objective that is absent has none. */
export type ByObjective = Readonly<Record<number, number>>;

/** Where penalties start from: the model's own M, M = I, or M = I with the verbosity rows zero, so that their coefficient is 0. */
export type PenaltyBase = 'model' | 'none' | 'ignore-verbosity';

/**
 * Penalties λ: row v of M, for each verbosity dimension v, becomes δ_vj − scale · λ_j; other rows stay as the base has them.
 * λ_j is the override where there is one, else the base's own, δ_vj − M[v, j].
 */
export interface PenaltySteering {
  readonly base: PenaltyBase;
  /** Multiplies every λ, overridden or not; 1 changes nothing, 0 removes all penalties. */
  readonly scale: number;
  /** λ_j by verbosity dimension, then objective. */
  readonly overrides: Readonly<Record<number, ByObjective>>;
}

/** All of it is plain data: it can be compared, stored, put in a link, and undone by keeping the value before. */
export interface Steering {
  /** δ_j in logit units; absent = 0. */
  readonly logitShifts: ByObjective;
  /** τ > 0 in place of the model's; absent = the model's own. */
  readonly temperature?: number | undefined;
  /** Objectives of weight exactly 0, ascending. Their shifts are kept, so that taking the mute off restores them. */
  readonly muted: readonly number[];
  /** While not empty, only these sound, ascending. Disjoint from `muted`. */
  readonly soloed: readonly number[];
  /** Objectives whose gate weight on the open prompt holds under every move, ascending. Has no part in any score. */
  readonly locked: readonly number[];
  /** c_j pinned on every prompt. */
  readonly coefficientOverrides: ByObjective;
  readonly penalties: PenaltySteering;
}

/** What steering needs of a head; a `RewardHead` with the manifest's verbosity dimensions is one. */
export interface SteerableHead {
  /** k. */
  readonly objectives: number;
  /** M `[k, k]`, row-major. */
  readonly transform: Float64Array;
  readonly gate: GateSoftmax;
  /** Rows of M that carry penalties; `[4]` for ArmoRM. */
  readonly verbosityDimensions: readonly number[];
}

/** What was computed once for a response and never changes. Both `[k]`, logits before temperature and mask. */
export type SteerableResponse = Pick<HeadEvaluation, 'rewards' | 'gateLogits'>;

export const identitySteering: Steering = {
  logitShifts: {},
  muted: [],
  soloed: [],
  locked: [],
  coefficientOverrides: {},
  penalties: { base: 'model', scale: 1, overrides: {} },
};

/** What may be asked for: far outside any logit, reward or penalty, and safe from overflow. Moves are cut to it, links refused. */
export const steeringLimits = {
  number: [-1e6, 1e6],
  temperature: [1e-3, 1e3],
} as const satisfies Record<string, readonly [number, number]>;
/** Shifts that weights ask for are logarithms times τ on top of others: larger, and still safe. */
const largestShift = 1e9;

/** Whether no score can differ from the model's own because of it; locks alone change none. */
export function isIdentitySteering(steering: Steering): boolean {
  const { logitShifts, temperature, muted, soloed, coefficientOverrides } = steering;
  return (
    isEmpty(logitShifts) &&
    temperature === undefined &&
    muted.length === 0 &&
    soloed.length === 0 &&
    isEmpty(coefficientOverrides) &&
    !changesPenalties(steering.penalties)
  );
}

/** Whether the transform may differ from the model's own. */
export function changesPenalties({ base, scale, overrides }: PenaltySteering): boolean {
  return base !== 'model' || scale !== 1 || Object.values(overrides).some((row) => !isEmpty(row));
}

/**
 * Why `steering`, read from a link or a file, cannot be used on `head`, in words for its reader; `undefined` when it fits.
 * Expects the fields to have their types already.
 */
export function steeringProblem(steering: Steering, head: SteerableHead): string | undefined {
  const { objectives: k, verbosityDimensions } = head;
  const { temperature, muted, soloed, locked, logitShifts, coefficientOverrides, penalties } = steering;
  const largest = steeringLimits.number[1];
  const named: readonly (readonly [string, ByObjective, number])[] = [
    ['logit shift', logitShifts, largestShift],
    ['coefficient', coefficientOverrides, largest],
    ...Object.values(penalties.overrides).map((row) => ['penalty', row, largest] as const),
  ];
  for (const [what, numbers, limit] of named)
    for (const [objective, value] of Object.entries(numbers)) {
      if (!isObjective(Number(objective), k) || String(Number(objective)) !== objective)
        return `names a ${what} of objective ${objective}, the model has ${k}`;
      if (!(Math.abs(value) <= limit)) return `has a ${what} of ${value}, beyond ±${limit}`;
    }
  for (const dimension of Object.keys(penalties.overrides))
    if (!verbosityDimensions.includes(Number(dimension)))
      return `penalises by objective ${dimension}, which is no verbosity objective of this model`;
  for (const [what, list] of Object.entries({ muted, soloed, locked })) {
    const stranger = list.find((objective) => !isObjective(objective, k));
    if (stranger !== undefined) return `has objective ${stranger} ${what}, the model has ${k}`;
    if (list.some((objective, i) => i > 0 && objective <= list[i - 1]!)) return `lists ${what} objectives out of order`;
  }
  if (soloed.some((objective) => muted.includes(objective))) return 'mutes and solos the same objective';
  const [coldest, hottest] = steeringLimits.temperature;
  if (temperature !== undefined && !(temperature >= coldest && temperature <= hottest))
    return `has a temperature of ${temperature}, outside ${coldest} to ${hottest}`;
  if (!(Math.abs(penalties.scale) <= largest)) return `has a penalty scale of ${penalties.scale}`;
  if (soundingObjectives(head, steering).length === 0) return 'mutes every objective that the gate may weigh';
  return undefined;
}

/** Objectives the steered softmax runs over, ascending: those it may weigh, less the muted, and while any is soloed those alone. */
export function soundingObjectives({ objectives, gate }: SteerableHead, { muted, soloed }: Steering): number[] {
  const active = gate.activeObjectives ?? Array.from({ length: objectives }, (_, j) => j);
  return active
    .filter((j) => !muted.includes(j) && (soloed.length === 0 || soloed.includes(j)))
    .toSorted((a, b) => a - b);
}

/**
 * M as steered, `[k, k]`; the model's own array itself where penalties are untouched. `base` 'none' is M = I whatever the
 * model's is.
 */
export function steeredTransform(head: SteerableHead, penalties: PenaltySteering): Float64Array {
  if (!changesPenalties(penalties)) return head.transform;
  const k = head.objectives;
  const transform = baseTransform(head, penalties.base);
  for (const v of head.verbosityDimensions) {
    const overrides = penalties.overrides[v];
    for (let j = 0; j < k; j++) {
      const override = overrides?.[j];
      // An entry nobody asked to change keeps its bits: 1 − (1 − m) need not be m.
      if (override === undefined && penalties.scale === 1) continue;
      const delta = j === v ? 1 : 0;
      transform[v * k + j] = delta - penalties.scale * (override ?? delta - transform[v * k + j]!);
    }
  }
  return transform;
}

/** λ in force for verbosity dimension `dimension`, new f64 `[k]`: the model's, steered. */
export function steeredPenalties(head: SteerableHead, penalties: PenaltySteering, dimension: number): Float64Array {
  const k = head.objectives;
  const base = baseTransform(head, penalties.base);
  return Float64Array.from({ length: k }, (_, j) => {
    const own = (j === dimension ? 1 : 0) - base[dimension * k + j]!;
    return penalties.scale * (penalties.overrides[dimension]?.[j] ?? own);
  });
}

/** l + δ `[k]`: the logits the steered softmax reads. New array. */
export function steeredLogits(logits: Float64Array, { logitShifts }: Steering): Float64Array {
  const shifted = Float64Array.from(logits);
  for (const [objective, shift] of Object.entries(logitShifts))
    shifted[Number(objective)] = shifted[Number(objective)]! + shift;
  return shifted;
}

/** The gate's softmax as steered: temperature and mask. The same object where neither is touched. */
export function steeredSoftmax(head: SteerableHead, steering: Steering): GateSoftmax {
  const { temperature, muted, soloed } = steering;
  const masked = muted.length > 0 || soloed.length > 0;
  if (temperature === undefined && !masked) return head.gate;
  return {
    logitScale: head.gate.logitScale,
    temperature: temperature ?? head.gate.temperature,
    activeObjectives: masked ? soundingObjectives(head, steering) : head.gate.activeObjectives,
  };
}

/**
 * g as steered for a prompt with gate `logits` `[k]`.
 * @returns new f64 `[k]`, Σ = logitScale, muted objectives exactly 0.
 * @throws AssertionError when no objective sounds (`steeringProblem` says so beforehand).
 */
export function steeredGateWeights(head: SteerableHead, logits: Float64Array, steering: Steering): Float64Array {
  const { objectives: k } = head;
  const gate = steeredSoftmax(head, steering);
  if (reweighsGate(steering)) {
    assert(logits.length === k, () => `${logits.length} logits for ${k} objectives`);
    const active = head.gate.activeObjectives ?? Array.from({ length: k }, (_, j) => j);
    const sounding = soundingObjectives(head, steering);
    assert(sounding.length > 0, 'no objective is active');
    const below = new Float64Array(k);
    const exponentials = new Float64Array(k);
    const weights = new Float64Array(k);
    writeExponentials(below, writeBelowLargest(active, logits, k, below), gate.temperature, exponentials);
    const factors = gateFactors(k, sounding, steering.logitShifts, gate.temperature);
    if (writeReweightedGate(gate.logitScale, exponentials, factors, weights)) return weights;
  }
  return gateWeights({ objectives: k, gate }, steeredLogits(logits, steering));
}

/** Whether the gate's odds change: shifts or a mask. Its temperature may change without. */
function reweighsGate({ logitShifts, muted, soloed }: Steering): boolean {
  return !isEmpty(logitShifts) || muted.length > 0 || soloed.length > 0;
}

/** Whether the score is c · r with pinned coefficients and not g · r'. */
export function pinsCoefficients({ coefficientOverrides }: Steering): boolean {
  return !isEmpty(coefficientOverrides);
}

/**
 * Everything the steered head says about one response, in the shape of `evaluateHead`: `gateLogits` are l + δ, `coefficients`
 * c = M g with the pinned ones put in, and `score` is g · r', or c · r while any coefficient is pinned.
 * Under identity steering every number has the bits `evaluateHead` gave it.
 * @throws AssertionError when a shape does not fit or no objective sounds.
 */
export function applySteering(head: SteerableHead, response: SteerableResponse, steering: Steering): HeadEvaluation {
  const k = head.objectives;
  assert(response.rewards.length === k, () => `${response.rewards.length} rewards for ${k} objectives`);
  const steered = { objectives: k, transform: steeredTransform(head, steering.penalties) };
  const adjusted = adjustedRewards(steered, response.rewards);
  const g = steeredGateWeights(head, response.gateLogits, steering);
  const c = coefficients(steered, g);
  for (const [objective, value] of Object.entries(steering.coefficientOverrides)) c[Number(objective)] = value;
  return {
    rewards: response.rewards,
    adjustedRewards: adjusted,
    gateLogits: steeredLogits(response.gateLogits, steering),
    gateWeights: g,
    coefficients: c,
    score: pinsCoefficients(steering) ? score(c, response.rewards) : score(g, adjusted),
  };
}

/** The base's M, new `[k, k]`. */
function baseTransform(head: SteerableHead, base: PenaltyBase): Float64Array {
  if (base === 'model') return Float64Array.from(head.transform);
  const k = head.objectives;
  const transform = new Float64Array(k * k);
  for (let j = 0; j < k; j++)
    transform[j * k + j] = base === 'ignore-verbosity' && head.verbosityDimensions.includes(j) ? 0 : 1;
  return transform;
}

function isObjective(index: number, objectives: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < objectives;
}

function isEmpty(record: Readonly<Record<number, unknown>>): boolean {
  return Object.keys(record).length === 0;
}
