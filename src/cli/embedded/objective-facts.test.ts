import { describe, expect, it } from 'vitest';
import type { Group } from './dataset.ts';
import { headlineOf, objectiveFacts } from './objective-facts.ts';
import type { Example } from './label-rows.ts';

const group: Group = {
  key: 'k',
  prompt: [],
  split: 'test',
  source: 's',
  licences: new Set(),
  responses: [],
  ratings: [],
  preferences: [],
  contrasts: [],
};
const example = (tokens: number): Example => ({ group, response: 0, text: '', split: 'test', tokens });

describe('objective facts', () => {
  // Rewards 1, 2, 3, 4 at 1, 3, 7, 15 tokens: one more for every doubling of 1 + tokens; deviation √1.25.
  const examples = [1, 3, 7, 15].map(example);
  const rewards = [1, 2, 3, 4];
  const deviation = Math.sqrt(1.25);

  it('states effects and slope in standard deviations over natural responses', () => {
    const facts = objectiveFacts(
      10,
      (row) => rewards[row] ?? Number.NaN,
      examples,
      [
        { better: 3, worse: 0, label: 'rude' },
        { better: 3, worse: 2, label: 'rude' },
        { better: 0, worse: 1, label: 'off-topic' },
      ],
      [0, 1, 2, 3],
      [],
    );
    expect(facts.name).toBe('beavertails-is_safe');
    expect(facts.deviation).toBeCloseTo(deviation, 12);
    expect(facts.length.spearman).toBe(1);
    expect(facts.length.perDoubling).toBeCloseTo(1 / deviation, 4);
    expect(facts.raisedBy.map(({ kind, pairs }) => [kind, pairs])).toEqual([
      ['rude', 2],
      ['off-topic', 1],
    ]);
    expect(facts.raisedBy[0]?.effect).toBeCloseTo(2 / deviation, 4);
    expect(facts.raisedBy[0]?.within).toBeCloseTo((1.96 * (1 / deviation)) / Math.SQRT2, 4);
    expect(facts.raisedBy[1]?.effect).toBeCloseTo(-1 / deviation, 4);
    expect(facts.headline).toBeUndefined();
  });

  it('shows the largest source of real labels first, contrasts only where there is nothing else', () => {
    const contrasts = { source: 'contrasts: built contrasts', n: 400, spearman: 0.9 };
    const few = { source: 'rating: b', n: 20, spearman: 0.3 };
    const many = { source: 'rating: a', n: 60, spearman: 0.2, auc: 0.7 };
    expect(headlineOf([contrasts, few, many])).toEqual({ source: 'rating: a', n: 60, measure: 'auc', value: 0.7 });
    expect(headlineOf([contrasts, { source: 'rating: c', n: 500 }])?.measure).toBe('spearman');
    expect(headlineOf([{ source: 'rating: c', n: 3 }])).toBeUndefined();
  });
});
