/** The contract on real engines in Node: the host itself, and the client over a message channel to one (real cloning). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { afterAll, beforeAll, describe } from 'vitest';
import { makeGoldenPackage } from '@/cli/golden-packages.ts';
import { createCliEngine } from '@/cli/node-engine.ts';
import type { ModelSource } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { describeContract } from '@/engine/api/test-contract.ts';
import type { WorkerReply, WorkerRequest } from './protocol.ts';
import { createWorkerEngine } from './worker-client.ts';
import type { EngineWorker } from './worker-client.ts';
import { serveEngine } from './worker-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'armoscope-contract-'));
const source: ModelSource = { kind: 'directory', path: folder };
beforeAll(async () => {
  await makeGoldenPackage('armorm-tiny-smollm', folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A worker's two ends in one thread. Messages are structured clones and arrive later, as with a real one. */
function threadWorker(engine: RewardEngine): EngineWorker {
  const { port1, port2 } = new MessageChannel();
  serveEngine(engine, {
    postMessage: (message, { transfer }) => port2.postMessage(message, transfer),
    addEventListener: (_type, listener) =>
      port2.on('message', (data: WorkerRequest) => listener(new MessageEvent('message', { data }))),
  });
  const listen = (type: string, listener: (event: MessageEvent<WorkerReply>) => void): void => {
    if (type === 'message') port1.on('message', (data: WorkerReply) => listener(new MessageEvent('message', { data })));
  };
  return {
    postMessage: (message) => port1.postMessage(message),
    addEventListener: listen as EngineWorker['addEventListener'],
    terminate() {
      port1.close();
      void engine.dispose();
    },
  };
}

describe('contract: host in the thread', () => {
  describeContract({ create: () => createCliEngine({ threads: 1 }), source });
});

describe('contract: client over messages', () => {
  describeContract({ create: () => createWorkerEngine(() => threadWorker(createCliEngine({ threads: 1 }))), source });
});
