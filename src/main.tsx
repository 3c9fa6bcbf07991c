/** Starts the page: the engine in its worker, the query client, the idle signal, the tree. */
import './app/styles.ts';
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
createRoot(root).render(<App engine={engine} packages={packageJobs} client={client} onMounted={mounted} />);
void idle.whenIdle().then(prefetchAll);
