/** The f64 reference trainer (gate-trainer.ts) behind the interface of every trainer. */
import { GateBatches } from './gate-batches.ts';
import { CpuGateTrainer } from './gate-trainer.ts';
import type { GateTrainer, GateTrainerSettings, GateTrainerState, GateTrainingData } from './gate-trainer-backend.ts';
import type { GateLayer } from './reward-head.ts';

/** The f64 trainer as a `GateTrainer`; all rows are held in memory as f32. */
export async function openCpuGateTrainer(
  data: GateTrainingData,
  start: readonly GateLayer[] | GateTrainerState,
  initialBeta: number,
  settings: GateTrainerSettings,
): Promise<GateTrainer> {
  const { rows, objectives, rewardDifferences, rawRewards } = data;
  const gateFeatures = new Float32Array(rows.count * rows.featureSize);
  await rows.gather(
    Uint32Array.from({ length: rows.count }, (_, i) => i),
    gateFeatures,
  );
  const pairs = { gateFeatures, featureSize: rows.featureSize, rewardDifferences, objectives };
  const { batches, ...options } = settings;
  const { pairs: training, batchSize } = batches;
  const stream = new GateBatches(batches);
  const trainer = new CpuGateTrainer(rawRewards === undefined ? pairs : { ...pairs, rawRewards }, start, {
    ...options,
    initialBeta,
    batchSize,
    ...(typeof training === 'number' ? {} : { trainingPairs: training }),
    batchRows: (step) => stream.rowsAt(step),
  });
  return {
    get stepsDone() {
      return trainer.stepsDone;
    },
    steps: async (count) => Array.from({ length: count }, () => trainer.step()),
    evaluate: async (some) => trainer.evaluate(some),
    state: async () => trainer.state(),
    gate: async () => trainer.gate(),
    gateOf: async (parameters) => trainer.gate(parameters),
    gradientAt: async (index) => trainer.gradientAt(index),
    dispose: () => undefined,
  };
}
