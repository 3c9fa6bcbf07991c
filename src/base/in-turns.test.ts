import { expect, it } from 'vitest';
import { inTurns } from './in-turns.ts';

const forever = () => new AbortController().signal;
const soon = () => new Promise((resolve) => setTimeout(resolve, 1));

/** Jobs that end when they are told to, or when they are stopped. */
function jobs(count: number) {
  const begun: number[] = [];
  const ended: string[] = [];
  const settle: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const all = Array.from({ length: count }, (_, i) => async (signal: AbortSignal) => {
    begun.push(i);
    await new Promise<void>((resolve, reject) => {
      settle[i] = { resolve, reject };
      signal.addEventListener('abort', () => reject(signal.reason));
    }).catch((error: unknown) => {
      ended.push(`${i} ${error instanceof Error ? error.message : ''}`);
      throw error;
    });
    ended.push(`${i}`);
  });
  return { all, begun, ended, settle };
}

it('runs so many at a time, in order', async () => {
  const { all, begun, ended, settle } = jobs(5);
  const done = inTurns(all, 2, forever());
  await soon();
  expect(begun).toEqual([0, 1]);
  settle[1]?.resolve();
  await soon();
  expect([begun, ended]).toEqual([[0, 1, 2], ['1']]);
  for (const i of [0, 2, 3, 4]) {
    settle[i]?.resolve();
    await soon();
  }
  await done;
  expect(ended).toEqual(['1', '0', '2', '3', '4']);
});

it('ends the others when one fails, and says what failed when all have ended', async () => {
  const { all, begun, ended, settle } = jobs(4);
  const done = inTurns(all, 2, forever());
  await soon();
  const error = new Error('broken');
  settle[1]?.reject(error);
  await expect(done).rejects.toBe(error);
  expect([begun, ended]).toEqual([
    [0, 1],
    ['1 broken', '0 broken'],
  ]);
});

it('ends when it is aborted, also before it has begun', async () => {
  const { all, begun, ended } = jobs(3);
  const stopping = new AbortController();
  const done = inTurns(all, 2, stopping.signal);
  await soon();
  const reason = new Error('enough');
  stopping.abort(reason);
  await expect(done).rejects.toBe(reason);
  expect(ended).toEqual(['0 enough', '1 enough']);
  await expect(inTurns(all, 2, stopping.signal)).rejects.toBe(reason);
  expect(begun).toEqual([0, 1]);
});

it('has nothing to do for no jobs', async () => {
  await expect(inTurns([], 3, forever())).resolves.toBeUndefined();
});
