import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { expect, it } from 'vitest';
import type { DeviceReport } from '@/engine/api/messages.ts';
import type { RewardEngine } from '@/engine/api/reward-engine.ts';
import { deviceQuery, unloadModel } from './model-queries.ts';

const idle: DeviceReport = {
  webgpu: { available: false, features: [], limits: {} },
  crossOriginIsolated: true,
  jspi: true,
  threads: 2,
};

it('asks the device anew once the model has gone, whatever it said meanwhile', async () => {
  const unused = () => Promise.reject(new Error('not used here'));
  let loaded = true;
  let answer = (): void => undefined;
  const engine: RewardEngine = {
    load: unused,
    tokenize: unused,
    score: unused,
    dispose: unused,
    device() {
      // The first answer is of the moment it was asked in, and arrives late.
      const report: DeviceReport = loaded ? { ...idle, provider: 'wasm' } : idle;
      return loaded ? new Promise((resolve) => (answer = () => resolve(report))) : Promise.resolve(report);
    },
    async unload() {
      loaded = false;
    },
  };
  const client = new QueryClient();
  const observer = new QueryObserver(client, deviceQuery(engine, 1, 'cancelled'));
  const stop = observer.subscribe(() => undefined);
  await unloadModel(engine, client);
  answer();
  await new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
  expect(observer.getCurrentResult().data).toEqual(idle);
  stop();
  client.clear();
});
