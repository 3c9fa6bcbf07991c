/** Packages kept on this machine: the list, which follows every tab, and what can be done to them. */
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import {
  fileState,
  packageState,
  presentBytes,
  type KeptFile,
  type KeptPackage,
  type KeptSource,
  type KeptState,
} from '@/formats/kept/kept-package.ts';
import { opfsPackageFolders } from '@/formats/kept/package-folders.ts';
import { writeLock, type PackageJobs, type PackageSource } from '@/jobs/api/packages.ts';
import { useKeptTasks } from '@/state/kept-tasks.ts';
import { onPackageNews } from '@/state/package-news.ts';
import { storageQuery } from './model-queries.ts';

/** One file of a kept package, for show. */
export interface KeptFileEntry {
  readonly file: string;
  readonly state: KeptState;
  readonly bytes: number;
  readonly presentBytes: number;
  readonly chunks: number;
  readonly presentChunks: number;
  readonly brokenChunks: number;
}

/** One kept package, for show. */
export interface KeptEntry {
  readonly key: string;
  readonly name: string;
  readonly modelId: string;
  readonly source: KeptSource;
  readonly state: KeptState;
  readonly bytes: number;
  readonly presentBytes: number;
  readonly brokenChunks: number;
  readonly files: readonly KeptFileEntry[];
  readonly verifiedAt: number | undefined;
  /** Marked for deletion. */
  readonly deleted: boolean;
  /** A tab, this one or another, is writing it. */
  readonly busy: boolean;
}

function describeFile(file: KeptFile, chunkBytes: number): KeptFileEntry {
  return {
    file: file.file,
    state: fileState(file),
    bytes: file.bytes,
    presentBytes: presentBytes(file, chunkBytes),
    chunks: file.chunks.length,
    presentChunks: file.chunks.filter((hash) => hash !== '').length,
    brokenChunks: file.broken.length,
  };
}

/** A record in the numbers that are shown. */
export function describeKept(kept: KeptPackage, busy: boolean): KeptEntry {
  const files = kept.files.map((file) => describeFile(file, kept.chunkBytes));
  const sum = (of: (file: KeptFileEntry) => number) => files.reduce((all, file) => all + of(file), 0);
  const { key, name, modelId, source, verifiedAt, deletedAt } = kept;
  return {
    key,
    name,
    modelId,
    source,
    state: packageState(kept),
    bytes: sum((file) => file.bytes),
    presentBytes: sum((file) => file.presentBytes),
    brokenChunks: sum((file) => file.brokenChunks),
    files,
    verifiedAt,
    deleted: deletedAt !== undefined,
    busy,
  };
}

const keptKey = ['kept-packages'] as const;
/** A tab that was killed sends no news; who shows its work looks after it this often. */
const BUSY_POLL_MS = 2000;

/** Every package that is here, also in part, by name; those marked for deletion come last. */
export function keptPackagesQuery() {
  return queryOptions<readonly KeptEntry[]>({
    queryKey: keptKey,
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.some(({ busy }) => busy) === true ? BUSY_POLL_MS : false),
    queryFn: async () => {
      if (!canKeep()) return [];
      const [records, { held = [] }] = await Promise.all([opfsPackageFolders().list(), navigator.locks.query()]);
      const locks = new Set(held.map(({ name }) => name));
      return records
        .map((kept) => describeKept(kept, locks.has(writeLock(kept.key))))
        .toSorted((a, b) => Number(a.deleted) - Number(b.deleted) || a.name.localeCompare(b.name));
    },
  });
}

/** Absent outside a secure context and in some private windows. */
export function canKeep(): boolean {
  const { storage, locks }: { storage?: StorageManager; locks?: LockManager } = navigator;
  return storage !== undefined && 'getDirectory' in storage && locks !== undefined;
}

/** The list, kept up to date with what any tab does. */
export function useKeptPackages() {
  const client = useQueryClient();
  useEffect(() => {
    const refresh = () => {
      void client.invalidateQueries({ queryKey: keptKey });
      void client.invalidateQueries({ queryKey: storageQuery().queryKey });
    };
    const forgetNews = onPackageNews((news) => {
      if (news.kind !== 'progress') refresh();
    });
    // The news of a task's last change goes out while its lock is still held: the list would call it busy once more.
    const forgetTasks = useKeptTasks.subscribe((now, before) => {
      if (now.tasks.length < before.tasks.length) refresh();
    });
    return () => {
      forgetNews();
      forgetTasks();
    };
  }, [client]);
  return useQuery(keptPackagesQuery());
}

/** Asks the browser not to clear what is kept by itself. Its answer is shown; a refusal keeps nobody from saving. */
export async function askToKeep(): Promise<void> {
  if (!(await navigator.storage.persisted())) await navigator.storage.persist();
}

/** Saves a package, or goes on with it. @throws JobError */
export async function savePackage(
  jobs: PackageJobs,
  source: PackageSource,
  signal?: AbortSignal,
): Promise<{ readonly key: string }> {
  await askToKeep();
  return jobs.run('save', { source }, signal);
}
