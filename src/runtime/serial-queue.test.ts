import { expect, it } from 'vitest';
import { SerialQueue } from './serial-queue.ts';

it('runs jobs one at a time, in order, past failures', async () => {
  const queue = new SerialQueue();
  const events: string[] = [];
  const job = (name: string, fail = false) =>
    queue.run(async () => {
      events.push(`${name} begins`);
      await Promise.resolve();
      events.push(`${name} ends`);
      if (fail) throw new Error(name);
      return name;
    });
  const outcomes = await Promise.allSettled([job('a'), job('b', true), job('c')]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});
