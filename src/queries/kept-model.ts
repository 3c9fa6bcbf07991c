/**
 * Before a model is loaded: does its package lie on this machine? Then the engine is given the files that are here. A package that is
 * here in part is brought first, and so is a large one, because what is fetched into memory is gone with the page.
 */
import { EngineError, type EngineErrorCode } from '@/engine/api/errors.ts';
import type { EngineProgress } from '@/engine/api/messages.ts';
import { urlFileSet } from '@/formats/http-source.ts';
import { packageState, type KeptPackage } from '@/formats/kept/kept-package.ts';
import { opfsPackageFolders, type PackageFolders } from '@/formats/kept/package-folders.ts';
import { manifestFiles } from '@/formats/manifest-checks.ts';
import { MANIFEST_FILE } from '@/formats/manifest.ts';
import { openPackage } from '@/formats/model-package.ts';
import { JobError, type JobErrorCode } from '@/jobs/api/job-error.ts';
import { openLock, writeLock, type PackageJobs } from '@/jobs/api/packages.ts';
import { onPackageNews } from '@/state/package-news.ts';
import { mountFiles, packageUrl, useModelChoice, type ModelChoice, type PickedFile } from '@/state/model-choice.ts';
import { packageTexts } from './package-text-query.ts';
import { canKeep, savePackage } from './kept-packages.ts';

/** From here on a package is not read into memory: fetching it anew with every visit would be a waste. */
export const LARGE_PACKAGE_BYTES = 256_000_000;

interface Preparation {
  readonly signal: AbortSignal;
  readonly onProgress: (event: EngineProgress) => void;
}

/** Mounts the kept package of a choice, if there is one. @throws EngineError in words for the person. */
export async function prepareKept(
  choice: Extract<ModelChoice, { readonly kind: 'url' | 'kept' }>,
  jobs: PackageJobs,
  preparation: Preparation,
): Promise<void> {
  mountFiles(choice, undefined);
  if (!canKeep()) return;
  const folders = opfsPackageFolders();
  const before = await findKept(folders, choice);
  if (choice.kind === 'kept' && (before === undefined || packageState(before) !== 'whole'))
    throw new EngineError({
      code: 'storage',
      message: `${choice.name} is ${before === undefined ? 'not on this machine any more' : 'not whole on this machine'}.`,
    });
  const kept = choice.kind === 'url' ? await bring(choice.url, before, folders, jobs, preparation) : before;
  if (kept === undefined) return;
  mountFiles(choice, await keptPackageFiles(folders, kept));
  holdOpen(kept.key);
}

async function findKept(
  folders: PackageFolders,
  choice: Extract<ModelChoice, { readonly kind: 'url' | 'kept' }>,
): Promise<KeptPackage | undefined> {
  if (choice.kind === 'kept') {
    const found = await folders.record(choice.key);
    return found?.deletedAt === undefined ? found : undefined;
  }
  const url = packageUrl(choice.url, document.baseURI);
  const found = (await folders.list().catch(() => [])).filter(
    ({ source, deletedAt }) => source.kind === 'url' && source.url === url && deletedAt === undefined,
  );
  return found.find((kept) => packageState(kept) === 'whole') ?? found[0];
}

async function bring(
  address: string,
  before: KeptPackage | undefined,
  folders: PackageFolders,
  jobs: PackageJobs,
  { signal, onProgress }: Preparation,
): Promise<KeptPackage | undefined> {
  if (before !== undefined && packageState(before) === 'whole') return before;
  const url = packageUrl(address, document.baseURI);
  if (before === undefined && !(await isLarge(url, signal))) return undefined;
  const stop = onPackageNews((news) => {
    if (news.kind !== 'progress' || news.phase !== 'save') return;
    const { file, fileBytes = 0, doneBytes: loadedBytes, totalBytes: all } = news;
    onProgress({ stage: 'download', file, fileBytes, loadedBytes, totalBytes: all });
  });
  try {
    for (;;) {
      try {
        const { key } = await savePackage(jobs, { kind: 'url', url }, signal);
        return await folders.record(key);
      } catch (error) {
        if (!(error instanceof JobError) || error.code !== 'busy') throw error;
        // Its news are shown here as if they were our own. When it is done the package is whole; when it was closed, we go on with it.
        onProgress({
          stage: 'waiting',
          reason: 'This package is being saved already, perhaps by another tab: waiting for that. It is fetched once.',
        });
        const { manifest } = await openPackage(urlFileSet(url), signal);
        await navigator.locks.request(writeLock(manifest.id), { mode: 'shared', signal }, () => undefined);
        onProgress({ stage: 'waiting', reason: undefined });
      }
    }
  } catch (error) {
    throw error instanceof JobError ? engineError(error) : error;
  } finally {
    stop();
  }
}

const engineCodes: Readonly<Partial<Record<JobErrorCode, EngineErrorCode>>> = {
  aborted: 'aborted',
  network: 'network',
  'bad-input': 'bad-package',
  internal: 'internal',
};

function engineError({ code, message, detail }: JobError): EngineError {
  return new EngineError({
    code: engineCodes[code] ?? 'storage',
    message,
    ...(detail === undefined ? {} : { detail }),
  });
}

/** A manifest that cannot be read is the engine's to refuse. */
async function isLarge(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { manifest } = await openPackage(urlFileSet(url), signal);
    return manifestFiles(manifest).reduce((sum, { entry }) => sum + entry.bytes, 0) >= LARGE_PACKAGE_BYTES;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** The files of a kept package with the hashes of their chunks, by which they are proven at every load. */
export async function keptPackageFiles(folders: PackageFolders, kept: KeptPackage): Promise<PickedFile[]> {
  const names = [MANIFEST_FILE, ...kept.files.map(({ file }) => file), ...packageTexts, 'report.json'];
  const files: PickedFile[] = [];
  const { chunkBytes } = kept;
  for (const path of names) {
    const handle = await folders.handle?.(kept.key, path);
    const blob = handle === undefined ? await folders.blob(kept.key, path) : await handle.getFile();
    const file = kept.files.find((each) => each.file === path);
    const chunkHashes = file?.whole === true ? { of: file.sha256, chunkBytes, sha256: file.chunks } : undefined;
    if (blob !== undefined) files.push({ path, blob, chunkHashes, handle });
  }
  return files;
}

/** Says to all tabs that this one reads the package, until another model is loaded here. */
function holdOpen(key: string): void {
  void navigator.locks.request(
    openLock(key),
    { mode: 'shared' },
    () =>
      new Promise<void>((resolve) => {
        const { loadId } = useModelChoice.getState();
        const stop = useModelChoice.subscribe((state) => {
          if (state.loadId === loadId && state.unloadedLoadId !== loadId) return;
          stop();
          resolve();
        });
      }),
  );
}
