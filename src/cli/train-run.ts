/** `npm run train` without its arguments: trains a gate from files to files, in this process. */
import { open, rename } from 'node:fs/promises';
import { basename } from 'node:path';
import { writeTrainedHead } from '@/formats/head-files.ts';
import { FormatError } from '@/formats/errors.ts';
import type { DataFile, TrainedGate, TrainingEvent, TrainingRequest } from '@/jobs/api/training.ts';
import { prepareTraining } from '@/jobs/host/prepare-training.ts';
import { TrainingLoop } from '@/jobs/host/training-loop.ts';
import type { CheckpointStore } from '@/jobs/host/checkpoint-file.ts';
import type { TrainerFactory } from '@/jobs/host/trainer-factory.ts';
import { diskSource } from './disk-files.ts';

export interface TrainRun {
  readonly request: TrainingRequest;
  readonly factory: TrainerFactory;
  /** Where the heads go. */
  readonly outPath: string;
  /** Where the gate alone goes, under the names of the authors' state dict. */
  readonly stateDictPath?: string;
  /** One JSON object a step: step, loss, accuracy, lr, beta. */
  readonly logPath?: string;
  readonly checkpoints?: CheckpointStore;
  readonly memoryBytes: number;
  readonly signal?: AbortSignal;
  readonly onEvent: (event: TrainingEvent) => void;
}

/** A file on disk as a job's file. */
export function diskDataFile(path: string): DataFile {
  return { kind: 'path', name: basename(path), path };
}

/** @throws FormatError when it is not there or of a kind that only a page has. */
export async function openDiskDataFile(file: DataFile) {
  if (file.kind !== 'path') throw new FormatError('missing-file', file.name, 'is not a file on disk.');
  const source = await diskSource(file.path);
  if (source === undefined) throw new FormatError('missing-file', file.path, 'there is no such file.');
  return source;
}

/** Writes beside the target first, so that a file with its name is always whole. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.part`;
  const handle = await open(part, 'w');
  try {
    await handle.writeFile(bytes);
  } finally {
    await handle.close();
  }
  await rename(part, path);
}

/**
 * Trains and writes. When `signal` aborts, the run stops between two steps, is stored where checkpoints are kept, and the gate as it is
 * is written.
 * @throws FormatError, DataError, JobError.
 */
export async function trainFiles(run: TrainRun): Promise<TrainedGate> {
  const { request, factory, onEvent, checkpoints, signal } = run;
  const { options } = request;
  const prepared = await prepareTraining(
    request,
    { openFile: openDiskDataFile, memoryBytes: run.memoryBytes },
    onEvent,
    signal,
  );
  for (const warning of prepared.warnings) onEvent({ kind: 'warning', warning });
  const stored = request.resume === true ? await checkpoints?.load(request, prepared) : undefined;
  const { trainer, backend, device } = await factory(request, prepared, stored?.state);
  const log = run.logPath === undefined ? undefined : await open(run.logPath, stored === undefined ? 'w' : 'a');
  let lines = '';
  const flush = async (): Promise<void> => {
    const text = lines;
    lines = '';
    if (text !== '') await log?.writeFile(text);
  };
  try {
    onEvent({
      kind: 'started',
      backend,
      device,
      trainPairs: prepared.trainPairs.length,
      heldOutPairs: prepared.heldOut.length,
      fromStep: trainer.stepsDone,
      parameters: prepared.parameters,
    });
    const loop = new TrainingLoop(prepared, trainer, {
      steps: options.steps,
      evaluateEvery: options.evaluateEvery,
      earlyStop: options.earlyStop,
      checkpointEvery: checkpoints === undefined ? 0 : (request.checkpointEvery ?? 500),
      ...(stored === undefined ? {} : { memory: stored.memory }),
      now: () => performance.now(),
      breathe: async () => {
        await flush();
        await new Promise((resolve) => setImmediate(resolve));
      },
      onEvent(event) {
        if (event.kind === 'step' && log !== undefined)
          for (const { step, loss, accuracy, learningRate: lr, beta } of event.steps)
            lines += `${JSON.stringify({ step, loss, accuracy, lr, beta })}\n`;
        onEvent(event);
      },
      save: async (state, memory) => {
        await flush();
        await checkpoints?.save(request, prepared, backend, state, memory);
      },
    });
    const onAbort = (): void => {
      // Rejections of the checkpoint come out of run(), which ends after it.
      if (checkpoints !== undefined) loop.checkpoint().catch(() => undefined);
      loop.stop();
    };
    signal?.addEventListener('abort', onAbort);
    const result = await loop.run();
    signal?.removeEventListener('abort', onAbort);
    await flush();
    await writeWhole(run.outPath, writeTrainedHead(result.head, result.beta, 'armorm', basename(run.outPath)));
    if (run.stateDictPath !== undefined)
      await writeWhole(
        run.stateDictPath,
        writeTrainedHead(result.head, result.beta, 'script', basename(run.stateDictPath)),
      );
    return result;
  } finally {
    trainer.dispose();
    await log?.close();
  }
}
