/** Features → trained heads with what the report needs to know about the training. */
import { performance } from 'node:perf_hooks';
import { identityTransform } from '@/core/debias.ts';
import type { RewardHead } from '@/core/reward-head.ts';
import { fitBradleyTerry } from './bradley-terry.ts';
import { pairAccuracy, preferencePairs } from './evaluate.ts';
import { LABEL_RECIPES } from './label-recipes.ts';
import { trainCorrectedProbe, verbosityReference } from './corrected-probe.ts';
import { labelRows } from './label-rows.ts';
import type { LabelRow } from './label-rows.ts';
import {
  allRewards,
  debias,
  featureSpread,
  meanTrainingGate,
  referenceRows,
  trainGate,
  trainProbe,
  VERBOSITY_DIMENSION,
} from './train-heads.ts';
import type { Debiasing, GateSettings, Probe, TrainedGate, TrainingData } from './train-heads.ts';

/** Chosen on the dev split. */
export const GATE_SETTINGS: GateSettings = {
  hidden: [128, 128, 128],
  temperature: 10,
  beta: 50,
  steps: 300,
  batchSize: 256,
  learningRate: 1e-3,
  weightDecay: 0.01,
  dropout: 0.4,
  seed: 20_261_123,
  contrastShare: 0.88,
};

export interface TrainedHeads {
  readonly head: RewardHead;
  /** One per objective, manifest order. */
  readonly probes: readonly Probe[];
  readonly rows: readonly (readonly LabelRow[])[];
  readonly debiasing: Debiasing;
  readonly gate: TrainedGate;
  /** Mean raw rewards of the reference rows, [k]. */
  readonly referenceMeans: readonly number[];
  /** Mean gate of the training prompts, [k]. */
  readonly meanGate: Float64Array;
  /** The same rewards without the correction: M = I and a gate trained so, by the same settings. Not in the package. */
  readonly uncorrected: { readonly head: RewardHead; readonly meanGate: Float64Array };
  /** A plain Bradley-Terry head on the same features and preferences. Not in the package. */
  readonly linear: LinearHead;
  /** The objective whose raw reward alone is right most often on the dev preferences. */
  readonly bestSingleOnDev: number;
}

export interface LinearHead {
  /** Penalty of the best dev accuracy. */
  readonly alpha: number;
  /** f64 [d], for features as they are. */
  readonly weights: Float64Array;
  readonly pairs: number;
}

/** Penalties tried for the plain linear head. */
const LINEAR_ALPHAS: readonly number[] = [30, 100, 300, 1000, 3000];

/** Trained on the preferences of the training split, α by accuracy on those of the dev split (the larger on a tie). */
function trainLinearHead(data: TrainingData, spread: Float64Array): LinearHead {
  const { featureSize: d, features } = data;
  const pairs = preferencePairs(data.groups, data.index, 'train');
  const judged = preferencePairs(data.groups, data.index, 'dev');
  const differences = new Float64Array(pairs.length * d);
  for (const [row, { better, worse }] of pairs.entries())
    for (let i = 0; i < d; i += 1)
      differences[row * d + i] = (features[better * d + i]! - features[worse * d + i]!) / spread[i]!;
  let best: (LinearHead & { readonly accuracy: number }) | undefined;
  for (const alpha of LINEAR_ALPHAS) {
    const weights = fitBradleyTerry(differences, d, alpha).map((weight, i) => weight / spread[i]!);
    const accuracy = pairAccuracy(judged, (example) => {
      let sum = 0;
      for (let i = 0; i < d; i += 1) sum += weights[i]! * features[example * d + i]!;
      return sum;
    });
    if (best === undefined || accuracy >= best.accuracy) best = { alpha, weights, pairs: pairs.length, accuracy };
  }
  if (best === undefined) throw new Error('no penalty was tried');
  const { accuracy: _, ...head } = best;
  return head;
}

/** Trains everything; a few minutes. `log` gets a line for each finished part. */
export async function trainHeads(
  data: TrainingData,
  log: (line: string) => void,
  settings: GateSettings = GATE_SETTINGS,
): Promise<TrainedHeads> {
  const k = LABEL_RECIPES.length;
  const d = data.featureSize;
  const spread = featureSpread(data);
  const regression = new Float32Array(k * d);
  const reference = referenceRows(data.examples);
  const rows = LABEL_RECIPES.map((recipe) => labelRows(recipe, data.examples, data.index));
  const verbosityProbe = trainProbe(rows[VERBOSITY_DIMENSION]!, data, spread);
  const verbosity = verbosityReference(verbosityProbe.weights, reference, data, spread);
  const probes: Probe[] = [];
  for (const [j, recipe] of LABEL_RECIPES.entries()) {
    const startedAt = performance.now();
    const probe = j === VERBOSITY_DIMENSION ? verbosityProbe : trainCorrectedProbe(rows[j]!, data, spread, verbosity);
    regression.set(probe.weights, j * d);
    probes.push(probe);
    log(
      `${recipe.objective}: ${probe.trainRows} rows, α ${probe.alpha.toPrecision(2)}, dev error ${probe.validationMse.toFixed(4)}, ` +
        `${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
    );
  }
  const rewards = allRewards(regression, k, data);
  const debiasing = debias(rewards, k, reference);
  log(`Eq 3 on ${debiasing.rows} responses: worst |ρ| ${Math.max(...debiasing.after.map(Math.abs)).toExponential(1)}`);
  const trainOne = async (name: string, transform: Float64Array, balanceLengths: boolean): Promise<TrainedGate> =>
    trainGate(data, rewards, transform, k, { ...settings, balanceLengths }, ({ step, loss, accuracy, gateEntropy }) => {
      if (step % 100 === 0)
        log(
          `${name}, step ${step}: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(3)}, entropy ${gateEntropy.toFixed(3)}`,
        );
    });
  const gate = await trainOne('gate', debiasing.transform, true);
  const uncorrectedTransform = identityTransform(k);
  const uncorrectedGate = await trainOne('gate without the correction', uncorrectedTransform, false);
  const head: RewardHead = {
    objectives: k,
    featureSize: d,
    regression,
    gate: gate.gate,
    // The package stores M in f32.
    transform: Float64Array.from(Float32Array.from(debiasing.transform)),
  };
  const referenceMeans = Array.from(
    { length: k },
    (_, j) => reference.reduce((sum, row) => sum + rewards[row * k + j]!, 0) / reference.length,
  );
  const uncorrected: RewardHead = { ...head, gate: uncorrectedGate.gate, transform: uncorrectedTransform };
  const devPairs = preferencePairs(data.groups, data.index, 'dev');
  const single = Array.from({ length: k }, (_, j) => pairAccuracy(devPairs, (example) => rewards[example * k + j]!));
  return {
    head,
    probes,
    rows,
    debiasing,
    gate,
    referenceMeans,
    meanGate: meanTrainingGate(head, data),
    uncorrected: { head: uncorrected, meanGate: meanTrainingGate(uncorrected, data) },
    linear: trainLinearHead(data, spread),
    bestSingleOnDev: single.indexOf(Math.max(...single)),
  };
}
