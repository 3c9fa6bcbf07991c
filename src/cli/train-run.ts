/** `npm run train` without its arguments: trains a gate from files to files, in this process. */
import { open, rename } from 'node:fs/promises';
import { basename } from 'node:path';
import { writeTrainedHead } from '@/formats/head-files.ts';
import { FormatError } from '@/formats/errors.ts';
import type { DataFile, TrainedGate, TrainingEvent, TrainingRequest } from '@/jobs/api/training.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import type { CheckpointStore } from '@/jobs/host/checkpoint-store.ts';
import { startTraining } from '@/jobs/host/start-training.ts';
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
 * @throws JobError.
 */
export async function trainFiles(run: TrainRun): Promise<TrainedGate> {
  const { request, factory, checkpoints, signal } = run;
  const log = run.logPath === undefined ? undefined : await open(run.logPath, request.resume === true ? 'a' : 'w');
  let lines = '';
  const flush = async (): Promise<void> => {
    const text = lines;
    lines = '';
    if (text !== '') await log?.writeFile(text);
  };
  try {
    const tools = {
      openFile: openDiskDataFile,
      factory,
      ...(checkpoints === undefined ? {} : { checkpoints }),
      now: () => performance.now(),
      async breathe() {
        await flush();
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
    const training = startTraining(request, tools, (event) => {
      if (event.kind === 'step' && log !== undefined)
        for (const { step, loss, accuracy, learningRate: lr, beta } of event.steps)
          lines += `${JSON.stringify({ step, loss, accuracy, lr, beta })}\n`;
      run.onEvent(event);
    });
    const onAbort = (): void => {
      // What cannot be stored does not keep the run from stopping.
      if (checkpoints !== undefined) training.checkpoint().catch(() => undefined);
      void training.stop();
    };
    signal?.addEventListener('abort', onAbort);
    const ended = await training.ended;
    signal?.removeEventListener('abort', onAbort);
    await flush();
    if (ended.kind === 'failed') throw new JobError(ended.error);
    const { head, beta } = ended.result;
    await writeWhole(run.outPath, writeTrainedHead(head, beta, 'armorm', basename(run.outPath)));
    if (run.stateDictPath !== undefined)
      await writeWhole(run.stateDictPath, writeTrainedHead(head, beta, 'script', basename(run.stateDictPath)));
    return ended.result;
  } finally {
    await log?.close();
  }
}
