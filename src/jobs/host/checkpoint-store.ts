/** Checkpoints by run: what a folder on disk, OPFS or memory is to a training run. */
import type { GateTrainerState } from '@/core/gate-trainer-backend.ts';
import type { ByteSource } from '@/formats/byte-source.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { blobSource } from '@/formats/blob-source.ts';
import type { CheckpointInfo, TrainingBackend, TrainingRequest } from '@/jobs/api/training.ts';
import { readCheckpoint, readCheckpointInfo, type StoredRun, writeCheckpoint } from './checkpoint-file.ts';
import type { PreparedTraining } from './prepare-training.ts';
import type { LoopMemory } from './training-loop.ts';

/** Whole files by name. A write replaces the file at once or not at all. */
export interface FileStore {
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  open(name: string): Promise<ByteSource | undefined>;
  list(): Promise<readonly string[]>;
  remove(name: string): Promise<void>;
}

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

/** In memory, for tests and where a page may not store. */
export function memoryFileStore(): FileStore {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    write: async (name, bytes) => void files.set(name, bytes.slice()),
    async open(name) {
      const bytes = files.get(name);
      return bytes === undefined ? undefined : memorySource(name, bytes);
    },
    list: async () => [...files.keys()],
    remove: async (name) => void files.delete(name),
  };
}

/** A folder of the origin's private file system. Writing goes to a new file that replaces the old one when it is closed. */
export function opfsFileStore(folderName: string): FileStore {
  const folder = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(folderName, { create: true });
  return {
    async write(name, bytes) {
      const handle = await (await folder()).getFileHandle(name, { create: true });
      const stream = await handle.createWritable();
      try {
        await stream.write(bytes);
      } catch (error) {
        await stream.abort();
        throw error;
      }
      await stream.close();
    },
    async open(name) {
      const handle = await (await folder()).getFileHandle(name).catch(missing);
      return handle === undefined ? undefined : blobSource(name, await handle.getFile());
    },
    async list() {
      const names: string[] = [];
      for await (const name of (await folder()).keys()) names.push(name);
      return names;
    },
    async remove(name) {
      await (await folder()).removeEntry(name).catch(missing);
    },
  };
}

function missing(error: unknown): undefined {
  if (error instanceof Error && error.name === 'NotFoundError') return undefined;
  throw error;
}
