/** The fake keeps the contract of every engine, so that a page tested with it meets no surprise. */
import { describe, expect, test } from 'vitest';
import { describeContract } from '@/engine/api/test-contract.ts';
import { EngineError } from '@/engine/api/errors.ts';
import { assertRewardHead } from '@/core/reward-head.ts';
import { createFakeEngine } from './fake-engine.ts';
import { fakeHead } from './fake-model.ts';

describe('contract: fake', () => {
  describeContract({ create: () => createFakeEngine(), source: { kind: 'url', url: 'fake:' } });
});

test('the head is well formed, and verbosity is dead mass as in the published checkpoint', () => {
  assertRewardHead(fakeHead);
  const k = fakeHead.objectives;
  expect(Array.from({ length: k }, (_, v) => fakeHead.transform[v * k + 4])).toEqual(
    Array.from({ length: k }, () => 0),
  );
});

test('failures are injected as they are given', async () => {
  const failLoad = new EngineError({ code: 'network', message: 'The connection dropped.' });
  const engine = createFakeEngine({ failLoad });
  await expect(engine.load({ kind: 'url', url: 'fake:' })).rejects.toBe(failLoad);
});
