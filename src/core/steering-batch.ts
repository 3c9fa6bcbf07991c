/**
 * Steering over many responses at once: scores, ranks, leads and flips of a scored set, into buffers made once, so that a slider
 * that moves costs no memory per response. Every score has the bits that `applySteering` gives the response alone.
 */
import { assert } from '@/base/assert.ts';
import { DataError } from './errors.ts';
import { writeExponentials } from './exponential.ts';
import { type RankedGroups, rankGroups } from './group-ranks.ts';
import { writeGateWeights } from './reward-head.ts';
import { gateFactors, writeBelowLargest, writeReweightedGate } from './reweighted-gate.ts';
import type { ScoredSet } from './scored-set.ts';
import {
  identitySteering,
  pinsCoefficients,
  type SteerableHead,
  type Steering,
  soundingObjectives,
  steeredLogits,
  steeredSoftmax,
  steeredTransform,
} from './steering.ts';

/** The parts of a `ScoredSet` that steering recombines. Groups are consecutive rows; a prompt may have rows in any. */
export type SteerableSet = Pick<ScoredSet, 'rows' | 'prompts' | 'groups' | 'rewards' | 'promptOf' | 'groupStart'> & {
  /** l `[prompts, k]`, before temperature and mask. */
  readonly gateLogits: Float64Array;
};

/** Stands for the logarithm of a weight of 0: far below any other, and finite. */
const logOfNothing = Math.log(1e-300);

/**
 * A scored set with its gate logits; where the file had none, with logits that give its weights back, l = τ log(g / logitScale).
 * They differ from the model's own by one number per prompt, which no softmax sees, so scores agree up to rounding, and to the bit
 * where the file has logits.
 * @throws DataError where logits are missing and logitScale is 0 or of the other sign than a weight.
 */
export function steerableSet(
  set: Omit<SteerableSet, 'gateLogits'> & Pick<ScoredSet, 'gateLogits' | 'gateWeights'>,
  { gate: { temperature, logitScale } }: SteerableHead,
): SteerableSet {
  if (set.gateLogits !== undefined) return { ...set, gateLogits: set.gateLogits };
  const gateLogits = set.gateWeights.map((weight, i) => {
    const share = weight / logitScale;
    if (!(share >= 0)) throw new DataError(`gate weights[${i}]`, `is ${weight}, no share of a gate of ${logitScale}`);
    return temperature * (share === 0 ? logOfNothing : Math.log(share));
  });
  return { ...set, gateLogits };
}

/** What a set scores under one steering, with the flips against the baseline. Made by `makeBatchScores`, overwritten by every `scoreBatch` into it. */
export interface BatchScores extends RankedGroups {
  /** g as steered `[prompts, k]`. */
  readonly gateWeights: Float64Array;
  /** c as steered, pins included `[prompts, k]`; meaningful while coefficients are pinned, otherwise stale. */
  readonly coefficients: Float64Array;
  /** Working space: r' of one response, scores of the largest group; and whose gate `gateWeights` holds. */
  readonly scratch: { readonly adjusted: Float64Array; readonly sorted: Float64Array; gateOf: Steering | undefined };
}

/** e^((l − max l) / τ) `[prompts, k]` at the temperature that other handles were moved at: their next move needs no exponential a prompt. */
interface GateExponentials {
  /** l − max l `[prompts, k]`, −Infinity outside the gate's own mask. */
  readonly below: Float64Array;
  /** Of `below`. */
  readonly least: number;
  temperature: number;
  readonly values: Float64Array;
}

export interface SteeringBatch {
  readonly head: SteerableHead;
  readonly set: SteerableSet;
  /** Under identity steering. */
  readonly baseline: BatchScores;
  readonly exponentials: GateExponentials;
}

/**
 * A set made ready for steering, with its baseline.
 * @throws DataError naming the row or prompt of a number that is not finite; AssertionError on a wrong shape.
 */
export function makeSteeringBatch(head: SteerableHead, set: SteerableSet): SteeringBatch {
  const k = head.objectives;
  assert(set.rewards.length === set.rows * k, () => `${set.rewards.length} rewards are not ${set.rows} × ${k}`);
  assert(set.gateLogits.length === set.prompts * k, () => `${set.gateLogits.length} logits, not ${set.prompts} × ${k}`);
  assert(set.promptOf.length === set.rows, () => `${set.promptOf.length} prompts for ${set.rows} rows`);
  assert(
    set.groupStart.length === set.groups + 1 && set.groupStart[0] === 0 && set.groupStart[set.groups] === set.rows,
    'groups must cover the rows',
  );
  assertFinite('rewards, row', set.rewards, k);
  assertFinite('gate logits, prompt', set.gateLogits, k);
  const baseline = makeBatchScores(head, set);
  const active = head.gate.activeObjectives ?? Array.from({ length: k }, (_, j) => j);
  const below = new Float64Array(set.prompts * k);
  let least = 0;
  for (let start = 0; start < below.length; start += k)
    least = Math.min(least, writeBelowLargest(active, set.gateLogits, k, below, start));
  const exponentials = { below, least, temperature: Number.NaN, values: new Float64Array(set.prompts * k) };
  const batch = { head, set, baseline, exponentials };
  scoreBatch(batch, identitySteering, baseline);
  return batch;
}

/** Buffers for the scores of a set. */
export function makeBatchScores(head: SteerableHead, { rows, prompts, groups, groupStart }: SteerableSet): BatchScores {
  const k = head.objectives;
  let largest = 0;
  for (let group = 0; group < groups; group++) largest = Math.max(largest, groupStart[group + 1]! - groupStart[group]!);
  return {
    scores: new Float64Array(rows),
    ranks: new Uint32Array(rows),
    leads: new Float64Array(rows),
    winners: new Uint32Array(groups),
    flips: new Uint32Array(groups),
    flipCount: 0,
    gateWeights: new Float64Array(prompts * k),
    coefficients: new Float64Array(prompts * k),
    scratch: {
      adjusted: new Float64Array(k),
      sorted: new Float64Array(largest),
      gateOf: undefined,
    },
  };
}

/**
 * Scores the whole set under `steering` into `target`, which is overwritten and returned; allocates nothing per row, group or
 * prompt. Flips are against `batch.baseline`.
 * @throws AssertionError when no objective sounds (`steeringProblem` says so beforehand).
 */
export function scoreBatch(batch: SteeringBatch, steering: Steering, target: BatchScores): BatchScores {
  weighPrompts(batch, steering, target);
  if (pinsCoefficients(steering)) scoreByCoefficients(batch, steering, target);
  else scoreByGate(batch, steering, target);
  rankGroups(batch.set, batch.baseline.winners, target);
  return target;
}

function weighPrompts({ head, set, exponentials }: SteeringBatch, steering: Steering, target: BatchScores): void {
  const { gateWeights, scratch } = target;
  const k = head.objectives;
  const sounding = soundingObjectives(head, steering);
  assert(sounding.length > 0, 'no objective is active');
  if (scratch.gateOf !== undefined && hasSameGate(scratch.gateOf, steering)) return;
  scratch.gateOf = undefined;
  const gate = steeredSoftmax(head, steering);
  const { temperature, logitScale } = gate;
  const { below, least, values } = exponentials;
  const factors = gateFactors(k, sounding, steering.logitShifts, temperature);
  const isNew = exponentials.temperature !== temperature;
  // A temperature alone is gone with the next move: its exponentials become the weights where they stand, and those kept stay.
  const passing = isNew && factors.every((factor) => factor === 1);
  const into = passing ? gateWeights : values;
  if (isNew) writeExponentials(below, least, temperature, into);
  if (!passing) exponentials.temperature = temperature;
  for (let start = 0; start < into.length; start += k) {
    if (writeReweightedGate(logitScale, into, factors, gateWeights, start)) continue;
    const logits = steeredLogits(set.gateLogits.subarray(start, start + k), steering);
    gateWeights.fill(0, start, start + k);
    writeGateWeights(gate, sounding, logits, gateWeights.subarray(start, start + k));
  }
  scratch.gateOf = steering;
}

/** By identity: a move makes new ones of what it changes. */
function hasSameGate(a: Steering, b: Steering): boolean {
  return (
    a.logitShifts === b.logitShifts && a.temperature === b.temperature && a.muted === b.muted && a.soloed === b.soloed
  );
}

/** s = g · r'. */
function scoreByGate({ head, set }: SteeringBatch, steering: Steering, target: BatchScores): void {
  const k = head.objectives;
  const transform = steeredTransform(head, steering.penalties);
  const dimension = onlyPenaltyRow(transform, k);
  if (dimension !== undefined) {
    scoreByOnePenaltyRow(set, transform.subarray(dimension * k, (dimension + 1) * k), dimension, target);
    return;
  }
  const { rowStarts, columns, values } = sparseRows(transform, k);
  const { gateWeights, scores, scratch } = target;
  const { rewards, promptOf } = set;
  const { adjusted } = scratch;
  for (let row = 0; row < set.rows; row++) {
    adjusted.fill(0);
    const from = row * k;
    for (let i = 0; i < k; i++) {
      const reward = rewards[from + i]!;
      const end = rowStarts[i + 1]!;
      for (let at = rowStarts[i]!; at < end; at++) {
        const j = columns[at]!;
        adjusted[j] = adjusted[j]! + reward * values[at]!;
      }
    }
    const gate = promptOf[row]! * k;
    let sum = 0;
    for (let j = 0; j < k; j++) sum += gateWeights[gate + j]! * adjusted[j]!;
    scores[row] = sum;
  }
}

/** The one row in which M is not the identity; the first where it is the identity throughout, `undefined` for two and more. */
function onlyPenaltyRow(transform: Float64Array, k: number): number | undefined {
  const other: number[] = [];
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++) if (transform[i * k + j] !== (i === j ? 1 : 0) && other.at(-1) !== i) other.push(i);
  return other.length > 1 ? undefined : (other[0] ?? 0);
}

/**
 * The same for M of Eq 2 with one dimension v: r'_j = r_j + r_v M[v, j], whose two products are added in either order to the same
 * bits. Two neighbours of one prompt go together and share what is read of it: half the time of one by one.
 */
function scoreByOnePenaltyRow(set: SteerableSet, row: Float64Array, dimension: number, target: BatchScores): void {
  const k = row.length;
  const { gateWeights, scores } = target;
  const { rewards, promptOf } = set;
  const own = row[dimension]!;
  for (let at = 0; at < set.rows;) {
    const prompt = promptOf[at]!;
    const gate = prompt * k;
    const a = at * k;
    const verbosityA = rewards[a + dimension]!;
    const paired = at + 1 < set.rows && promptOf[at + 1] === prompt;
    const b = paired ? a + k : a;
    const verbosityB = rewards[b + dimension]!;
    let sumA = 0;
    let sumB = 0;
    for (let j = 0; j < dimension; j++) {
      const weight = gateWeights[gate + j]!;
      const penalty = row[j]!;
      sumA += weight * (rewards[a + j]! + verbosityA * penalty);
      sumB += weight * (rewards[b + j]! + verbosityB * penalty);
    }
    sumA += gateWeights[gate + dimension]! * (verbosityA * own);
    sumB += gateWeights[gate + dimension]! * (verbosityB * own);
    for (let j = dimension + 1; j < k; j++) {
      const weight = gateWeights[gate + j]!;
      const penalty = row[j]!;
      sumA += weight * (rewards[a + j]! + verbosityA * penalty);
      sumB += weight * (rewards[b + j]! + verbosityB * penalty);
    }
    scores[at] = sumA;
    if (paired) scores[at + 1] = sumB;
    at += paired ? 2 : 1;
  }
}

/** s = c · r, with c = M g once per prompt and the pinned ones put in. */
function scoreByCoefficients({ head, set }: SteeringBatch, steering: Steering, target: BatchScores): void {
  const k = head.objectives;
  const { rowStarts, columns, values } = sparseRows(steeredTransform(head, steering.penalties), k);
  const { gateWeights, coefficients, scores } = target;
  const { rewards, promptOf } = set;
  const pinned = Object.keys(steering.coefficientOverrides).map(Number);
  const pins = Float64Array.from(pinned, (j) => steering.coefficientOverrides[j]!);
  // In most rows M is the identity, where c_i = g_i: the others alone are summed.
  const mixed = Array.from({ length: k }, (_, i) => i).filter((i) => {
    const [begin = 0, end = 0] = [rowStarts[i], rowStarts[i + 1]];
    return end - begin !== 1 || columns[begin] !== i || values[begin] !== 1;
  });
  let latest = -1;
  for (let at = 0; at < set.rows;) {
    const prompt = promptOf[at]!;
    const start = prompt * k;
    // Right before their rows: what has just been written is still at hand.
    if (prompt !== latest) {
      for (let j = start; j < start + k; j++) coefficients[j] = gateWeights[j]!;
      for (let which = 0; which < mixed.length; which++) {
        const i = mixed[which]!;
        let sum = 0;
        const end = rowStarts[i + 1]!;
        for (let entry = rowStarts[i]!; entry < end; entry++)
          sum += values[entry]! * gateWeights[start + columns[entry]!]!;
        coefficients[start + i] = sum;
      }
      for (let which = 0; which < pins.length; which++) coefficients[start + pinned[which]!] = pins[which]!;
      latest = prompt;
    }
    const a = at * k;
    const paired = at + 1 < set.rows && promptOf[at + 1] === prompt;
    const b = paired ? a + k : a;
    let sumA = 0;
    let sumB = 0;
    for (let j = 0; j < k; j++) {
      const coefficient = coefficients[start + j]!;
      sumA += coefficient * rewards[a + j]!;
      sumB += coefficient * rewards[b + j]!;
    }
    scores[at] = sumA;
    if (paired) scores[at + 1] = sumB;
    at += paired ? 2 : 1;
  }
}

/**
 * The entries of M that are not 0, row by row: M of Eq 2 has 2 k of k². Leaving out products with 0 keeps every bit of a sum
 * that begins at +0, as long as the other factor is finite.
 */
function sparseRows(transform: Float64Array, k: number) {
  const rowStarts = new Uint32Array(k + 1);
  const columns = new Uint32Array(k * k);
  const values = new Float64Array(k * k);
  let count = 0;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      const value = transform[i * k + j]!;
      if (value === 0) continue;
      columns[count] = j;
      values[count++] = value;
    }
    rowStarts[i + 1] = count;
  }
  return { rowStarts, columns, values };
}

function assertFinite(what: string, values: Float64Array, k: number): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw new DataError(`${what} ${Math.floor(i / k)}, objective ${i % k}`, `is ${values[i]}, not a finite number`);
}
