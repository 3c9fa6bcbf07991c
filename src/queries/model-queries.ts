/** The loaded model and what this device offers. */
import { queryOptions, useQuery, type QueryClient } from '@tanstack/react-query';
import { EngineError } from '@/engine/api/errors.ts';
import type { LoadedModel, Provider } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { loadProgressed, loadStarted } from '@/state/activity.ts';
import { cancelLoad, modelSource, useModelChoice, type ModelChoice } from '@/state/model-choice.ts';
import { useEngine } from './engine-context.ts';

/** Key prefix of every model load. */
export const modelKey = ['model'] as const;

interface Wish {
  readonly choice: ModelChoice;
  readonly provider: Provider | undefined;
  readonly loadId: number;
}

/** One load of one model. The engine holds one model at a time, so a load is never taken from the cache of an earlier one. */
export function modelQuery(engine: RewardEngine, { choice, provider, loadId }: Wish) {
  return queryOptions<LoadedModel, EngineError>({
    queryKey: [...modelKey, loadId],
    queryFn: async ({ signal }) => {
      loadStarted();
      try {
        return await engine.load(modelSource(choice, document.baseURI), {
          signal,
          onProgress: (event) => loadProgressed(event, performance.now()),
          ...(provider === undefined ? {} : { provider }),
        });
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
  | { readonly status: 'cancelled' }
  | { readonly status: 'failed'; readonly error: EngineError }
  | { readonly status: 'ready'; readonly model: LoadedModel; readonly loadId: number };

/** The chosen model; loads it while anything on the page uses this hook. */
export function useModel(): ModelState {
  const engine = useEngine();
  const { choice, provider, loadId, cancelledLoadId } = useModelChoice();
  const cancelled = cancelledLoadId === loadId;
  const query = useQuery({ ...modelQuery(engine, { choice, provider, loadId }), enabled: !cancelled });
  if (query.data !== undefined) return { status: 'ready', model: query.data, loadId };
  if (cancelled) return { status: 'cancelled' };
  if (query.error !== null) return { status: 'failed', error: query.error };
  return { status: 'loading' };
}

/** What this device offers. Changes with the provider in use, so it is asked anew after every load. */
export function deviceQuery(engine: RewardEngine, loadId: number) {
  return queryOptions({ queryKey: ['device', loadId], queryFn: () => engine.device() });
}

/** Stops the load in progress and does not start it again by itself. */
export function cancelModelLoad(client: QueryClient): void {
  cancelLoad();
  void client.cancelQueries({ queryKey: modelKey });
}
