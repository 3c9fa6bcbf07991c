/**
 * How long a step will take on the processor, before the first one: two short steps of a few pairs each give what a pair costs and what a
 * step costs whatever its batch (AdamW goes through every parameter).
 */
import type { GateTrainer } from '@/core/gate-trainer-backend.ts';
import type { PreparedTraining } from './prepare-training.ts';
import { stepWork } from './trainer-factory.ts';

/** Multiply-adds of a step below which it is over before an estimate would be: about a third of a second of one core. */
const shortStep = 1e9;
/** Pairs of the two probe steps. */
const probePairs = [8, 40] as const;

export interface EstimateTools {
  /** Opens a throw-away trainer of the run's kind. */
  readonly open: (prepared: PreparedTraining) => Promise<GateTrainer>;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

/** Seconds a step; `undefined` where steps are short, or batches no larger than the probes. @throws AbortError. */
export async function estimateStepSeconds(
  prepared: PreparedTraining,
  { open, now, signal }: EstimateTools,
): Promise<number | undefined> {
  const { batchSize, pairs } = prepared.settings.batches;
  const all = typeof pairs === 'number' ? pairs : pairs.length;
  const size = batchSize === 'all' ? all : batchSize;
  const [few, more] = probePairs;
  if (stepWork(prepared) < shortStep || size <= more || all <= more) return undefined;
  const fewMs = await timeStep(prepared, few, open, now);
  signal?.throwIfAborted();
  const moreMs = await timeStep(prepared, more, open, now);
  signal?.throwIfAborted();
  const pairMs = Math.max(0, (moreMs - fewMs) / (more - few));
  const fixedMs = Math.max(0, fewMs - few * pairMs);
  return (fixedMs + size * pairMs) / 1000;
}

/** Milliseconds of the second step: the first one warms the code up. */
async function timeStep(
  prepared: PreparedTraining,
  batchSize: number,
  open: EstimateTools['open'],
  now: () => number,
): Promise<number> {
  const { settings } = prepared;
  const { explicit: _, ...batches } = settings.batches;
  const trainer = await open({ ...prepared, settings: { ...settings, batches: { ...batches, batchSize } } });
  try {
    await trainer.steps(1);
    const began = now();
    await trainer.steps(1);
    return now() - began;
  } finally {
    trainer.dispose();
  }
}
