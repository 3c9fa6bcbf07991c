import { describe, expect, it } from 'vitest';
import { ARMORM_OBJECTIVES } from '@/core/armorm-objectives.ts';
import type { Group } from './dataset.ts';
import { LABEL_RECIPES } from './label-recipes.ts';
import type { LabelRecipe } from './label-recipes.ts';
import { indexExamples, labelRows, listExamples } from './label-rows.ts';
import { embeddedObjectives } from './embedded-objectives.ts';
import type { Split } from './records.ts';

function group(key: string, split: Split, parts: Partial<Group>): Group {
  return {
    key,
    prompt: [{ role: 'user', content: key }],
    split,
    source: 'made',
    licences: new Set(),
    responses: ['good', 'bad'],
    ratings: [],
    preferences: [],
    contrasts: [],
    ...parts,
  };
}

const recipe: LabelRecipe = {
  objective: 'x',
  kind: 'proxy',
  sources: [
    { from: 'rating', name: 'low-scale', weight: 1 },
    { from: 'rating', name: 'high-scale', weight: 1 },
  ],
  note: '',
};

/** Two sources whose ratings differ only by an offset and a factor. */
const groups = Array.from({ length: 40 }, (_, i) =>
  group(`p${i}`, i < 30 ? 'train' : 'test', {
    ratings: [
      {
        response: 0,
        name: i % 2 === 0 ? 'low-scale' : 'high-scale',
        value: (i % 2 === 0 ? 0.1 : 0.8) + (i % 3) * 0.05,
      },
    ],
  }),
);

describe('label rows', () => {
  it('a label does not tell its source: every source has the same mean and spread over the training rows', () => {
    const examples = listExamples(groups, (_, text) => text.length);
    const rows = labelRows(recipe, examples, indexExamples(examples));
    for (const name of ['low-scale', 'high-scale']) {
      const labels = rows
        .filter(({ source, example }) => source === `rating: ${name}` && examples[example]?.split === 'train')
        .map(({ label }) => label);
      const mean = labels.reduce((sum, value) => sum + value, 0) / labels.length;
      const variance = labels.reduce((sum, value) => sum + (value - mean) ** 2, 0) / labels.length;
      expect(labels.length).toBe(15);
      expect(mean).toBeCloseTo(0.5, 10);
      expect(Math.sqrt(variance)).toBeCloseTo(0.08, 10);
    }
  });

  it('the test split decides neither centre nor spread', () => {
    const shifted = groups.map((one) =>
      one.split === 'test' ? { ...one, ratings: one.ratings.map((rating) => ({ ...rating, value: 1 })) } : one,
    );
    const labelsOf = (list: readonly Group[]): number[] => {
      const examples = listExamples(list, (_, text) => text.length);
      return labelRows(recipe, examples, indexExamples(examples))
        .filter(({ example }) => examples[example]?.split === 'train')
        .map(({ label }) => label);
    };
    expect(labelsOf(shifted)).toEqual(labelsOf(groups));
  });

  it('a twin is marked as one, unless people rated the same text', () => {
    const marked = group('a', 'train', { contrasts: [{ kind: 'rude', good: 0, twin: 1 }] });
    const rated = { ...marked, key: 'b', ratings: [{ response: 1, name: 'r', value: 0 }] };
    const examples = listExamples([marked, rated], () => 3);
    expect(examples.map(({ twinOf }) => twinOf)).toEqual([undefined, 'rude', undefined, undefined]);
  });

  it('contrast levels make the good answer 1 and leave out kinds without a level', () => {
    const contrast: LabelRecipe = {
      ...recipe,
      sources: [{ from: 'contrasts', name: 'built contrasts', weight: 1 }],
      levels: { rude: 0 },
    };
    const made = Array.from({ length: 10 }, (_, i) =>
      group(`p${i}`, 'train', {
        responses: ['good', 'rude', 'typo'],
        contrasts: [
          { kind: 'rude', good: 0, twin: 1 },
          { kind: 'typos', good: 0, twin: 2 },
        ],
      }),
    );
    const examples = listExamples(made, () => 3);
    const rows = labelRows(contrast, examples, indexExamples(examples));
    const plain = rows.filter(({ worse }) => worse === undefined);
    expect(plain.map(({ raw, example }) => [examples[example]?.text, raw]).slice(0, 2)).toEqual([
      ['rude', 0],
      ['good', 1],
    ]);
    expect(plain.length).toBe(20);
    const differences = rows.filter(({ worse }) => worse !== undefined);
    expect(differences.length).toBe(10);
    for (const { example, worse = -1, label } of differences) {
      expect([examples[example]?.text, examples[worse]?.text]).toEqual(['good', 'rude']);
      expect(label).toBeCloseTo(0.2, 12);
    }
  });

  it('pairs become differences of the chosen and the rejected response', () => {
    const made = Array.from({ length: 12 }, (_, i) =>
      group(`p${i}`, i < 9 ? 'train' : 'test', {
        preferences: [{ chosen: 1, rejected: 0, source: 'people', subset: 'a' }],
      }),
    );
    const examples = listExamples(made, () => 3);
    const from = (name: string): LabelRecipe => ({ ...recipe, sources: [{ from: 'pairs', name, weight: 3 }] });
    const rows = labelRows(from('people/a'), examples, indexExamples(examples));
    expect(rows.length).toBe(12);
    for (const { example, worse = -1, weight, label } of rows) {
      expect([examples[example]?.text, examples[worse]?.text]).toEqual(['bad', 'good']);
      expect(weight).toBeCloseTo(3 / Math.sqrt(9), 12);
      expect(label).toBeGreaterThan(0);
    }
    expect(labelRows(from('machines'), examples, indexExamples(examples))).toEqual([]);
  });

  it('an anchor is every natural response at the middle of the scale', () => {
    const made = group('a', 'train', {
      responses: ['good', 'bad', 'twin'],
      ratings: [
        { response: 0, name: 'r', value: 1 },
        { response: 1, name: 'r', value: 0 },
      ],
      contrasts: [{ kind: 'rude', good: 0, twin: 2 }],
    });
    const examples = listExamples([made], () => 3);
    const rows = labelRows(
      { ...recipe, sources: [{ from: 'anchor', name: 'all', weight: 1 }] },
      examples,
      indexExamples(examples),
    );
    expect(rows.map(({ example, label }) => [examples[example]?.text, label])).toEqual([
      ['good', 0.5],
      ['bad', 0.5],
    ]);
  });
});

describe('label recipes', () => {
  it('are ArmoRM’s 19 objectives in its order, and every one says what its labels were', () => {
    expect(LABEL_RECIPES.map(({ objective }) => objective)).toEqual(ARMORM_OBJECTIVES.map(({ name }) => name));
    const objectives = embeddedObjectives();
    expect(objectives.every(({ labels }) => labels.note.length > 20)).toBe(true);
    // No rating here is on HelpSteer's scale, so no native scale may be claimed.
    expect(objectives.some((objective) => 'nativeScale' in objective)).toBe(false);
  });

  it('every recipe has something to learn from, with levels wherever contrasts are used', () => {
    for (const { sources, levels } of LABEL_RECIPES) {
      expect(sources.length).toBeGreaterThan(0);
      expect(sources.some(({ from }) => from === 'contrasts')).toBe(levels !== undefined);
    }
  });
});
