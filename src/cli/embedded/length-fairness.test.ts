import { describe, expect, it } from 'vitest';
import { balancedAccuracy, matchedAccuracy, wilson } from './length-fairness.ts';

const tokens = [100, 50, 40, 110, 44];
const pair = (better: number, worse: number) => ({ better, worse, label: 's' });
const tokensOf = (example: number): number => tokens[example] ?? 0;

describe('length fairness', () => {
  it('longer-wins is worth exactly one half once the pairs are re-weighted', () => {
    const pairs = [pair(0, 1), pair(0, 2), pair(3, 1), pair(1, 3)];
    expect(balancedAccuracy(pairs, tokensOf, tokensOf)).toEqual({
      longerPreferred: 3,
      shorterPreferred: 1,
      accuracy: 0.5,
    });
  });

  it('weighs the two kinds of pairs equally, whatever their number', () => {
    // Right on all three pairs where the longer answer is better, wrong on the one where the shorter is: 1 and 0.
    const values = [3, 2, 1, 2.5, 0];
    const pairs = [pair(0, 1), pair(0, 2), pair(0, 4), pair(2, 3)];
    expect(balancedAccuracy(pairs, (example) => values[example] ?? 0, tokensOf).accuracy).toBe(0.5);
  });

  it('matches pairs within a quarter of their length, and ties count half', () => {
    const pairs = [pair(0, 3), pair(2, 4), pair(0, 1)];
    const values = [1, 9, 2, 0, 2];
    const matched = matchedAccuracy(pairs, (example) => values[example] ?? 0, tokensOf);
    expect(matched.n).toBe(2);
    expect(matched.accuracy).toBe(0.75);
  });

  it('gives Wilson’s interval as tables have it', () => {
    // 81 of 263: 0.2553, 0.3662 (Newcombe 1998, table I, method 3).
    const found = wilson(81 / 263, 263);
    expect(found.low).toBeCloseTo(0.2553, 4);
    expect(found.high).toBeCloseTo(0.3662, 4);
  });
});
