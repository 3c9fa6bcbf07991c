/** A training run from its request to its end: prepared, opened on a backend, looped, stored. The one path of page and command line. */
import { DataError } from '@/core/errors.ts';
import type { CheckpointInfo, TrainingEvent, TrainingRequest, TrainingRun } from '@/jobs/api/training.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { jobErrorFrom } from './job-errors.ts';
import { prepareTraining, type PrepareTools } from './prepare-training.ts';
import type { TrainerFactory } from './trainer-factory.ts';
import { estimateStepSeconds } from './step-estimate.ts';
import { TrainingLoop } from './training-loop.ts';

export interface TrainingTools extends Omit<PrepareTools, 'memoryBytes'> {
  readonly factory: TrainerFactory;
  readonly checkpoints?: CheckpointStore;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Lets the event loop run. */
  readonly breathe: () => Promise<void>;
}

const defaultCheckpointEvery = 500;

/** Starts at once. Everything that goes wrong ends in a `failed` event. */
export function startTraining(
  request: TrainingRequest,
  tools: TrainingTools,
  onEvent: (event: TrainingEvent) => void,
): TrainingRun {
  const preparing = new AbortController();
  let loop: TrainingLoop | undefined;
  let latest: CheckpointInfo | undefined;
  let pauseWanted = false;

  const run = async (): Promise<Extract<TrainingEvent, { kind: 'done' | 'failed' }>> => {
    const { factory, checkpoints, now, breathe } = tools;
    const { options } = request;
    const memoryBytes = await factory.rowBytes(request);
    const prepared = await prepareTraining(request, { ...tools, memoryBytes }, onEvent, preparing.signal);
    for (const warning of prepared.warnings) onEvent({ kind: 'warning', warning });
    const stored = request.resume === true ? await checkpoints?.load(request, prepared) : undefined;
    const wanted = stored === undefined ? request : { ...request, backend: stored.info.backend };
    const { trainer, backend, device, reason, release } = await factory.open(wanted, prepared, stored?.state, onEvent);
    try {
      preparing.signal.throwIfAborted();
      const secondsPerStep =
        backend === 'webgpu'
          ? undefined
          : await estimateStepSeconds(prepared, {
              // A trainer of the same kind, which then is thrown away.
              open: async (probe) =>
                (await factory.open({ ...wanted, backend }, probe, undefined, () => undefined)).trainer,
              now,
              signal: preparing.signal,
            }).catch((cause: unknown) => {
              preparing.signal.throwIfAborted();
              // A run that cannot be estimated says itself what is wrong, with its first step.
              if (cause instanceof DataError) return undefined;
              throw cause;
            });
      onEvent({
        kind: 'started',
        backend,
        device,
        ...(reason === undefined ? {} : { reason }),
        trainPairs: prepared.trainPairs.length,
        heldOutPairs: prepared.heldOut.length,
        fromStep: trainer.stepsDone,
        parameters: prepared.parameters,
        ...(secondsPerStep === undefined ? {} : { secondsPerStep }),
      });
      loop = new TrainingLoop(prepared, trainer, {
        steps: options.steps,
        evaluateEvery: options.evaluateEvery,
        earlyStop: options.earlyStop,
        checkpointEvery: checkpoints === undefined ? 0 : (request.checkpointEvery ?? defaultCheckpointEvery),
        ...(stored === undefined ? {} : { memory: stored.memory }),
        now,
        breathe,
        onEvent,
        async save(state, memory) {
          latest = await checkpoints?.save(request, prepared, backend, state, memory);
          if (latest !== undefined) onEvent({ kind: 'checkpoint', checkpoint: latest });
        },
      });
      if (pauseWanted) void loop.pause();
      return { kind: 'done', result: await loop.run() };
    } finally {
      trainer.dispose();
      release?.();
    }
  };

  const ended = run().catch((cause: unknown): Extract<TrainingEvent, { kind: 'failed' }> => {
    return { kind: 'failed', error: jobErrorFrom(cause).toData() };
  });
  const announced = ended.then((event) => {
    onEvent(event);
    return event;
  });
  return {
    runId: request.runId,
    ended: announced,
    async pause() {
      pauseWanted = true;
      await loop?.pause();
    },
    async resume() {
      pauseWanted = false;
      loop?.resume();
    },
    async stop() {
      if (loop === undefined) preparing.abort();
      else loop.stop();
      await announced;
    },
    async checkpoint() {
      if (loop === undefined) throw jobErrorFrom(new Error('The run has not begun, so there is nothing to store.'));
      await loop.checkpoint();
      if (latest === undefined) throw jobErrorFrom(new Error('This run is not stored anywhere.'));
      return latest;
    },
  };
}
