/**
 * What can be done to packages kept on this machine. One writer of a package at a time, in whatever tab: who comes second is told so.
 * A package counts as here only when its record says so, which is written last.
 */
import type { FileSet } from '@/formats/byte-source.ts';
import { FormatError } from '@/formats/errors.ts';
import {
  absentFile,
  CHUNK_BYTES,
  fileState,
  type KeptFile,
  type KeptPackage,
  type KeptSource,
  presentBytes,
  totalBytes,
} from '@/formats/kept/kept-package.ts';
import type { PackageFolders } from '@/formats/kept/package-folders.ts';
import { manifestFiles } from '@/formats/manifest-checks.ts';
import { MANIFEST_FILE, type FileEntry, type Manifest } from '@/formats/manifest.ts';
import { memorySource } from '@/formats/memory-source.ts';
import { MAX_MANIFEST_BYTES, openEntry, openPackage } from '@/formats/model-package.ts';
import { JobError } from '@/jobs/api/job-error.ts';
import { openLock, writeLock, type PackageNews, type PackageSource, type PackageTasks } from '@/jobs/api/packages.ts';
import { jobErrorFrom } from '../job-errors.ts';
import { fillFile } from './fill-file.ts';
import { RecordKeeper } from './record-keeper.ts';
import { verifyFiles } from './verify-files.ts';

/** What a worker has and a test stands in for. */
export interface PackageSurroundings {
  readonly folders: PackageFolders;
  /** `onBytes` hears of every piece as it arrives. */
  openUrl(url: string, onBytes: (file: string, bytes: number) => void): FileSet;
  openFiles(name: string, files: Extract<PackageSource, { kind: 'files' }>['files']): FileSet;
  /** Does the work while it holds the lock alone; `undefined` where another holds it. */
  withLock<T>(name: string, work: () => Promise<T>): Promise<T | undefined>;
  announce(news: PackageNews): void;
  /** Bytes the browser would still take, as far as it says. */
  freeBytes(): Promise<number | undefined>;
  now(): number;
  /** Default 16 MiB; smaller in tests. */
  readonly chunkBytes?: number;
}

/** Files fetched side by side: one stream rarely fills a fast line. */
const PARALLEL_FILES = 3;
/** Texts and figures that lie beside a model without being part of it; taken along where they are. */
const COMPANIONS = ['LICENSE', 'NOTICE', 'README.md', 'report.json'];
const MAX_COMPANION_BYTES = 4_000_000;

export type PackageTaskTable = { readonly [K in Exclude<keyof PackageTasks, 'convert'>]: Task<K> };

type Task<K extends keyof PackageTasks> = (
  request: PackageTasks[K]['request'],
  signal: AbortSignal,
) => Promise<PackageTasks[K]['result']>;

export function packageTasks(around: PackageSurroundings): PackageTaskTable {
  const { folders } = around;

  const marked = async (key: string, change: (record: KeptPackage) => KeptPackage): Promise<undefined> => {
    await alone(around, key, async () => {
      const record = await folders.record(key);
      if (record === undefined) return;
      await folders.writeRecord(change(record));
      around.announce({ kind: 'changed', key });
    });
    return undefined;
  };

  return {
    async save({ source }, signal) {
      const arriving = new Map<string, number>();
      let report = (_file: string): void => undefined;
      const files = opened(around, source, (file, bytes) => {
        // One byte is the question how long the file is.
        if (bytes > 1) arriving.set(file, (arriving.get(file) ?? 0) + bytes);
        report(file);
      });
      const { manifest, bytes } = await readManifest(files, signal);
      const { id: key, name } = manifest;
      await alone(around, key, async () => {
        const chunkBytes = around.chunkBytes ?? CHUNK_BYTES;
        const begun = beginRecord(await folders.record(key), manifest, keptSource(source), chunkBytes);
        if (begun.whole) return;
        const keeper = new RecordKeeper(begun, folders, (changed) =>
          around.announce({ kind: 'changed', key: changed }),
        );
        const total = totalBytes(begun);
        const here = new Map(
          begun.files.map((file) => [file.file, file.whole ? file.bytes : 0] satisfies [string, number]),
        );
        report = (file) => {
          const at = begun.files.find((entry) => entry.file === file);
          if (at === undefined) return;
          // Of a chunk that comes twice (a broken answer) no more counts than there is.
          const doneBytes = begun.files.reduce(
            (sum, entry) => sum + Math.min(entry.bytes, (here.get(entry.file) ?? 0) + (arriving.get(entry.file) ?? 0)),
            0,
          );
          around.announce({
            kind: 'progress',
            key,
            name,
            phase: 'save',
            file,
            fileBytes: at.bytes,
            doneBytes,
            totalBytes: total,
          });
        };
        report(manifest.embedding.file);
        await withRoom(
          around,
          name,
          async () => {
            await keeper.change((record) => record);
            await inParallel(
              begun.files.filter((file) => fileState(file) !== 'whole').map((file) => entryOf(manifest, file)),
              signal,
              (entry, both) =>
                fillFile(folders, keeper, entry.file, {
                  signal: both,
                  open: (during) => openEntry(files, entry, during),
                  onBytes(done) {
                    here.set(entry.file, done);
                    arriving.set(entry.file, 0);
                    report(entry.file);
                  },
                }),
            );
            for (const companion of COMPANIONS) await copyCompanion(folders, key, files, companion, signal);
            await writeWhole(folders, key, MANIFEST_FILE, bytes);
            const verifiedAt = around.now();
            await keeper.change((record) => ({ ...record, whole: true, verifiedAt }));
          },
          () => missingOf(keeper.record),
        );
      });
      return { key };
    },

    verify: async ({ key }, signal) =>
      alone(around, key, async () => {
        const record = await folders.record(key);
        if (record === undefined) throw gone(key);
        const total = totalBytes(record);
        const checked = await verifyFiles(folders, record, signal, (file, doneBytes) =>
          around.announce({
            kind: 'progress',
            key,
            name: record.name,
            phase: 'verify',
            file: file.file,
            fileBytes: file.bytes,
            doneBytes,
            totalBytes: total,
          }),
        );
        const brokenChunks = checked.reduce((sum, { broken }) => sum + broken.length, 0);
        await folders.writeRecord({
          ...record,
          files: checked,
          whole: record.whole && brokenChunks === 0,
          verifiedAt: around.now(),
        });
        around.announce({ kind: 'changed', key });
        return { brokenChunks };
      }),

    remove: ({ key }) => marked(key, (record) => ({ ...record, deletedAt: around.now() })),
    restore: ({ key }) =>
      marked(key, (record) => {
        const { deletedAt: _, ...kept } = record;
        return kept;
      }),

    async purge({ olderThanMs }) {
      const removed: string[] = [];
      for (const { key, deletedAt } of await folders.list()) {
        if (deletedAt === undefined || around.now() - deletedAt < olderThanMs) continue;
        // Open somewhere, or being written: another time.
        const done = await around.withLock(openLock(key), () =>
          around.withLock(writeLock(key), async () => {
            await folders.remove(key);
            return true;
          }),
        );
        if (done !== true) continue;
        removed.push(key);
        around.announce({ kind: 'changed', key });
      }
      return { removed };
    },
  };
}

/** Does the work as the only writer of a package, in whatever tab. @throws JobError `busy` */
export async function alone<T>(around: PackageSurroundings, key: string, work: () => Promise<T>): Promise<T> {
  let entered = false;
  try {
    const done = await around.withLock(writeLock(key), async () => {
      entered = true;
      return { value: await work() };
    });
    if (done !== undefined) return done.value;
  } finally {
    // After the lock is free, so that who looks for it finds it so.
    if (entered) around.announce({ kind: 'ended', key });
  }
  throw new JobError({
    code: 'busy',
    message: 'Another tab of this page is working on this package. Its progress is shown here; wait for it to end.',
  });
}

function opened(
  around: PackageSurroundings,
  source: PackageSource,
  onBytes: (file: string, bytes: number) => void,
): FileSet {
  return source.kind === 'url' ? around.openUrl(source.url, onBytes) : around.openFiles(source.name, source.files);
}

function keptSource(source: PackageSource): KeptSource {
  return source.kind === 'url' ? { kind: 'url', url: source.url } : { kind: 'folder', name: source.name };
}

/** The manifest, checked, and its bytes as they are. */
async function readManifest(
  files: FileSet,
  signal: AbortSignal,
): Promise<{ readonly manifest: Manifest; readonly bytes: Uint8Array<ArrayBuffer> }> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  const { manifest } = await openPackage(
    {
      name: files.name,
      async open(path, during) {
        const source = await files.open(path, during);
        if (source === undefined || source.size > MAX_MANIFEST_BYTES) return source;
        bytes = await source.read(0, source.size, during);
        return memorySource(path, bytes);
      },
    },
    signal,
  );
  if (bytes === undefined) throw new Error('a manifest was accepted without being read');
  return { manifest, bytes };
}

/** What the record says before anything is fetched: files that are still the manifest's keep what is here of them. */
function beginRecord(
  before: KeptPackage | undefined,
  manifest: Manifest,
  source: KeptSource,
  chunkBytes: number,
): KeptPackage {
  const entries = manifestFiles(manifest).map(({ entry }) => entry);
  const known = before?.chunkBytes === chunkBytes ? before.files : [];
  const files = entries.map(
    (entry): KeptFile =>
      known.find(
        ({ file, bytes, sha256 }) => file === entry.file && bytes === entry.bytes && sha256 === entry.sha256,
      ) ?? absentFile(entry, chunkBytes),
  );
  const whole = before?.whole === true && files.every((file) => fileState(file) === 'whole');
  if (before !== undefined && whole && before.deletedAt === undefined) return before;
  return {
    version: 1,
    key: manifest.id,
    name: manifest.name,
    modelId: manifest.id,
    source,
    chunkBytes,
    files: files.map((file) => (file.broken.length > 0 ? { ...file, whole: false } : file)),
    whole: false,
  };
}

function entryOf(manifest: Manifest, { file }: KeptFile): FileEntry {
  const found = manifestFiles(manifest).find(({ entry }) => entry.file === file);
  if (found === undefined) throw new Error(`${file} is not in the manifest`);
  return found.entry;
}

/** Every item, a few at a time. The first failure stops the others, and all have stopped when this rejects. */
async function inParallel<T>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  let next = 0;
  let failure: { readonly reason: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined && failure === undefined; item = items[next++]) {
      try {
        await work(item, both);
      } catch (reason) {
        failure ??= { reason };
        failed.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_FILES }, worker));
  signal.throwIfAborted();
  if (failure !== undefined) throw failure.reason;
}

/**
 * A full disk, said with what is missing. What is here stays, and the same call goes on with it.
 * @param missingBytes of what is still to come, where that is known.
 */
export async function withRoom(
  around: PackageSurroundings,
  name: string,
  work: () => Promise<void>,
  missingBytes?: () => number,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'QuotaExceededError') throw jobErrorFrom(error);
    const free = await around.freeBytes();
    const missing = missingBytes?.();
    const needed = missing === undefined ? '' : `: ${sizeWords(missing)} are still needed`;
    const join = needed === '' ? ':' : ', and';
    let given = '';
    if (free !== undefined && missing !== undefined && free >= missing)
      given =
        `${join} the browser takes no more, although it counts ${sizeWords(free)} as free for this page: perhaps the disk is nearly ` +
        'full';
    else if (free !== undefined) given = `${join} the browser has ${sizeWords(free)} free for this page`;
    throw new JobError({
      code: 'storage',
      message: `There is no room left for ${name}${needed}${given}. Delete packages or make room on this machine, then go on: what is here stays.`,
    });
  }
}

function missingOf({ files, chunkBytes }: KeptPackage): number {
  return files.reduce((sum, file) => sum + file.bytes - presentBytes(file, chunkBytes), 0);
}

function sizeWords(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(1, Math.ceil(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

async function copyCompanion(
  folders: PackageFolders,
  key: string,
  files: FileSet,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const source = await files.open(name, signal);
    if (source === undefined || source.size > MAX_COMPANION_BYTES) return;
    await writeWhole(folders, key, name, await source.read(0, source.size, signal));
  } catch (error) {
    // A model without its read-me is a model.
    if (!(error instanceof FormatError)) throw error;
  }
}

async function writeWhole(
  folders: PackageFolders,
  key: string,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const handle = await folders.openForWriting(key, name);
  try {
    handle.writeAt(0, bytes);
    handle.truncate(bytes.length);
    handle.flush();
  } finally {
    handle.close();
  }
}

function gone(key: string): JobError {
  return new JobError({ code: 'bad-input', message: `${key} is not on this machine any more.` });
}
