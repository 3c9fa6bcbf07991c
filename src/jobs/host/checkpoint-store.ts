/** Checkpoints by run: what a folder on disk, OPFS or memory is to a training run. */
import type { GateTrainerState } from '@/core/gate-trainer-backend.ts';
import type { FileStore } from '@/formats/file-store.ts';
import type { CheckpointInfo, TrainingBackend, TrainingRequest } from '@/jobs/api/training.ts';
import { readCheckpoint, readCheckpointInfo, type StoredRun, writeCheckpoint } from './checkpoint-file.ts';
import type { PreparedTraining } from './prepare-training.ts';
import type { LoopMemory } from './training-loop.ts';

const ending = '.safetensors';

export class CheckpointStore {
  private readonly files: FileStore;
  private readonly wallClock: () => number;

  /** @param wallClock milliseconds since 1970. */
  constructor(files: FileStore, wallClock: () => number) {
    this.files = files;
    this.wallClock = wallClock;
  }

  async save(
    request: TrainingRequest,
    prepared: PreparedTraining,
    backend: TrainingBackend,
    state: GateTrainerState,
    memory: LoopMemory,
  ): Promise<CheckpointInfo> {
    const savedAt = this.wallClock();
    const bytes = writeCheckpoint(request, prepared, backend, state, memory, savedAt);
    await this.files.write(fileName(request.runId), bytes);
    const { runId, options } = request;
    return { runId, step: state.step, steps: options.steps, bytes: bytes.length, backend, savedAt };
  }

  /** @returns `undefined` when the run has none. @throws JobError when it is of other data or settings. */
  async load(request: TrainingRequest, prepared: PreparedTraining): Promise<StoredRun | undefined> {
    const source = await this.files.open(fileName(request.runId));
    return source === undefined ? undefined : readCheckpoint(source, request, prepared);
  }

  /** Newest first; files that are no checkpoints are left out. */
  async list(): Promise<CheckpointInfo[]> {
    const found: CheckpointInfo[] = [];
    for (const name of await this.files.list()) {
      const source = name.endsWith(ending) ? await this.files.open(name) : undefined;
      const info = source && (await readCheckpointInfo(source).catch(() => undefined));
      if (info !== undefined) found.push(info);
    }
    return found.sort((a, b) => b.savedAt - a.savedAt);
  }

  remove(runId: string): Promise<void> {
    return this.files.remove(fileName(runId));
  }
}

/** Any run id as a file name that every file system takes. */
function fileName(runId: string): string {
  return `${encodeURIComponent(runId).replaceAll('%', '=').replaceAll('*', '=2A')}${ending}`;
}
