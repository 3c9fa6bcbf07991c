/**
 * What a person does to kept packages. Tasks go on while other views are looked at; each can be cancelled, and what it came to is said
 * beside the package it was for.
 */
import { JobError } from '@/jobs/api/job-error.ts';
import { urlName } from '@/formats/hub-source.ts';
import type { CheckpointSource, ConversionRequest, PackageJobs, PackageSource } from '@/jobs/api/packages.ts';
import { beginTask, settle, type KeptTask } from '@/state/kept-tasks.ts';
import { chooseModel, packageUrl } from '@/state/model-choice.ts';
import { ggufName } from './gguf-name.ts';
import { askToKeep, savePackage, type KeptEntry } from './kept-packages.ts';

/** How long a deletion can be undone. */
export const UNDO_MS = 30_000;

/** Whether a task or an outcome is about this package. */
export function concerns({ target }: { readonly target: string }, entry: KeptEntry): boolean {
  return target === targetOf(entry);
}

/** What everything about a package goes by, also before it has a folder here. */
function targetOf({ source }: KeptEntry): string {
  return source.kind === 'url' ? source.url : source.name;
}

async function perform(
  kind: KeptTask['kind'],
  target: string,
  work: (signal: AbortSignal) => Promise<string | undefined>,
): Promise<void> {
  const controller = new AbortController();
  settle(target, undefined);
  const end = beginTask({ kind, target, cancel: () => controller.abort() });
  try {
    const message = await work(controller.signal);
    if (message !== undefined) settle(target, { message });
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
    if (error.code !== 'aborted') settle(target, { error: error.toData() });
  } finally {
    end();
  }
}

/** Saves the package behind an address as typed. */
export async function keepAddress(jobs: PackageJobs, address: string): Promise<void> {
  const url = URL.canParse(address, document.baseURI) ? packageUrl(address, document.baseURI) : undefined;
  if (url !== undefined) await keepSource(jobs, { kind: 'url', url });
  else settle(address, { error: { code: 'bad-input', message: `${address} is not an address of a package.` } });
}

/** Saves a package from wherever it is: goes on with one that is here in part, and repairs one that is broken. */
export async function keepSource(jobs: PackageJobs, source: PackageSource): Promise<void> {
  await perform('save', source.kind === 'url' ? source.url : source.name, async (signal) => {
    await savePackage(jobs, source, signal);
    return 'It is whole, and every hash is the manifest’s.';
  });
}

export async function verifyKept(jobs: PackageJobs, entry: KeptEntry): Promise<void> {
  await perform('verify', targetOf(entry), async (signal) => {
    const { brokenChunks } = await jobs.run('verify', { key: entry.key }, signal);
    return brokenChunks === 0 ? 'Every byte here is as it was written.' : undefined;
  });
}

/** Converts a checkpoint; the same one goes on where an interrupted conversion stood. */
export async function convertCheckpointHere(jobs: PackageJobs, request: ConversionRequest): Promise<void> {
  await perform('convert', await conversionTarget(request), async (signal) => {
    await askToKeep();
    await jobs.run('convert', request, signal);
    return 'Converted: the package is whole.';
  });
}

/** The name a conversion goes by, as the converter makes it. */
async function conversionTarget({ source, adapter }: ConversionRequest): Promise<string> {
  const name = await sourceName(source);
  return adapter === undefined ? name : `${name}-${adapter.name}`;
}

async function sourceName(source: CheckpointSource): Promise<string> {
  if (source.kind === 'files') return source.name;
  if (source.kind === 'url') return urlName(source.url);
  // What cannot be read is refused by the conversion itself, with what is wrong.
  if (source.kind === 'gguf') return ggufName(source.file.path, source.file.blob).catch(() => source.file.path);
  return source.id.slice(source.id.indexOf('/') + 1).replace(/@.*$/, '');
}

/** Marks it; the space is given back when nobody can undo it any more. */
export async function deleteKept(jobs: PackageJobs, entry: KeptEntry): Promise<void> {
  const marked = await attempt(targetOf(entry), () => jobs.run('remove', { key: entry.key }));
  if (marked) setTimeout(() => void purgeKept(jobs, UNDO_MS), UNDO_MS + 100);
}

export async function undoDelete(jobs: PackageJobs, entry: KeptEntry): Promise<void> {
  await attempt(targetOf(entry), () => jobs.run('restore', { key: entry.key }));
}

/** Gives the space of deleted packages back, except of those that a tab has open. */
export async function purgeKept(jobs: PackageJobs, olderThanMs: number): Promise<void> {
  await attempt('purge', () => jobs.run('purge', { olderThanMs }));
}

async function attempt(target: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    settle(target, undefined);
    return true;
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
    settle(target, { error: error.toData() });
    return false;
  }
}

/** Opens a package that is whole here. One from an address is opened by that, so that links name it. */
export function openKept({ source, key, name }: KeptEntry): void {
  chooseModel(source.kind === 'url' ? { kind: 'url', url: source.url } : { kind: 'kept', key, name });
}
