/** Starts the page: the engine in its worker, the query client, the idle signal, the tree in the place of the first picture. */
import './app/styles.ts';
import { startTransition } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { countedEngine } from './app/counted-engine.ts';
import { idleSignal } from './app/idle.ts';
import { packageJobs } from './app/package-jobs.ts';
import { prefetchAll } from './app/prefetch.ts';
import { createQueryClient } from './app/query-client.ts';
import { createWorkerEngine } from './engine/worker/worker-client.ts';
import { choiceFromSearch, useModelChoice } from './state/model-choice.ts';
import { beginWork } from './state/pending-work.ts';

const mounted = beginWork();
const client = createQueryClient();
const idle = idleSignal(client);
window.armoscope = idle;
useModelChoice.setState({ choice: choiceFromSearch(window.location.search) });

const engine = countedEngine(createWorkerEngine());
const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
const page = <App engine={engine} packages={packageJobs} client={client} onMounted={mounted} />;
if (document.documentElement.dataset['elsewhere'] === undefined && root.childElementCount > 0) {
  // The first picture stays until the page is whole, which is put together in slices: nothing on it is held up.
  startTransition(() => createRoot(root).render(page));
} else {
  root.replaceChildren();
  createRoot(root).render(page);
}
void idle.whenIdle().then(prefetchAll);
