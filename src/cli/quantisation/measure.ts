/** What a way of rounding does to scores: whole sequences through f32 weights and through rounded ones, in f32 arithmetic. */
import { cpuUsage } from 'node:process';
import { defined } from '@/base/assert.ts';
import { linearShape } from '@/convert/backbone-tensors.ts';
import type { ConvertTools } from '@/convert/conversion.ts';
import { LINEAR_NAMES, type LinearName } from '@/convert/graph/decoder-stage.ts';
import { ReferencePass, type SequenceRows } from '@/convert/reference-pass.ts';
import { evaluateHead, type RewardHead } from '@/core/reward-head.ts';
import type { Architecture } from '@/formats/manifest.ts';
import type { BackboneWeights } from './package-layers.ts';
import type { WeightForm } from './weight-forms.ts';

/** A form for each matrix; `undefined` leaves it in f32. */
export interface Candidate {
  readonly name: string;
  readonly formOf: (layer: number, name: LinearName) => WeightForm | undefined;
}

export interface Measured {
  readonly name: string;
  /** Over all linear weights. */
  readonly bitsPerWeight: number;
  /** ‖W − W'‖ / ‖W‖ over all linear weights. */
  readonly weightError: number;
  /** Root mean square of ‖h − h'‖ / ‖h‖ over the scored positions. */
  readonly featureError: number;
  /** Root mean square of the margins' errors, in the score's unit. */
  readonly marginDeviation: number;
  /** How sure that is: its standard error, if the errors are normal. */
  readonly marginUncertainty: number;
  /** Processor time of rounding on one thread, in nanoseconds a weight; 0 where nothing is rounded. */
  readonly roundingNs: number;
}

export interface MeasureInput {
  readonly weights: BackboneWeights;
  readonly architecture: Architecture;
  readonly head: RewardHead;
  /** Rows: the scored position, then the gate's. */
  readonly sequences: readonly SequenceRows[];
  /** Two responses to one prompt, as indices into `sequences`. */
  readonly pairs: readonly (readonly [number, number])[];
  readonly embedded: readonly Float32Array<ArrayBuffer>[];
  readonly runner: ConvertTools['stageRunner'];
  readonly onLayer?: (layer: number) => void;
}

/** A matrix in one form. */
interface Rounded {
  readonly values: Float32Array<ArrayBuffer>;
  readonly squaredError: number;
  readonly microseconds: number;
}

/**
 * All candidates side by side, layer by layer, so that a matrix is rounded once for all that round it alike.
 * The first candidate must leave everything in f32: it is what the others are compared with.
 */
export async function measureCandidates(
  { weights, architecture, head, sequences, pairs, embedded, runner, onLayer }: MeasureInput,
  candidates: readonly Candidate[],
): Promise<Measured[]> {
  const passes = candidates.map(() => new ReferencePass(architecture, runner, sequences, embedded));
  const totals = candidates.map(() => ({
    bits: 0,
    weights: 0,
    squaredError: 0,
    squaredNorm: 0,
    rounded: 0,
    microseconds: 0,
  }));
  for (const [number, layer] of weights.layers.entries()) {
    onLayer?.(number);
    for (const pass of passes) pass.beginLayer(layer);
    for (const name of LINEAR_NAMES) {
      const values = layer.linears[name];
      const [outputs, inputs] = linearShape(architecture, name);
      const forms = new Map<WeightForm, Rounded>();
      const squaredNorm = values.reduce((sum, value) => sum + value * value, 0);
      for (const [index, candidate] of candidates.entries()) {
        const form = candidate.formOf(number, name);
        const used = form === undefined ? undefined : (forms.get(form) ?? roundWith(form, values));
        const total = totals[index]!;
        if (form !== undefined && used !== undefined) {
          forms.set(form, used);
          total.squaredError += used.squaredError;
          total.microseconds += used.microseconds;
          total.rounded += values.length;
        }
        total.bits += (form?.bitsPerWeight ?? 32) * values.length;
        total.weights += values.length;
        total.squaredNorm += squaredNorm;
        await passes[index]!.addLinear(name, { values: used?.values ?? values, outputs, inputs });
      }
    }
  }
  const features = passes.map((pass) => pass.features(weights.finalNorm));
  const reference = defined(features[0], 'the reference');
  const referenceMargins = marginsOf(reference, head, pairs);
  return candidates.map(({ name }, index) => {
    const { bits, weights: count, squaredError, squaredNorm, rounded, microseconds } = totals[index]!;
    const margins = marginsOf(features[index]!, head, pairs);
    const marginDeviation = rootMeanSquare(margins.map((margin, i) => margin - referenceMargins[i]!));
    return {
      name,
      bitsPerWeight: bits / count,
      weightError: Math.sqrt(squaredError / squaredNorm),
      featureError: rootMeanSquare(
        features[index]!.map((rows, i) => relativeDistance(rows, reference[i]!, head.featureSize)),
      ),
      marginDeviation,
      marginUncertainty: marginDeviation / Math.sqrt(2 * pairs.length),
      roundingNs: rounded === 0 ? 0 : (1000 * microseconds) / rounded,
    };
  });
}

function roundWith(form: WeightForm, values: Float32Array<ArrayBuffer>): Rounded {
  const before = cpuUsage();
  const rounded = form.round(values);
  const { user } = cpuUsage(before);
  let squaredError = 0;
  for (let i = 0; i < values.length; i++) {
    const difference = values[i]! - rounded[i]!;
    squaredError += difference * difference;
  }
  return { values: rounded, squaredError, microseconds: user };
}

function marginsOf(
  features: readonly Float32Array[],
  head: RewardHead,
  pairs: readonly (readonly [number, number])[],
): number[] {
  const d = head.featureSize;
  const scores = features.map((rows) => evaluateHead(head, rows.subarray(0, d), rows.subarray(d)).score);
  return pairs.map(([one, other]) => scores[one]! - scores[other]!);
}

/** Of the first row, the scored position. */
function relativeDistance(rows: Float32Array, reference: Float32Array, d: number): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < d; i++) {
    difference += (rows[i]! - reference[i]!) ** 2;
    norm += reference[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
