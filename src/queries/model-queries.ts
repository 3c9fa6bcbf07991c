/** The loaded model and what this device offers. */
import { queryOptions, useQuery, type QueryClient } from '@tanstack/react-query';
import { EngineError } from '@/engine/api/errors.ts';
import type { EngineProgress, LoadedModel, Provider, StageMode } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { loadProgressed, loadStarted } from '@/state/activity.ts';
import { cancelLoad, markUnloaded, modelSource, useModelChoice, type ModelChoice } from '@/state/model-choice.ts';
import { rememberModel } from '@/state/recent-models.ts';
import type { PackageJobs } from '@/jobs/api/packages.ts';
import { useEngine } from './engine-context.ts';
import { usePackageJobs } from './package-context.ts';

/** Key prefix of every model load. */
export const modelKey = ['model'] as const;

interface Wish {
  readonly choice: ModelChoice;
  readonly provider: Provider | undefined;
  readonly stages: StageMode | undefined;
  readonly loadId: number;
}

/** One load of one model. The engine holds one model at a time, so a load is never taken from the cache of an earlier one. */
export function modelQuery(engine: RewardEngine, jobs: PackageJobs, { choice, provider, stages, loadId }: Wish) {
  return queryOptions<LoadedModel, EngineError>({
    queryKey: [...modelKey, loadId],
    queryFn: async ({ signal }) => {
      loadStarted();
      const onProgress = (event: EngineProgress) => loadProgressed(event, performance.now());
      try {
        // Fetched when it is needed: the first visit needs neither.
        if (choice.kind === 'url' || choice.kind === 'kept')
          await (await import('./kept-model.ts')).prepareKept(choice, jobs, { signal, onProgress });
        const model = await engine.load(modelSource(choice, document.baseURI), {
          signal,
          onProgress,
          ...(provider === undefined ? {} : { provider }),
          ...(stages === undefined ? {} : { stages }),
        });
        const { name, id } = model.manifest;
        rememberModel(choice, { name, modelId: id, bytes: model.loadedBytes });
        return model;
      } catch (cause) {
        throw cause instanceof TypeError && choice.kind === 'url'
          ? new EngineError({ code: 'network', message: `${choice.url} is not an address a model can be loaded from.` })
          : EngineError.from(cause);
      }
    },
    gcTime: 0,
  });
}

/** A model as a view sees it. */
export type ModelState =
  | { readonly status: 'loading' }
  /** Nothing is loaded, because the person wanted it so. */
  | { readonly status: 'cancelled'; readonly unloaded: boolean }
  | { readonly status: 'failed'; readonly error: EngineError }
  | { readonly status: 'ready'; readonly model: LoadedModel; readonly loadId: number };

/** The chosen model; loads it while anything on the page uses this hook. */
export function useModel(): ModelState {
  const engine = useEngine();
  const jobs = usePackageJobs();
  const { choice, provider, stages, loadId, cancelledLoadId, unloadedLoadId } = useModelChoice();
  const unloaded = unloadedLoadId === loadId;
  const cancelled = cancelledLoadId === loadId || unloaded;
  const query = useQuery({ ...modelQuery(engine, jobs, { choice, provider, stages, loadId }), enabled: !cancelled });
  if (unloaded) return { status: 'cancelled', unloaded };
  if (query.data !== undefined) return { status: 'ready', model: query.data, loadId };
  if (cancelled) return { status: 'cancelled', unloaded: false };
  if (query.error !== null) return { status: 'failed', error: query.error };
  return { status: 'loading' };
}

const deviceKey = ['device'];

/** What this device offers. Changes with the provider in use, so it is asked anew after every load and unload. */
export function deviceQuery(engine: RewardEngine, loadId: number, status: ModelState['status']) {
  return queryOptions({ queryKey: [...deviceKey, loadId, status], queryFn: () => engine.device() });
}

/** Stops the load in progress and does not start it again by itself. */
export function cancelModelLoad(client: QueryClient): void {
  cancelLoad();
  void client.cancelQueries({ queryKey: modelKey });
}

/** Frees the model. Texts stay; results are shown again when a model is loaded and they are scored. */
export async function unloadModel(engine: RewardEngine, client: QueryClient): Promise<void> {
  markUnloaded();
  await client.cancelQueries({ queryKey: modelKey });
  await engine.unload();
  // What was asked of the device since the model was marked may have been answered before it had gone.
  await client.cancelQueries({ queryKey: deviceKey });
  await client.invalidateQueries({ queryKey: deviceKey });
}

/** What this page keeps on this machine, in words of the browser. Absent where it does not say. */
export interface StorageReport {
  readonly usageBytes?: number;
  readonly quotaBytes?: number;
  /** Kept until the person deletes it; otherwise the browser may clear it when space runs out. */
  readonly persistent: boolean;
}

export function storageQuery() {
  return queryOptions<StorageReport | null>({
    queryKey: ['storage'],
    staleTime: 0,
    queryFn: async () => {
      // Absent outside a secure context.
      const storage: StorageManager | undefined = navigator.storage;
      if (storage === undefined) return null;
      const { usage, quota } = await storage.estimate();
      return {
        persistent: await storage.persisted(),
        ...(usage === undefined ? {} : { usageBytes: usage }),
        ...(quota === undefined ? {} : { quotaBytes: quota }),
      };
    },
  });
}

/** Asks the browser to keep what this page stores. Browsers grant it to pages they think the person uses; some ask. */
export async function keepStorage(client: QueryClient): Promise<boolean> {
  const kept = await navigator.storage.persist();
  await client.invalidateQueries({ queryKey: storageQuery().queryKey });
  return kept;
}
