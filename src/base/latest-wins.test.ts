import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { latestWins } from './latest-wins.ts';

interface Call {
  signal: AbortSignal;
  input: number;
  resolve(value: string): void;
  reject(error: Error): void;
}

function controlled() {
  const calls: Call[] = [];
  const latest = latestWins(
    (signal: AbortSignal, input: number) =>
      new Promise<string>((resolve, reject) => calls.push({ signal, input, resolve, reject })),
  );
  return { calls, latest };
}

test('a lone call gives its value, or its error', async () => {
  const { calls, latest } = controlled();
  const first = latest.run(1);
  calls[0]!.resolve('one');
  expect(await first).toEqual({ outcome: 'done', value: 'one' });
  const second = latest.run(2);
  calls[1]!.reject(new Error('two failed'));
  await expect(second).rejects.toThrow('two failed');
  expect(calls.map((call) => [call.input, call.signal.aborted])).toEqual([
    [1, false],
    [2, false],
  ]);
});

test('a later call supersedes at once, even when the earlier task ignores its signal', async () => {
  const { calls, latest } = controlled();
  const first = latest.run(1);
  const second = latest.run(2);
  expect(await first).toEqual({ outcome: 'superseded' }); // task 1 is still pending
  expect(calls[0]!.signal.aborted).toBe(true);
  calls[0]!.reject(new Error('stale'));
  calls[1]!.resolve('two');
  expect(await second).toEqual({ outcome: 'done', value: 'two' });
});

test('an earlier task that finishes late does not unseat the latest', async () => {
  const { calls, latest } = controlled();
  const first = latest.run(1);
  const second = latest.run(2);
  calls[0]!.resolve('stale');
  await first;
  latest.cancel();
  expect(calls[1]!.signal.aborted).toBe(true);
  expect(await second).toEqual({ outcome: 'superseded' });
});

test('a task that throws at once rejects', async () => {
  const latest = latestWins(() => {
    throw new Error('at once');
  });
  await expect(latest.run()).rejects.toThrow('at once');
});

test('in whatever order tasks settle, exactly the last call is done', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }).chain((count) =>
        fc.shuffledSubarray(
          Array.from({ length: count }, (_, i) => i),
          { minLength: count },
        ),
      ),
      async (order) => {
        const { calls, latest } = controlled();
        const runs = order.map((_, i) => latest.run(i));
        for (const i of order) calls[i]!.resolve(`value ${i}`);
        const outcomes = await Promise.all(runs);
        const last = outcomes.length - 1;
        expect(outcomes.map((o) => o.outcome)).toEqual(outcomes.map((_, i) => (i === last ? 'done' : 'superseded')));
      },
    ),
  );
});
