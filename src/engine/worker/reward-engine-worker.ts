/** The worker's entry: the browser's engine behind messages. Calls that arrive while this module loads wait in the port. */
import { createWebEngine } from '@/engine/host/web-engine.ts';
import { serveEngine } from './worker-server.ts';

const createHashWorker = () => new Worker(new URL('./hash-worker.ts', import.meta.url), { type: 'module' });

serveEngine(createWebEngine({}, createHashWorker), self);
