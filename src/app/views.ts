/**
 * The views that work, in the order of the navigation. A new view is one line here.
 *
 * Inspect is the first screen and comes with the first script; every other view is fetched when it is opened, or, once the model
 * is ready and nothing runs, ahead of time (`prefetch.ts`).
 */
import type { ComponentType } from 'react';
import { InspectView } from '@/features/inspect/inspect-view.tsx';
import { lazyComponent, type LazyComponent } from './lazy-component.tsx';

export interface View {
  readonly path: string;
  readonly name: string;
  /** What it is for, in a few words: shown where views are chosen by name. */
  readonly purpose: string;
  /** Second key of its shortcut, after `g`. */
  readonly key: string;
  readonly Component: ComponentType;
  /** Fetches the view's code; absent where it is here already. */
  readonly prefetch?: () => Promise<unknown>;
}

function lazyView(path: string, name: string, key: string, purpose: string, load: LazyComponent['load']): View {
  const { Component, prefetch } = lazyComponent({ name, load });
  return { path, name, key, purpose, Component, prefetch };
}

/**
 * A view whose jobs run in a worker. Its script comes along, into the browser's cache, so that the view also works when the network
 * is gone; where it does not come, the job that asks for it says so.
 */
async function withWorker(
  page: Promise<{ readonly Page: ComponentType; readonly workerUrl: string }>,
): Promise<ComponentType> {
  const { Page, workerUrl } = await page;
  await fetch(workerUrl).then(
    (response) => response.arrayBuffer(),
    () => undefined,
  );
  return Page;
}

export const views: readonly View[] = [
  { path: '/', name: 'Inspect', key: 'i', purpose: 'why a response scored what it did', Component: InspectView },
  lazyView('/steer', 'Steer', 's', 'move the weights by hand and see what flips', async () => {
    return await withWorker(import('./steer-page.tsx'));
  }),
  lazyView('/debias', 'Debias', 'd', 'see verbosity bias and take it out', async () => {
    return await withWorker(import('./debias-page.tsx'));
  }),
  lazyView('/evaluate', 'Evaluate', 'e', 'how right a model is on whole datasets', async () => {
    return await withWorker(import('./evaluate-page.tsx'));
  }),
  lazyView('/train', 'Train', 't', 'teach a gate on preference pairs', async () => {
    return await withWorker(import('./train-page.tsx'));
  }),
  lazyView('/models', 'Models', 'm', 'open, prove and describe models', async () => {
    return await withWorker(import('./models-page.tsx'));
  }),
];

/** The view an address asks for. `path` is the fragment without `#`; what follows a `?` in it is the view's own state. */
export function viewAt(path: string): View | undefined {
  const plain = viewPath(path);
  return views.find((view) => view.path === plain);
}

/** `/models?s=…` and `/models/` are `/models`; `/inspect` is `/`. */
export function viewPath(path: string): string {
  const plain = `/${(path.split('?')[0] ?? '').replaceAll(/^\/+|\/+$/g, '')}`;
  return plain === '/inspect' ? '/' : plain;
}
