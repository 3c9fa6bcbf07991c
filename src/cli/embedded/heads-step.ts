/** Features → trained heads with what the report needs to know about the training. */
import { performance } from 'node:perf_hooks';
import type { RewardHead } from '@/core/reward-head.ts';
import { LABEL_RECIPES } from './label-recipes.ts';
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
} from './train-heads.ts';
import type { Debiasing, GateSettings, Probe, TrainedGate, TrainingData } from './train-heads.ts';

/** Chosen on the dev split. */
export const GATE_SETTINGS: GateSettings = {
  hidden: [128, 128, 128],
  temperature: 10,
  steps: 160,
  batchSize: 256,
  learningRate: 1e-3,
  weightDecay: 0.01,
  dropout: 0.2,
  seed: 20_261_123,
  contrastShare: 0.5,
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
  const probes: Probe[] = [];
  const rows: LabelRow[][] = [];
  for (const [j, recipe] of LABEL_RECIPES.entries()) {
    const startedAt = performance.now();
    const found = labelRows(recipe, data.examples, data.index);
    const probe = trainProbe(found, data, spread);
    regression.set(probe.weights, j * d);
    probes.push(probe);
    rows.push(found);
    log(
      `${recipe.objective}: ${probe.trainRows} rows, α ${probe.alpha.toPrecision(2)}, dev error ${probe.validationMse.toFixed(4)}, ` +
        `${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
    );
  }
  const rewards = allRewards(regression, k, data);
  const reference = referenceRows(data.examples);
  const debiasing = debias(rewards, k, reference);
  log(`Eq 3 on ${debiasing.rows} responses: worst |ρ| ${Math.max(...debiasing.after.map(Math.abs)).toExponential(1)}`);
  const gate = await trainGate(
    data,
    rewards,
    debiasing.transform,
    k,
    settings,
    ({ step, loss, accuracy, gateEntropy }) => {
      if (step % 100 === 0)
        log(
          `gate, step ${step}: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(3)}, entropy ${gateEntropy.toFixed(3)}`,
        );
    },
  );
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
  return { head, probes, rows, debiasing, gate, referenceMeans, meanGate: meanTrainingGate(head, data) };
}
