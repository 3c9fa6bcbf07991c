import { QueryClient } from '@tanstack/react-query';
import { expect, it } from 'vitest';
import { beginWork } from '@/state/pending-work.ts';
import { idleSignal } from './idle.ts';

async function settled(promise: Promise<void>, withinMs: number): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<boolean>((resolve) => {
      setTimeout(() => resolve(false), withinMs);
    }),
  ]);
}

it('waits for counted work and for queries, also for those that start as others end', async () => {
  const client = new QueryClient();
  const signal = idleSignal(client);
  const end = beginWork();
  const idle = signal.whenIdle();
  expect(await settled(idle, 250)).toBe(false);
  end();
  end();
  const query = client.fetchQuery({
    queryKey: ['slow'],
    queryFn: () =>
      new Promise((resolve) => {
        setTimeout(() => resolve(1), 300);
      }),
  });
  expect(signal.isIdle()).toBe(false);
  expect(await settled(idle, 200)).toBe(false);
  await query;
  expect(await settled(idle, 1000)).toBe(true);
  expect(await settled(signal.whenIdle(), 1000)).toBe(true);
});
