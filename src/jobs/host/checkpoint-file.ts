/**
 * A run's checkpoint as a safetensors file: parameters and both moments of AdamW in the trainer's own precision, the best gate where
 * the run may stop early, and in the metadata everything else. A run resumed from it is the run that never stopped, to the bit.
 */
import type { GateTrainerState } from '@/core/gate-trainer-backend.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import { readSafetensorsHeader, readTensor, requireTensor } from '@/formats/safetensors.ts';
import { type TensorData, writeSafetensors } from '@/formats/safetensors-writer.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import type { CheckpointInfo, TrainingBackend, TrainingRequest } from '@/jobs/api/training.ts';
import type { PreparedTraining } from './prepare-training.ts';
import type { LoopMemory } from './training-loop.ts';

export interface StoredRun {
  readonly state: GateTrainerState;
  readonly memory: LoopMemory;
  readonly info: Omit<CheckpointInfo, 'bytes'>;
}

const format = 'armoscope-gate-checkpoint-1';

/** What must be equal for a run to go on; how often it is evaluated or stored does not matter. */
function settingsKey({ options, activeObjectives, logitScale }: TrainingRequest): string {
  const { evaluateEvery: _, earlyStop: __, ...rest } = options;
  const sorted = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ sorted, activeObjectives, logitScale });
}

/** The file's bytes. */
export function writeCheckpoint(
  request: TrainingRequest,
  prepared: PreparedTraining,
  backend: TrainingBackend,
  state: GateTrainerState,
  memory: LoopMemory,
  savedAt: number,
): Uint8Array<ArrayBuffer> {
  const double = backend === 'cpu-f64';
  const tensor = (name: string, values: Float64Array): TensorData => ({
    name,
    dtype: double ? 'F64' : 'F32',
    shape: [values.length],
    data: double ? Float64Array.from(values) : Float32Array.from(values),
  });
  const { best } = memory;
  const tensors = [
    tensor('parameters', state.parameters),
    tensor('first_moments', state.firstMoments),
    tensor('second_moments', state.secondMoments),
    ...(best === undefined ? [] : [tensor('best_parameters', best.parameters)]),
  ];
  const run = {
    runId: request.runId,
    step: state.step,
    steps: request.options.steps,
    backend,
    savedAt,
    sizes: state.sizes,
    evaluationsSinceBest: memory.evaluationsSinceBest,
    ...(best === undefined ? {} : { bestLoss: best.loss, bestStep: best.step }),
  };
  return writeSafetensors(
    tensors,
    { format, run: JSON.stringify(run), settings: settingsKey(request), data: prepared.fingerprint },
    `${request.runId}.safetensors`,
  );
}

interface RunRecord {
  readonly runId: string;
  readonly step: number;
  readonly steps: number;
  readonly backend: TrainingBackend;
  readonly savedAt: number;
  readonly sizes: readonly number[];
  readonly evaluationsSinceBest: number;
  readonly bestLoss?: number;
  readonly bestStep?: number;
}

/** What a checkpoint says of itself, from its header alone. @throws JobError when it is no checkpoint. */
export async function readCheckpointInfo(source: ByteSource): Promise<CheckpointInfo> {
  const { metadata } = await readSafetensorsHeader(source);
  const { runId, step, steps, backend, savedAt } = recordOf(source, metadata);
  return { runId, step, steps, backend, savedAt, bytes: source.size };
}

/** @throws JobError when the checkpoint is of another run's data, settings or widths; FormatError when it is damaged. */
export async function readCheckpoint(
  source: ByteSource,
  request: TrainingRequest,
  prepared: PreparedTraining,
): Promise<StoredRun> {
  const header = await readSafetensorsHeader(source);
  const record = recordOf(source, header.metadata);
  if (header.metadata.get('data') !== prepared.fingerprint)
    throw new JobError({
      code: 'bad-input',
      message: `${source.name} was trained on other pairs or another regression layer. Choose the files it began with, or start anew.`,
    });
  if (header.metadata.get('settings') !== settingsKey(request))
    throw new JobError({
      code: 'bad-input',
      message: `${source.name} was trained with other hyperparameters. Set them as they were, or start anew.`,
    });
  const values = async (name: string): Promise<Float64Array> => {
    const { dtype } = requireTensor(header, name);
    const bytes = (await readTensor(source, header, name)).slice().buffer;
    return dtype === 'F64' ? new Float64Array(bytes) : Float64Array.from(new Float32Array(bytes));
  };
  const { bestLoss, bestStep, runId, step, steps, backend, savedAt, sizes, evaluationsSinceBest } = record;
  const parameters = await values('parameters');
  if (parameters.length !== prepared.parameters)
    throw new JobError({
      code: 'bad-input',
      message: `${source.name} holds a gate of ${parameters.length} parameters, this run's has ${prepared.parameters}.`,
    });
  const best =
    bestLoss === undefined || bestStep === undefined
      ? undefined
      : { loss: bestLoss, step: bestStep, parameters: await values('best_parameters') };
  return {
    state: {
      step,
      sizes,
      parameters,
      firstMoments: await values('first_moments'),
      secondMoments: await values('second_moments'),
    },
    memory: { evaluationsSinceBest, ...(best === undefined ? {} : { best }) },
    info: { runId, step, steps, backend, savedAt },
  };
}

function recordOf(source: ByteSource, metadata: ReadonlyMap<string, string>): RunRecord {
  const text = metadata.get('run');
  if (metadata.get('format') !== format || text === undefined)
    throw new JobError({ code: 'bad-input', message: `${source.name} is not a checkpoint of a training run.` });
  const record: unknown = JSON.parse(text);
  if (!isRunRecord(record))
    throw new JobError({
      code: 'bad-input',
      message: `${source.name} is a damaged checkpoint: its record is not whole.`,
    });
  return record;
}

function isRunRecord(value: unknown): value is RunRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record: Partial<Record<keyof RunRecord, unknown>> = value;
  return (
    typeof record.runId === 'string' &&
    [record.step, record.steps, record.savedAt, record.evaluationsSinceBest].every(Number.isFinite) &&
    ['webgpu', 'wasm-f32', 'cpu-f64'].some((backend) => backend === record.backend) &&
    Array.isArray(record.sizes) &&
    record.sizes.every(Number.isInteger)
  );
}
