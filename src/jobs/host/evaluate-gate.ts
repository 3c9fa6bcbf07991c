/** A gate on the pairs that judge it: by the loop while it trains, and by itself, to compare another gate on the same pairs. */
import { deadObjectives, gateHealth } from '@/core/gate-health.ts';
import type { GateTrainer } from '@/core/gate-trainer-backend.ts';
import { trainingDefaults } from '@/core/training-options.ts';
import type { GateEvaluationRequest, JobOptions, TrainingEvaluation, TrainingRequest } from '@/jobs/api/training.ts';
import { keptRowBytes } from './gate-rows.ts';
import { prepareTraining, type PreparedTraining, type PrepareTools } from './prepare-training.ts';
import { openExactTrainer } from './trainer-factory.ts';

/** Pairs an evaluation looks at where nothing is held out: enough for three digits. */
const largestTrainingSample = 2048;

/** The trainer's present gate on the held-out pairs, or on a sample of the training pairs where none are held out. */
export async function evaluateTrainer(
  { heldOut, trainPairs, head }: PreparedTraining,
  trainer: GateTrainer,
): Promise<TrainingEvaluation> {
  const on = heldOut.length > 0 ? 'held-out' : 'training';
  const pairs = heldOut.length > 0 ? heldOut : evenSample(trainPairs, largestTrainingSample);
  const { loss, accuracy, gateEntropy, gateWeights } = await trainer.evaluate(pairs);
  const { beta, gate } = await trainer.gate();
  const health = gateHealth(gateWeights, head.objectives, deadObjectives(head.transform, head.objectives));
  const meanGate = health.meanGate.map((share) => share * gate.logitScale);
  return { step: trainer.stepsDone, on, pairs: pairs.length, loss, accuracy, gateEntropy, meanGate, beta, health };
}

/** A gate as it is on the pairs that a run with the same seed and split holds out. @throws JobError, FormatError, DataError, AbortError. */
export async function evaluateGate(
  { features, head, gate, beta, seed, validationSplit }: GateEvaluationRequest,
  tools: Pick<PrepareTools, 'openFile'>,
  { signal }: JobOptions<never> = {},
): Promise<TrainingEvaluation> {
  const request: TrainingRequest = {
    runId: 'evaluation',
    features,
    head,
    options: { ...trainingDefaults('paper'), seed, validationSplit, temperature: gate.temperature, initialBeta: beta },
    initialGate: gate.layers,
    logitScale: gate.logitScale,
    ...(gate.activeObjectives === undefined ? {} : { activeObjectives: gate.activeObjectives }),
  };
  const prepared = await prepareTraining(request, { ...tools, memoryBytes: keptRowBytes }, () => undefined, signal);
  signal?.throwIfAborted();
  const { trainer } = await openExactTrainer(prepared);
  try {
    return await evaluateTrainer(prepared, trainer);
  } finally {
    trainer.dispose();
  }
}

/** At most `count` of `pairs`, evenly spaced. */
function evenSample(pairs: Uint32Array, count: number): Uint32Array {
  if (pairs.length <= count) return pairs;
  return Uint32Array.from({ length: count }, (_, i) => pairs[Math.floor((i * pairs.length) / count)]!);
}
