/**
 * The three training stages on extracted features: ridge per objective (armorm.md T1), exact Eq 3 (T2), gate by Eq 5 (T3).
 * Deterministic in features, groups and the settings below.
 *
 * Features are divided by their spread before training and the division is folded into the weights afterwards, so that the
 * penalty treats dimensions alike and the package's heads take features as they are.
 */
import { defined } from '@/base/assert.ts';
import { findPenalties, transformFromPenalties } from '@/core/debias.ts';
import { initialGateLayers } from '@/core/gate-network.ts';
import { CpuGateTrainer, runGateTraining } from '@/core/gate-trainer.ts';
import type { GateStepLog } from '@/core/gate-trainer.ts';
import { evaluateHead } from '@/core/reward-head.ts';
import type { Gate, GateLayer, RewardHead } from '@/core/reward-head.ts';
import { ridgeProbes } from '@/core/ridge.ts';
import { spearman } from '@/core/rank-correlation.ts';
import type { Group } from './dataset.ts';
import { contrastPairs, preferencePairs } from './evaluate.ts';
import type { JudgedPair } from './evaluate.ts';
import type { Example, LabelRow } from './label-rows.ts';

/** Everything the training reads. */
export interface TrainingData {
  readonly featureSize: number;
  readonly groups: readonly Group[];
  readonly examples: readonly Example[];
  /** Index of every example by group key and response index. */
  readonly index: ReadonlyMap<string, number>;
  /** f32 [examples, d]. */
  readonly features: Float32Array;
  /** f32 [d] of the prompt. */
  readonly gateFeatureOf: (group: Group) => Float32Array;
}

/** Half decades around where the optimum lies, and beyond on both sides. */
export const ALPHAS: readonly number[] = Array.from({ length: 13 }, (_, i) => 10 ** (-1 + i / 2));

/** helpsteer-verbosity. */
export const VERBOSITY_DIMENSION = 4;
/** beavertails-is_safe. */
export const SAFETY_DIMENSION = 10;

export interface GateSettings {
  readonly hidden: readonly number[];
  readonly temperature: number;
  /** Where β of Eq 5 starts. */
  readonly beta: number;
  /** Absent: all. */
  readonly activeObjectives?: readonly number[];
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  readonly seed: number;
  /** Share of the drawn pairs that are built contrasts. */
  readonly contrastShare: number;
}

export interface Probe {
  readonly alpha: number;
  /** f64 [d], for features as they are. */
  readonly weights: Float64Array;
  readonly validationMse: number;
  readonly trainRows: number;
  readonly validationRows: number;
}

/** Root mean square of every feature over the training examples, never below a thousandth of the mean of all. */
export function featureSpread(data: TrainingData): Float64Array {
  const { featureSize: d, examples, features } = data;
  const squares = new Float64Array(d);
  const means = new Float64Array(d);
  let n = 0;
  for (const [row, { split }] of examples.entries()) {
    if (split !== 'train') continue;
    n += 1;
    for (let i = 0; i < d; i += 1) {
      const value = features[row * d + i]!;
      means[i] = means[i]! + value;
      squares[i] = squares[i]! + value * value;
    }
  }
  const spread = squares.map((square, i) => Math.sqrt(Math.max(0, square / n - (means[i]! / n) ** 2)));
  const floor = (spread.reduce((sum, value) => sum + value, 0) / d) * 1e-3;
  return spread.map((value) => Math.max(value, floor));
}

/**
 * One ridge per objective; α by the error on the dev split, fitted on the training split. A row of weight w enters as √w
 * times its features and label, which is weighted least squares because there is no intercept; so are difference rows.
 * @param orthogonalTo f64 [d] that the weights, of features divided by their spread, shall be orthogonal to. The features lose their part
 * along it: a ridge has no weight where its features have nothing, and elsewhere it is the constrained one.
 */
export function trainProbe(
  rows: readonly LabelRow[],
  data: TrainingData,
  spread: Float64Array,
  orthogonalTo?: Float64Array,
): Probe {
  const { featureSize: d, examples, features } = data;
  const square = orthogonalTo?.reduce((sum, value) => sum + value * value, 0) ?? 0;
  const used = rows.filter(({ example }) => examples[example]?.split !== 'test');
  const meanWeight = used.reduce((sum, { weight }) => sum + weight, 0) / used.length;
  const x = new Float64Array(used.length * d);
  const y = new Float64Array(used.length);
  const validation = new Uint8Array(used.length);
  for (const [row, { example, worse, label, weight }] of used.entries()) {
    const scale = Math.sqrt(weight / meanWeight);
    for (let i = 0; i < d; i += 1) {
      const other = worse === undefined ? 0 : features[worse * d + i]!;
      x[row * d + i] = (scale * (features[example * d + i]! - other)) / spread[i]!;
    }
    if (orthogonalTo !== undefined) {
      let along = 0;
      for (let i = 0; i < d; i += 1) along += x[row * d + i]! * orthogonalTo[i]!;
      for (let i = 0; i < d; i += 1) x[row * d + i]! -= (along / square) * orthogonalTo[i]!;
    }
    y[row] = scale * label;
    validation[row] = examples[example]?.split === 'dev' ? 1 : 0;
  }
  const [probe] = ridgeProbes({
    features: x,
    featureSize: d,
    labels: y,
    objectives: 1,
    validation,
    alphas: ALPHAS,
  });
  if (probe === undefined) throw new Error('no probe was fitted');
  return { ...probe, weights: probe.weights.map((weight, i) => weight / spread[i]!) };
}

/** r = W h of every example, f64 [examples, k]. */
export function allRewards(regression: Float32Array, objectives: number, data: TrainingData): Float64Array {
  const { featureSize: d, examples, features } = data;
  const rewards = new Float64Array(examples.length * objectives);
  for (let row = 0; row < examples.length; row += 1)
    for (let j = 0; j < objectives; j += 1) {
      let sum = 0;
      for (let i = 0; i < d; i += 1) sum += regression[j * d + i]! * features[row * d + i]!;
      rewards[row * objectives + j] = sum;
    }
  return rewards;
}

/** Eq 3's reference: every natural training response, whatever its source, because all of them are what is scored in use. */
export function referenceRows(examples: readonly Example[]): number[] {
  return examples.flatMap(({ split, twinOf }, row) => (split === 'train' && twinOf === undefined ? [row] : []));
}

export interface Debiasing {
  /** λ [k]. */
  readonly penalties: Float64Array;
  /** M [k, k]. */
  readonly transform: Float64Array;
  readonly rows: number;
  /** Spearman's ρ with the verbosity reward on the reference set, before and after. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Eq 3 by exact roots. */
export function debias(rewards: Float64Array, objectives: number, rows: readonly number[]): Debiasing {
  const k = objectives;
  const reference = new Float64Array(rows.length * k);
  for (const [i, row] of rows.entries()) reference.set(rewards.subarray(row * k, (row + 1) * k), i * k);
  const found = findPenalties(reference, k, VERBOSITY_DIMENSION, 'exact');
  const verbosity = rows.map((_, i) => reference[i * k + VERBOSITY_DIMENSION]!);
  const rho = (penalised: boolean): number[] =>
    Array.from({ length: k }, (_, j) =>
      j === VERBOSITY_DIMENSION
        ? Number(!penalised)
        : spearman(
            rows.map((_row, i) => reference[i * k + j]! - (penalised ? found.penalties[j]! * verbosity[i]! : 0)),
            verbosity,
          ),
    );
  return {
    penalties: found.penalties,
    transform: transformFromPenalties(k, [found]),
    rows: rows.length,
    before: rho(false),
    after: rho(true),
  };
}

export interface TrainedGate {
  readonly gate: Gate;
  readonly beta: number;
  readonly lastStep: GateStepLog | undefined;
  readonly pairs: { readonly preferences: number; readonly contrasts: number };
}

/** A rare kind of contrast is drawn more often than its share, by this power of its count. */
const KIND_POWER = 0.3;

/**
 * Every pair's chance to be drawn: contrasts by kind, preferences all alike.
 * @param tokensOf where given, the preferences of a longer answer are drawn as often as those of a shorter one: a gate that sees the longer
 * one preferred more often than not learns to undo the correction.
 */
export function pairWeights(
  preferences: readonly JudgedPair[],
  contrasts: readonly JudgedPair[],
  contrastShare: number,
  tokensOf?: (example: number) => number,
): Float64Array {
  const counts = new Map<string, number>();
  for (const { label } of contrasts) counts.set(label, (counts.get(label) ?? 0) + 1);
  const raw = contrasts.map(({ label }) => (counts.get(label) ?? 1) ** -KIND_POWER);
  const total = raw.reduce((sum, value) => sum + value, 0);
  const share = preferences.length === 0 ? 1 : contrasts.length === 0 ? 0 : contrastShare;
  const lengthSign = ({ better, worse }: JudgedPair): number =>
    tokensOf === undefined ? 0 : Math.sign(tokensOf(better) - tokensOf(worse));
  const [longer = 0, shorter = 0] = [1, -1].map(
    (sign) => preferences.filter((pair) => lengthSign(pair) === sign).length,
  );
  const balance = (pair: JudgedPair): number => {
    const same = lengthSign(pair) > 0 ? longer : shorter;
    return lengthSign(pair) === 0 || same === 0 ? 1 : (longer + shorter) / 2 / same;
  };
  const balances = preferences.map(balance);
  const balanced = balances.reduce((sum, value) => sum + value, 0);
  return Float64Array.from([
    ...balances.map((value) => ((1 - share) * value) / balanced),
    ...raw.map((value) => (share * value) / total),
  ]);
}

/** `count` indices in order, each index about as often as its weight says: systematic sampling, no chance in it. */
export function systematicSample(weights: Float64Array, count: number): number[] {
  const total = weights.reduce((sum, value) => sum + value, 0);
  const chosen: number[] = [];
  let sum = 0;
  for (const [index, weight] of weights.entries()) {
    sum += weight;
    while (chosen.length < count && (chosen.length + 0.5) / count <= sum / total) chosen.push(index);
  }
  return chosen;
}

/** Rows the trainer draws from, for each pair: enough that the rounding of a weight to whole rows does not matter. */
const ROWS_PER_PAIR = 3;

/** Trains the gate on preferences and built contrasts of the training split, drawn by `pairWeights`. */
export async function trainGate(
  data: TrainingData,
  rewards: Float64Array,
  transform: Float64Array,
  objectives: number,
  settings: GateSettings & {
    /** Draw the preferences of a longer answer as often as those of a shorter one (`pairWeights`). */
    readonly balanceLengths?: boolean;
  },
  onStep?: (log: GateStepLog, trainer: CpuGateTrainer) => void,
): Promise<TrainedGate> {
  const { featureSize: d } = data;
  const preferences = preferencePairs(data.groups, data.index, 'train');
  const contrasts = contrastPairs(data.groups, data.index, 'train', 'all');
  const all = [...preferences, ...contrasts];
  const tokensOf = (example: number): number => data.examples[example]?.tokens ?? 0;
  const weights = pairWeights(
    preferences,
    contrasts,
    settings.contrastShare,
    settings.balanceLengths === true ? tokensOf : undefined,
  );
  const pairs = systematicSample(weights, ROWS_PER_PAIR * all.length).map((row) => defined(all[row], 'a pair'));
  const { scale, centre } = gateScaling(data);
  const gateFeatures = new Float32Array(pairs.length * d);
  for (const [row, { better }] of pairs.entries()) {
    const group = data.examples[better]!.group;
    const feature = data.gateFeatureOf(group);
    for (let i = 0; i < d; i += 1) gateFeatures[row * d + i] = (feature[i]! - centre[i]!) / scale[i]!;
  }
  const trainer = new CpuGateTrainer(
    {
      gateFeatures,
      featureSize: d,
      rewardDifferences: adjustedDifferences(pairs, rewards, transform, objectives),
      objectives,
    },
    initialGateLayers([d, ...settings.hidden, objectives], settings.seed),
    {
      temperature: settings.temperature,
      ...(settings.activeObjectives === undefined ? {} : { activeObjectives: settings.activeObjectives }),
      initialBeta: settings.beta,
      batchSize: Math.min(settings.batchSize, pairs.length),
      learningRate: settings.learningRate,
      scheduleSteps: settings.steps,
      weightDecay: settings.weightDecay,
      dropout: settings.dropout,
      seed: settings.seed,
    },
  );
  let lastStep: GateStepLog | undefined;
  await runGateTraining(trainer, settings.steps, {
    onStep: (log) => {
      lastStep = log;
      onStep?.(log, trainer);
    },
  });
  const { gate, beta } = trainer.gate();
  return {
    gate: foldScaling(gate, scale, centre),
    beta,
    lastStep,
    pairs: { preferences: preferences.length, contrasts: contrasts.length },
  };
}

/** (r_better − r_worse) M, f64 [pairs, k]. */
export function adjustedDifferences(
  pairs: readonly JudgedPair[],
  rewards: Float64Array,
  transform: Float64Array,
  objectives: number,
): Float64Array {
  const k = objectives;
  const out = new Float64Array(pairs.length * k);
  for (const [row, { better, worse }] of pairs.entries())
    for (let v = 0; v < k; v += 1) {
      const difference = rewards[better * k + v]! - rewards[worse * k + v]!;
      for (let j = 0; j < k; j += 1) out[row * k + j] = out[row * k + j]! + difference * transform[v * k + j]!;
    }
  return out;
}

/** Mean and spread of the gate features over the training prompts. */
function gateScaling(data: TrainingData): { readonly scale: Float64Array; readonly centre: Float64Array } {
  const { featureSize: d, groups } = data;
  const rows = groups.filter(({ split }) => split === 'train').map((group) => data.gateFeatureOf(group));
  const centre = new Float64Array(d);
  const scale = new Float64Array(d);
  for (const row of rows) for (let i = 0; i < d; i += 1) centre[i] = centre[i]! + row[i]! / rows.length;
  for (const row of rows)
    for (let i = 0; i < d; i += 1) scale[i] = scale[i]! + (row[i]! - centre[i]!) ** 2 / rows.length;
  return { centre, scale: scale.map((square) => Math.max(Math.sqrt(square), 1e-3)) };
}

/** The same gate for features as they are: (h − c) / s goes into the first layer's weights and bias. */
export function foldScaling(gate: Gate, scale: Float64Array, centre: Float64Array): Gate {
  const [first, ...others] = gate.layers;
  if (first === undefined) return gate;
  const { inputSize, outputSize } = first;
  const weight = new Float32Array(first.weight.length);
  const bias = new Float32Array(outputSize);
  for (let o = 0; o < outputSize; o += 1) {
    let shift = first.bias[o]!;
    for (let i = 0; i < inputSize; i += 1) {
      const folded = first.weight[o * inputSize + i]! / scale[i]!;
      weight[o * inputSize + i] = folded;
      shift -= folded * centre[i]!;
    }
    bias[o] = shift;
  }
  const folded: GateLayer = { weight, bias, inputSize, outputSize };
  return { ...gate, layers: [folded, ...others] };
}

/** Mean gate weights over the training prompts, [k]. */
export function meanTrainingGate(head: RewardHead, data: TrainingData): Float64Array {
  const zero = new Float32Array(head.featureSize);
  const mean = new Float64Array(head.objectives);
  const groups = data.groups.filter(({ split }) => split === 'train');
  for (const group of groups) {
    const { gateWeights } = evaluateHead(head, zero, data.gateFeatureOf(group));
    for (const [j, weight] of gateWeights.entries()) mean[j] = mean[j]! + weight / groups.length;
  }
  return mean;
}
