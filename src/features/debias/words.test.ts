import { expect, test } from 'vitest';
import { progressWords } from './words.ts';

test('progress says the count, and the rate and what is left as soon as they are known', () => {
  expect(progressWords(undefined)).toBe('Preparing…');
  const begun = { done: 0, total: 48, unit: 'pair', share: 0, tokensPerSecond: undefined, elapsedMs: 3 } as const;
  expect(progressWords(begun)).toBe('0 of 48\u00a0pairs.');
  const going = { ...begun, done: 12, share: 0.2, tokensPerSecond: 141.6, elapsedMs: 30_000 };
  expect(progressWords(going)).toBe('12 of 48\u00a0pairs, 142 tokens/s, about 2\u00a0min 00\u00a0s left.');
});
