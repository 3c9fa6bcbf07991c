/** What a way of rounding does to scores: whole sequences through f32 weights and through rounded ones, in f32 arithmetic. */
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
}

export interface MeasureInput {
  readonly weights: BackboneWeights;
  readonly architecture: Architecture;
  readonly head: RewardHead;
  /** Two responses to one prompt, one after the other; rows: the scored position, then the gate's. */
  readonly sequences: readonly SequenceRows[];
  readonly embedded: readonly Float32Array<ArrayBuffer>[];
  readonly runner: ConvertTools['stageRunner'];
  readonly onLayer?: (layer: number) => void;
}

/**
 * All candidates side by side, layer by layer, so that a matrix is rounded once for all that round it alike.
 * The first candidate must leave everything in f32: it is what the others are compared with.
 */
export async function measureCandidates(
  { weights, architecture, head, sequences, embedded, runner, onLayer }: MeasureInput,
  candidates: readonly Candidate[],
): Promise<Measured[]> {
  const passes = candidates.map(() => new ReferencePass(architecture, runner, sequences, embedded));
  const totals = candidates.map(() => ({ bits: 0, weights: 0, squaredError: 0, squaredNorm: 0 }));
  for (const [number, layer] of weights.layers.entries()) {
    onLayer?.(number);
    for (const pass of passes) pass.beginLayer(layer);
    for (const name of LINEAR_NAMES) {
      const values = layer.linears[name];
      const [outputs, inputs] = linearShape(architecture, name);
      const rounded = new Map<WeightForm, Float32Array<ArrayBuffer>>();
      for (const [index, candidate] of candidates.entries()) {
        const form = candidate.formOf(number, name);
        const used = form === undefined ? values : (rounded.get(form) ?? form.round(values));
        if (form !== undefined) rounded.set(form, used);
        const total = totals[index]!;
        total.bits += (form?.bitsPerWeight ?? 32) * values.length;
        total.weights += values.length;
        for (let i = 0; i < values.length; i++) {
          total.squaredError += (values[i]! - used[i]!) ** 2;
          total.squaredNorm += values[i]! ** 2;
        }
        await passes[index]!.addLinear(name, { values: used, outputs, inputs });
      }
    }
  }
  const features = passes.map((pass) => pass.features(weights.finalNorm));
  const reference = defined(features[0], 'the reference');
  const referenceMargins = marginsOf(reference, head);
  return candidates.map(({ name }, index) => {
    const { bits, weights: count, squaredError, squaredNorm } = totals[index]!;
    const margins = marginsOf(features[index]!, head);
    return {
      name,
      bitsPerWeight: bits / count,
      weightError: Math.sqrt(squaredError / squaredNorm),
      featureError: rootMeanSquare(
        features[index]!.map((rows, i) => relativeDistance(rows, reference[i]!, head.featureSize)),
      ),
      marginDeviation: rootMeanSquare(margins.map((margin, i) => margin - referenceMargins[i]!)),
    };
  });
}

function marginsOf(features: readonly Float32Array[], head: RewardHead): number[] {
  const d = head.featureSize;
  const scores = features.map((rows) => evaluateHead(head, rows.subarray(0, d), rows.subarray(d)).score);
  return Array.from({ length: scores.length / 2 }, (_, pair) => scores[2 * pair]! - scores[2 * pair + 1]!);
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
