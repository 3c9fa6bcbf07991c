/** What is measured, and on which values. */
import { SeededRandom } from '@/base/random.ts';
import { initialGateLayers } from '@/core/gate-network.ts';
import type { GateTrainerSettings, GateTrainingData } from '@/core/gate-trainer-backend.ts';
import type { GateLayer } from '@/core/reward-head.ts';
import { bf16Rows } from '@/core/test-gate-golden.ts';
import { f32ToBf16 } from '@/base/half.ts';

export interface BenchShape {
  readonly d: number;
  readonly hidden: number;
  readonly hiddenLayers: number;
  readonly k: number;
  readonly batch: number;
}

export interface BenchRun {
  readonly widths: readonly number[];
  readonly data: GateTrainingData;
  readonly settings: GateTrainerSettings;
  readonly layers: readonly GateLayer[];
  /** f32 [batch, d] and [batch, k]: the one batch, for the other implementations. */
  readonly features: Float32Array<ArrayBuffer>;
  readonly differences: Float32Array<ArrayBuffer>;
}

export const initialBeta = 100;
export const temperature = 10;
export const learningRate = 1e-3;

export function benchRun({ d, hidden, hiddenLayers, k, batch }: BenchShape): BenchRun {
  const random = new SeededRandom(1);
  const draw = (length: number, scale: number) =>
    Float32Array.from({ length }, () => scale * (2 * random.uniform() - 1));
  const halves = f32ToBf16(draw(batch * d, 1));
  const differences = draw(batch * k, 0.1);
  const widths = [d, ...Array.from({ length: hiddenLayers }, () => hidden), k];
  const data: GateTrainingData = {
    rows: bf16Rows(halves, d),
    objectives: k,
    rewardDifferences: Float64Array.from(differences),
  };
  const features = new Float32Array(batch * d);
  void data.rows.gather(
    Uint32Array.from({ length: batch }, (_, i) => i),
    features,
  );
  const settings: GateTrainerSettings = {
    mode: 'paper',
    temperature,
    logitScale: 1,
    activeObjectives: Array.from({ length: k }, (_, j) => j),
    batches: { pairs: batch, batchSize: 'all', seed: 0 },
    learningRate,
    scheduleSteps: 10_000,
    weightDecay: 0.01,
    adamBetas: [0.9, 0.999],
    adamEpsilon: 1e-8,
    dropout: 0,
    seed: 0,
  };
  return { widths, data, settings, layers: initialGateLayers(widths, 1), features, differences };
}

/** The numbers of AdamW at step `index` (0-based): rate / (1 − β₁ᵗ), √(1 − β₂ᵗ), 1 − rate · decay. */
export function adamwScalars(index: number): [number, number, number] {
  const rate = (learningRate * (1 + Math.cos((Math.PI * index) / 10_000))) / 2;
  return [rate / (1 - 0.9 ** (index + 1)), Math.sqrt(1 - 0.999 ** (index + 1)), 1 - rate * 0.01];
}

/** Floating-point operations of the step's matrix products. */
export function stepFlops({ widths, settings }: BenchRun): number {
  const batch = settings.batches.pairs as number;
  let sum = 0;
  for (let i = 1; i < widths.length; i++) sum += (i === 1 ? 4 : 6) * batch * widths[i - 1]! * widths[i]!;
  return sum;
}
